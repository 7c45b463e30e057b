using System.Text;

namespace WorkloadProxy.Requests;

/// <summary>
/// How the server decodes a request's <c>Connection</c>. Kestrel puts the one option that it knows (<c>close</c>, <c>keep-alive</c>, <c>upgrade</c>) in place
/// of the whole value, and the names of hop-by-hop headers beside it are lost: those headers would go on to the upstream. It leaves alone a value that holds
/// two options of its own, so where others are named, both are added, and the connection ends with the answer.
/// </summary>
internal sealed class ConnectionEncoding : Encoding
{
    private const string Both = ", close, keep-alive";

    public static ConnectionEncoding Instance { get; } = new();

    public override int GetCharCount(byte[] bytes, int index, int count) => count + (NamesOthers(bytes.AsSpan(index, count)) ? Both.Length : 0);

    public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex)
    {
        var written = Latin1.GetChars(bytes, byteIndex, byteCount, chars, charIndex);
        if (!NamesOthers(bytes.AsSpan(byteIndex, byteCount))) return written;
        Both.CopyTo(0, chars, charIndex + written, Both.Length);
        return written + Both.Length;
    }

    public override int GetMaxCharCount(int byteCount) => byteCount + Both.Length;
    public override int GetByteCount(char[] chars, int index, int count) => Latin1.GetByteCount(chars, index, count);
    public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex) =>
        Latin1.GetBytes(chars, charIndex, charCount, bytes, byteIndex);
    public override int GetMaxByteCount(int charCount) => Latin1.GetMaxByteCount(charCount);

    private static bool NamesOthers(ReadOnlySpan<byte> value)
    {
        foreach (var range in value.Split((byte)','))
        {
            var option = value[range].Trim(" \t"u8);
            if (!option.IsEmpty && !Ascii.EqualsIgnoreCase(option, "close"u8) && !Ascii.EqualsIgnoreCase(option, "keep-alive"u8)
                && !Ascii.EqualsIgnoreCase(option, "upgrade"u8))
                return true;
        }
        return false;
    }
}
