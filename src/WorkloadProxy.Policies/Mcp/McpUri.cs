using System.Text;

namespace WorkloadProxy.Policies.Mcp;

/// <summary>What is refused in a resource's URI before any rule is asked: servers that turn it into a path would read it in more than one way.</summary>
internal static class McpUri
{
    /// <summary>Null when rules may decide on it.</summary>
    public static string? Fault(ReadOnlySpan<char> uri)
    {
        if (uri.Contains('\\')) return "the URI holds a backslash";
        foreach (var c in uri) if (char.IsControl(c)) return "the URI holds a control character";
        foreach (var range in uri.Split('/'))
        {
            var segment = uri[range];
            var end = segment.IndexOfAny(";?#");
            if ((end < 0 ? segment : segment[..end]) is "." or "..") return "the URI holds a `.` or `..` segment";
        }
        return null;
    }

    /// <summary>How often the text holds an escape that a server may decode to a separator or a dot.</summary>
    public static int Escapes(ReadOnlySpan<char> text)
    {
        var count = 0;
        for (var i = 0; i + 2 < text.Length; i++)
        {
            if (text[i] == '%' && ((text[i + 1] == '2' && char.ToLowerInvariant(text[i + 2]) is 'e' or 'f')
                || (text[i + 1] == '5' && char.ToLowerInvariant(text[i + 2]) == 'c')))
                count++;
        }
        return count;
    }

    /// <summary>With its escapes decoded, for denies: a server that decodes must not find what was denied behind one.</summary>
    public static string Decoded(string uri)
    {
        if (!uri.Contains('%')) return uri;
        var bytes = new List<byte>(uri.Length);
        for (var i = 0; i < uri.Length; i++)
        {
            if (uri[i] == '%' && i + 2 < uri.Length && char.IsAsciiHexDigit(uri[i + 1]) && char.IsAsciiHexDigit(uri[i + 2]))
            {
                bytes.Add(Convert.ToByte(uri.Substring(i + 1, 2), 16));
                i += 2;
            }
            else
            {
                bytes.AddRange(Encoding.UTF8.GetBytes(uri, i, 1));
            }
        }
        return Encoding.UTF8.GetString(bytes.ToArray());
    }
}
