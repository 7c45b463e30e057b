using System.Text;

namespace WorkloadProxy.Tests.Fuzzing;

/// <summary>
/// A header block as .NET's HTTP client writes it (RFC 7541): the static table and literals. Anything else that the RFC knows is an error here.
/// </summary>
internal static class HeaderBlock
{
    private static readonly string[] names =
    [
        ":authority", ":method", ":method", ":path", ":path", ":scheme", ":scheme", ":status", ":status", ":status", ":status", ":status", ":status", ":status",
        "accept-charset", "accept-encoding",
        "accept-language", "accept-ranges", "accept", "access-control-allow-origin", "age", "allow", "authorization", "cache-control", "content-disposition",
        "content-encoding", "content-language",
        "content-length", "content-location", "content-range", "content-type", "cookie", "date", "etag", "expect", "expires", "from", "host", "if-match",
        "if-modified-since", "if-none-match",
        "if-range", "if-unmodified-since", "last-modified", "link", "location", "max-forwards", "proxy-authenticate", "proxy-authorization", "range", "referer",
        "refresh", "retry-after", "server",
        "set-cookie", "strict-transport-security", "transfer-encoding", "user-agent", "vary", "via", "www-authenticate",
    ];

    private static readonly Dictionary<int, string> values = new()
        { [2] = "GET", [3] = "POST", [4] = "/", [5] = "/index.html", [6] = "http", [7] = "https", [16] = "gzip, deflate" };

    public static List<(string Name, string Value)> Read(byte[] block)
    {
        var fields = new List<(string, string)>();
        for (var at = 0; at < block.Length;)
        {
            var first = block[at];
            if ((first & 0x80) != 0)
            {
                var index = Number(block, ref at, 7);
                if (!values.TryGetValue(index, out var value)) throw new FormatException($"entry {index} has no value");
                fields.Add((Name(index), value));
            }
            else if ((first & 0x40) != 0 || (first & 0x20) != 0)
            {
                throw new FormatException("the dynamic table is not expected to be used");
            }
            else
            {
                var index = Number(block, ref at, 4);
                var name = index == 0 ? Text(block, ref at) : Name(index);
                fields.Add((name, Text(block, ref at)));
            }
        }
        return fields;
    }

    private static string Name(int index) => index is > 0 and <= 61 ? names[index - 1] : throw new FormatException($"entry {index}");

    private static string Text(byte[] block, ref int at)
    {
        if ((block[at] & 0x80) != 0) throw new FormatException("a Huffman code is not expected");
        var length = Number(block, ref at, 7);
        if (length > block.Length - at) throw new FormatException("a text is longer than its block");
        var text = Encoding.Latin1.GetString(block, at, length);
        at += length;
        return text;
    }

    private static int Number(byte[] block, ref int at, int bits)
    {
        var mask = (1 << bits) - 1;
        var number = block[at++] & mask;
        if (number < mask) return number;
        for (var shift = 0; ; shift += 7)
        {
            if (shift > 21 || at == block.Length) throw new FormatException("a number is too long");
            var next = block[at++];
            number += (next & 0x7f) << shift;
            if ((next & 0x80) == 0) return number;
        }
    }
}
