using System.Buffers;
using System.Text;

namespace WorkloadProxy.Mcp.Protocol;

/// <summary>One event of an event stream: its bytes as they came, closing blank line included, and its data.</summary>
internal readonly record struct McpEvent(ReadOnlyMemory<byte> Raw, ReadOnlyMemory<byte> Data)
{
    private static readonly byte[] blanks = " \t\v\f\0"u8.ToArray();
    /// <summary>The first bytes of what ends a line for readers that cut text as Python's <c>splitlines</c> does, and for no others.</summary>
    private static readonly SearchValues<byte> oddLineEnds = SearchValues.Create([0x0b, 0x0c, 0x1c, 0x1d, 0x1e, 0xc2, 0xe2]);

    /// <summary>
    /// Whether a careless client would read other data: of a field whose name is <c>data</c> in other letters, or after a line end that is none.
    /// </summary>
    public bool IsAmbiguous { get; private init; }

    /// <param name="raw">Its bytes.</param>
    /// <param name="isFirst">Whether the stream begins with it: a byte-order mark is passed over there, and is part of a field's name elsewhere.</param>
    public static McpEvent Of(byte[] raw, bool isFirst = true)
    {
        var rest = raw.AsSpan();
        var isMarked = rest.StartsWith(Encoding.UTF8.Preamble);
        if (isMarked) rest = rest[3..];
        var data = new ArrayBufferWriter<byte>(Math.Max(rest.Length, 1));
        var (any, ambiguous) = (false, (isMarked && !isFirst) || HidesData(rest));
        while (!rest.IsEmpty)
        {
            var end = rest.IndexOfAny((byte)'\n', (byte)'\r');
            var line = end < 0 ? rest : rest[..end];
            rest = end < 0 ? [] : rest[(end + 1)..];
            var colon = line.IndexOf((byte)':');
            var name = colon < 0 ? line : line[..colon];
            if (!name.SequenceEqual("data"u8))
            {
                ambiguous |= Ascii.EqualsIgnoreCase(name.Trim(blanks), "data"u8);
                continue;
            }
            line = colon < 0 ? [] : line[(colon + 1)..];
            if (line.StartsWith((byte)' ')) line = line[1..];
            if (any) data.Write("\n"u8);
            any = true;
            data.Write(line);
        }
        return new McpEvent(raw, data.WrittenMemory) { IsAmbiguous = ambiguous };
    }

    /// <summary>What the last field of this name says, <c>id</c> or <c>retry</c>; null where there is none.</summary>
    public string? Field(ReadOnlySpan<byte> name)
    {
        string? value = null;
        foreach (var range in Raw.Span.SplitAny((byte)'\n', (byte)'\r'))
        {
            var line = Raw.Span[range];
            if (!line.StartsWith(name)) continue;
            line = line[name.Length..];
            if (line.IsEmpty) value = "";
            else if (line[0] == ':') value = Encoding.UTF8.GetString(line is [_, (byte)' ', ..] ? line[2..] : line[1..]);
        }
        return value;
    }

    /// <summary>The same event with other data: its id, type and retry time stay.</summary>
    public byte[] With(ReadOnlySpan<byte> data)
    {
        var output = new ArrayBufferWriter<byte>(data.Length + 64);
        foreach (var line in Encoding.UTF8.GetString(Raw.Span).TrimStart('\ufeff').Split(["\r\n", "\n", "\r"], StringSplitOptions.RemoveEmptyEntries))
        {
            if (line != "data" && !line.StartsWith("data:", StringComparison.Ordinal)) output.Write(Encoding.UTF8.GetBytes(line + "\n"));
        }
        Write(output, data);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>An event of the proxy's own.</summary>
    public static byte[] Message(ReadOnlySpan<byte> data)
    {
        var output = new ArrayBufferWriter<byte>(data.Length + 32);
        output.Write("event: message\n"u8);
        Write(output, data);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>A server could put a message that was never judged behind such a line end, in a comment or within a text.</summary>
    private static bool HidesData(ReadOnlySpan<byte> raw)
    {
        for (int at; (at = raw.IndexOfAny(oddLineEnds)) >= 0;)
        {
            raw = raw[at..];
            var length = raw[0] < 0x20 ? 1 : raw.StartsWith("\u0085"u8) ? 2 : raw.StartsWith("\u2028"u8) || raw.StartsWith("\u2029"u8) ? 3 : 0;
            raw = raw[Math.Max(length, 1)..];
            if (length == 0) continue;
            var line = raw.TrimStart(blanks);
            if (line.Length > 4 && Ascii.EqualsIgnoreCase(line[..4], "data"u8) && line[4..].TrimStart(blanks).StartsWith((byte)':')) return true;
        }
        return false;
    }

    private static void Write(ArrayBufferWriter<byte> output, ReadOnlySpan<byte> data)
    {
        // JSON may be written over several lines, and each is a field of its own
        foreach (var range in data.SplitAny((byte)'\n', (byte)'\r'))
        {
            output.Write("data: "u8);
            output.Write(data[range]);
            output.Write("\n"u8);
        }
        output.Write("\n"u8);
    }
}
