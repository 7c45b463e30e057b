using System.Globalization;
using System.Text;

namespace WorkloadProxy.PolicyDelivery.Hosted;

/// <summary>
/// The head of what <c>git http-backend</c> answers (RFC 3875 §6), read strictly: a header that is not one of its own is an error, not passed on.
/// </summary>
internal sealed record CgiResponse(int Status, IReadOnlyList<(string Name, string Value)> Headers, ReadOnlyMemory<byte> BodyStart)
{
    private const int MaxHead = 8 * 1024;

    /// <summary>Null when it is malformed, too long, or ends early.</summary>
    public static async Task<CgiResponse?> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        var buffer = new byte[MaxHead];
        var length = 0;
        while (length < buffer.Length)
        {
            var read = await stream.ReadAsync(buffer.AsMemory(length), cancellationToken);
            if (read == 0) return null;
            length += read;
            var end = buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8);
            if (end >= 0) return Parse(buffer.AsSpan(0, end), buffer.AsMemory((end + 4)..length));
        }
        return null;
    }

    internal static CgiResponse? Parse(ReadOnlySpan<byte> head, ReadOnlyMemory<byte> bodyStart)
    {
        var status = 200;
        var headers = new List<(string, string)>();
        foreach (var line in Encoding.Latin1.GetString(head).Split("\r\n"))
        {
            var colon = line.IndexOf(": ", StringComparison.Ordinal);
            if (colon <= 0 || line.Any(c => c is < ' ' or > '~')) return null;
            var (name, value) = (line[..colon], line[(colon + 2)..]);
            switch (name)
            {
                case "Status":
                    if (value.Length < 3 || !int.TryParse(value.AsSpan(0, 3), NumberStyles.None, CultureInfo.InvariantCulture, out status)
                        || status is < 200 or > 599)
                        return null;
                    break;
                case "Content-Type" or "Cache-Control" or "Expires" or "Pragma":
                    headers.Add((name, value));
                    break;
                case "Allow" or "Content-Length":
                    break;
                default:
                    return null;
            }
        }
        return new CgiResponse(status, headers, bodyStart);
    }
}
