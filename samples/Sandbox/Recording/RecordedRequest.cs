using System.Text;
using System.Text.Json.Serialization;

namespace Sandbox.Recording;

/// <summary>A request as it came over the wire. It is listed as soon as its head was read; what is known only later is filled in then.</summary>
public sealed class RecordedRequest
{
    /// <summary>Bodies are kept up to this size; the count goes on.</summary>
    public const int BodyLimit = 2 * 1024 * 1024;

    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly MemoryStream body = new();

    public required int Number { get; init; }
    public required string Protocol { get; init; }
    public required string Method { get; init; }

    /// <summary>The request line's target, byte for byte.</summary>
    public required string Target { get; init; }

    /// <summary>By name, whatever the letter case; every value by itself.</summary>
    public required IReadOnlyDictionary<string, string[]> Headers { get; init; }

    public string Path => Target.Split('?', 2)[0];
    public string Query => Target.Split('?', 2) is [_, var query] ? query : "";

    /// <summary>The body as text, as far as it was read and kept.</summary>
    public string Body => Encoding.UTF8.GetString(BodyBytes);
    public long BodyLength { get; private set; }

    /// <summary>The status that was answered; null while the request is under way.</summary>
    public int? Status { get; private set; }

    /// <summary>The caller went away before the answer was finished.</summary>
    public bool Aborted { get; private set; }

    [JsonIgnore]
    public byte[] BodyBytes
    {
        get { lock (body) return body.ToArray(); }
    }

    /// <summary>Ends with the request.</summary>
    [JsonIgnore]
    public Task Ended => ended.Task;

    /// <summary>The only value of a header, or null.</summary>
    public string? Header(string name) => Headers.TryGetValue(name, out var values) && values is [var value] ? value : null;

    internal void Read(ReadOnlySpan<byte> part)
    {
        lock (body)
        {
            BodyLength += part.Length;
            body.Write(part[..Math.Min(part.Length, BodyLimit - (int)body.Length)]);
        }
    }

    internal void End(int status, bool aborted)
    {
        Status = status;
        Aborted = aborted;
        ended.TrySetResult();
    }
}
