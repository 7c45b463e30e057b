using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using WorkloadProxy.Mcp.Protocol;

namespace WorkloadProxy.Cli.Agents;

/// <summary>The messages of an event stream, over as many connections as it takes: where it stands, and whether what was asked has been answered.</summary>
internal sealed class BridgeStream(BridgeMessage? asked)
{
    private const int MaxEvent = 64 * 1024 * 1024;
    private static readonly TimeSpan longestPause = TimeSpan.FromMinutes(1);

    /// <summary>Whether the answer to what was asked has come.</summary>
    public bool IsAnswered { get; private set; }
    /// <summary>The id of the last event that had one: from there the stream can go on.</summary>
    public string? LastEvent { get; private set; }
    /// <summary>How long the server wants its clients to wait before they connect again; null where it doesn't say.</summary>
    public TimeSpan? Pause { get; private set; }

    /// <summary>The messages of one connection, to its end or until it breaks off.</summary>
    /// <exception cref="IOException">An event is longer than is taken.</exception>
    public async IAsyncEnumerable<string> ReadAsync(HttpResponseMessage answer, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var stream = await answer.Content.ReadAsStreamAsync(cancellationToken);
        var reader = new McpEventReader(MaxEvent);
        var chunk = new byte[8192];
        for (int read; (read = await ReadAsync(stream, chunk, cancellationToken)) > 0;)
        {
            reader.Add(chunk.AsSpan(0, read));
            while (reader.TryRead(out var found))
            {
                LastEvent = found.Field("id"u8) ?? LastEvent;
                if (int.TryParse(found.Field("retry"u8), NumberStyles.None, CultureInfo.InvariantCulture, out var wait))
                    Pause = TimeSpan.FromMilliseconds(Math.Min(wait, longestPause.TotalMilliseconds));
                if (found.Data.IsEmpty) continue;
                var json = Encoding.UTF8.GetString(found.Data.Span);
                IsAnswered |= asked is not null && BridgeMessage.Parse(json)?.Answers(asked) == true;
                yield return json;
            }
            if (reader.IsTooLong) throw new IOException("an event is too long");
        }
    }

    /// <summary>A connection that breaks off has ended: what is missing shows in what did not come.</summary>
    private static async Task<int> ReadAsync(Stream stream, byte[] chunk, CancellationToken cancellationToken)
    {
        try
        {
            return await stream.ReadAsync(chunk, cancellationToken);
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
