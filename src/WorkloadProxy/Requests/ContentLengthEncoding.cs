using System.Text;

namespace WorkloadProxy.Requests;

/// <summary>
/// How the server decodes a request's <c>Content-Length</c>. Kestrel takes whatever .NET takes for an integer: a sign, leading zeros, blanks. Another proxy in
/// front may count such a request differently (RFC 9112 §6.3), so whatever isn't a number in its one spelling becomes text that is none, and Kestrel refuses
/// the request.
/// </summary>
internal sealed class ContentLengthEncoding : Encoding
{
    // what fits a long
    private const int MaxDigits = 19;

    public static ContentLengthEncoding Instance { get; } = new();

    public override int GetChars(ReadOnlySpan<byte> bytes, Span<char> chars)
    {
        if (IsCanonical(bytes)) return Latin1.GetChars(bytes, chars);
        chars[0] = '?';
        return 1;
    }

    public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex) =>
        GetChars(bytes.AsSpan(byteIndex, byteCount), chars.AsSpan(charIndex));
    public override int GetCharCount(byte[] bytes, int index, int count) => IsCanonical(bytes.AsSpan(index, count)) ? count : 1;
    public override int GetMaxCharCount(int byteCount) => byteCount + 1;
    public override int GetByteCount(char[] chars, int index, int count) => Latin1.GetByteCount(chars, index, count);
    public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex) =>
        Latin1.GetBytes(chars, charIndex, charCount, bytes, byteIndex);
    public override int GetMaxByteCount(int charCount) => Latin1.GetMaxByteCount(charCount);

    private static bool IsCanonical(ReadOnlySpan<byte> value) =>
        value.Length is > 0 and <= MaxDigits && !value.ContainsAnyExceptInRange((byte)'0', (byte)'9') && (value[0] != '0' || value.Length == 1);
}
