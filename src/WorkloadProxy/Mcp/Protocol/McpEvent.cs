using System.Buffers;
using System.Text;

namespace WorkloadProxy.Mcp.Protocol;

/// <summary>One event of an event stream: its bytes as they came, closing blank line included, and its data.</summary>
internal readonly record struct McpEvent(ReadOnlyMemory<byte> Raw, ReadOnlyMemory<byte> Data)
{
    /// <summary>Whether a field's name is <c>data</c> in other letters, which a careless client would read.</summary>
    public bool IsAmbiguous { get; private init; }

    public static McpEvent Of(byte[] raw)
    {
        var rest = raw.AsSpan();
        if (rest.StartsWith(Encoding.UTF8.Preamble)) rest = rest[3..];
        var data = new ArrayBufferWriter<byte>(Math.Max(rest.Length, 1));
        var (any, ambiguous) = (false, false);
        while (!rest.IsEmpty)
        {
            var end = rest.IndexOfAny((byte)'\n', (byte)'\r');
            var line = end < 0 ? rest : rest[..end];
            rest = end < 0 ? [] : rest[(end + 1)..];
            var colon = line.IndexOf((byte)':');
            var name = colon < 0 ? line : line[..colon];
            if (!name.SequenceEqual("data"u8))
            {
                ambiguous |= Ascii.EqualsIgnoreCase(name.Trim((byte)' '), "data"u8);
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
