using System.Globalization;
using System.Text;

namespace WorkloadProxy.Tests.Fuzzing;

/// <summary>
/// HTTP/1.1 requests, read as strictly as the RFC permits and by no code of the proxy's or of .NET's: whatever could be read in two ways is an error.
/// </summary>
internal sealed class StrictRequestReader(Stream stream, int connection)
{
    private const string TokenCharacters = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    private readonly byte[] buffer = new byte[16 * 1024];
    private readonly StringBuilder bytes = new();
    private int at;
    private int end;

    /// <summary>What has come of a request that is not whole.</summary>
    public string Begun => bytes.ToString();

    /// <summary>The next request; null when the connection ended before one began, or within one.</summary>
    /// <exception cref="FormatException">What came is no request, or not unambiguously one.</exception>
    public async Task<ArrivedRequest?> ReadAsync()
    {
        bytes.Clear();
        if (await ReadLineAsync() is not { } line) return null;
        var parts = line.Split(' ');
        if (parts.Length != 3 || parts[2] != "HTTP/1.1") throw Wrong("request line", line);
        if (!parts[0].All(char.IsAsciiLetterUpper) || parts[0].Length == 0) throw Wrong("method", line);
        if (!parts[1].StartsWith('/') || parts[1].AsSpan().ContainsAnyExceptInRange('!', '~')) throw Wrong("target", line);
        var fields = new List<(string Name, string Value)>();
        while (true)
        {
            if (await ReadLineAsync() is not { } field) return null;
            if (field.Length == 0) break;
            fields.Add(ReadField(field));
        }
        if (Values(fields, "host").Count != 1) throw Wrong("count of Host", line);
        return await ReadBodyAsync(fields) is { } body ? new ArrivedRequest(connection, parts[0], parts[1], fields, body, bytes.ToString()) : null;
    }

    private static (string, string) ReadField(string line)
    {
        var colon = line.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0 || line.AsSpan(0, colon).ContainsAnyExcept(TokenCharacters)) throw Wrong("field", line);
        var value = line[(colon + 1)..].Trim(' ', '\t');
        if (value.Any(c => c is < ' ' and not '\t' or '\u007f')) throw Wrong("value", line);
        return (line[..colon], value);
    }

    private async Task<byte[]?> ReadBodyAsync(List<(string Name, string Value)> fields)
    {
        var lengths = Values(fields, "content-length");
        var codings = Values(fields, "transfer-encoding");
        if (lengths.Count + codings.Count > 1) throw Wrong("framing", $"{lengths.Count} lengths, {codings.Count} codings");
        if (lengths.Count == 1)
        {
            if (lengths[0].Length is 0 or > 9 || !lengths[0].All(char.IsAsciiDigit)) throw Wrong("length", lengths[0]);
            return await ReadExactlyAsync(int.Parse(lengths[0], CultureInfo.InvariantCulture));
        }
        if (codings.Count == 0) return [];
        if (codings[0] != "chunked") throw Wrong("coding", codings[0]);
        var body = new List<byte>();
        while (true)
        {
            if (await ReadLineAsync() is not { } line) return null;
            if (!int.TryParse(line, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var size)) throw Wrong("chunk", line);
            if (await ReadExactlyAsync(size) is not { } chunk) return null;
            if (await ReadLineAsync() is not { } close) return null;
            // the proxy sends no trailers on
            if (close.Length > 0) throw Wrong("end of a chunk", close);
            if (size == 0) return [.. body];
            body.AddRange(chunk);
        }
    }

    private static List<string> Values(List<(string Name, string Value)> fields, string name) =>
        [.. fields.Where(field => field.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(field => field.Value)];

    private async Task<string?> ReadLineAsync()
    {
        var line = new StringBuilder();
        while (await ReadByteAsync() is { } next)
        {
            if (next == '\n')
            {
                if (line.Length == 0 || line[^1] != '\r') throw Wrong("end of a line", line.ToString());
                line.Length--;
                if (line.ToString().Contains('\r', StringComparison.Ordinal)) throw Wrong("carriage return", line.ToString());
                return line.ToString();
            }
            line.Append((char)next);
        }
        return null;
    }

    private async Task<byte[]?> ReadExactlyAsync(int count)
    {
        var body = new byte[count];
        for (var i = 0; i < count; i++)
        {
            if (await ReadByteAsync() is not { } next) return null;
            body[i] = next;
        }
        return body;
    }

    private async ValueTask<byte?> ReadByteAsync()
    {
        if (at == end)
        {
            (at, end) = (0, await stream.ReadAsync(buffer));
            if (end == 0) return null;
        }
        bytes.Append((char)buffer[at]);
        return buffer[at++];
    }

    private static FormatException Wrong(string what, string text) =>
        new($"wrong {what}: `{string.Concat(text.Select(c => c is < ' ' or >= '\u007f' ? $"<{(int)c:x2}>" : $"{c}"))}`");
}
