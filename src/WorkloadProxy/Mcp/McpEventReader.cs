using System.Buffers;
using System.Text;

namespace WorkloadProxy.Mcp;

/// <summary>One event of an event stream: its bytes as they came, closing blank line included, and its data.</summary>
internal readonly record struct McpEvent(ReadOnlyMemory<byte> Raw, ReadOnlyMemory<byte> Data)
{
    /// <summary>The same event with other data: its id, type and retry time stay.</summary>
    public byte[] With(ReadOnlySpan<byte> data)
    {
        var output = new ArrayBufferWriter<byte>(data.Length + 64);
        var text = Encoding.UTF8.GetString(Raw.Span).TrimStart('\ufeff');
        foreach (var line in text.Split(["\r\n", "\n", "\r"], StringSplitOptions.RemoveEmptyEntries))
        {
            if (line != "data" && !line.StartsWith("data:", StringComparison.Ordinal)) output.Write(Encoding.UTF8.GetBytes(line + "\n"));
        }
        output.Write("data: "u8);
        output.Write(data);
        output.Write("\n\n"u8);
        return output.WrittenSpan.ToArray();
    }
}

/// <summary>
/// Cuts an event stream into events, whatever the line ends (LF, CR, CRLF) and wherever the chunks are cut. An event without a closing blank line is not one: it never passes.
/// </summary>
internal sealed class McpEventReader(int maxLength)
{
    private byte[] buffer = new byte[4096];
    private int length, scanned, lineStart;

    /// <summary>Whether an event is longer than is taken.</summary>
    public bool IsTooLong => length > maxLength;

    public void Add(ReadOnlySpan<byte> chunk)
    {
        if (length + chunk.Length > buffer.Length) Array.Resize(ref buffer, Math.Max(buffer.Length * 2, length + chunk.Length));
        chunk.CopyTo(buffer.AsSpan(length));
        length += chunk.Length;
    }

    /// <summary>The next whole event; its memory is its own.</summary>
    public bool TryRead(out McpEvent read)
    {
        while (scanned < length)
        {
            var at = buffer.AsSpan(scanned, length - scanned).IndexOfAny((byte)'\n', (byte)'\r');
            if (at < 0)
            {
                scanned = length;
                break;
            }
            var end = scanned + at;
            // a CR at the very end may be the first half of a CRLF; the event ends with the blank line either way, and a lone LF that follows is taken as one more
            var next = end + 1;
            if (buffer[end] == '\r' && next < length && buffer[next] == '\n') next++;
            var isBlank = end == lineStart;
            scanned = lineStart = next;
            if (!isBlank) continue;
            var raw = buffer.AsMemory(0, next).ToArray();
            buffer.AsSpan(next, length - next).CopyTo(buffer);
            (length, scanned, lineStart) = (length - next, 0, 0);
            read = new McpEvent(raw, DataOf(raw));
            return true;
        }
        read = default;
        return false;
    }

    private static byte[] DataOf(ReadOnlySpan<byte> raw)
    {
        if (raw.StartsWith(Encoding.UTF8.Preamble)) raw = raw[3..];
        var data = new ArrayBufferWriter<byte>(raw.Length);
        var any = false;
        while (!raw.IsEmpty)
        {
            var end = raw.IndexOfAny((byte)'\n', (byte)'\r');
            var line = end < 0 ? raw : raw[..end];
            raw = end < 0 ? [] : raw[(end + 1)..];
            if (!line.StartsWith("data"u8) || (line.Length > 4 && line[4] != ':')) continue;
            line = line.Length > 5 && line[5] == ' ' ? line[6..] : line.Length > 5 ? line[5..] : [];
            if (any) data.Write("\n"u8);
            any = true;
            data.Write(line);
        }
        return data.WrittenSpan.ToArray();
    }
}
