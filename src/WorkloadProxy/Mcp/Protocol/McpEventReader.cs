namespace WorkloadProxy.Mcp.Protocol;

/// <summary>
/// Cuts an event stream into events, whatever the line ends (LF, CR, CRLF) and wherever the chunks are cut. An event without its closing blank line is not one:
/// it never passes.
/// </summary>
internal sealed class McpEventReader(int maxLength)
{
    private const int Usual = 4096;
    private byte[] buffer = new byte[Usual];
    private int length, scanned, lineStart;
    private bool afterCr, began;

    /// <summary>Whether an event is longer than is taken. Asked when there is none to read.</summary>
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
            // the other half of a CRLF that a chunk's end cut: no line of its own, or it would be the blank one that ends an event
            if (afterCr)
            {
                afterCr = false;
                if (buffer[scanned] == '\n')
                {
                    lineStart = ++scanned;
                    continue;
                }
            }
            var at = buffer.AsSpan(scanned, length - scanned).IndexOfAny((byte)'\n', (byte)'\r');
            if (at < 0)
            {
                scanned = length;
                break;
            }
            var end = scanned + at;
            var next = end + 1;
            if (buffer[end] == '\r' && next < length && buffer[next] == '\n') next++;
            else afterCr = buffer[end] == '\r' && next == length;
            var isBlank = end == lineStart;
            scanned = lineStart = next;
            if (!isBlank) continue;
            var raw = buffer.AsMemory(0, next).ToArray();
            buffer.AsSpan(next, length - next).CopyTo(buffer);
            (length, scanned, lineStart) = (length - next, 0, 0);
            // one large event must not keep its buffer for the rest of a long stream
            if (length == 0 && buffer.Length > 16 * Usual) buffer = new byte[Usual];
            read = McpEvent.Of(raw, isFirst: !began);
            began = true;
            return true;
        }
        read = default;
        return false;
    }
}
