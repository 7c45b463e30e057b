using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;

namespace WorkloadProxy.Tokens;

/// <summary>Base64url with one spelling for each value (RFC 7515 §2, RFC 4648 §3.5): no padding, no white space, unused bits zero.</summary>
internal static class CanonicalBase64Url
{
    public const string Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    private static readonly SearchValues<char> Alphabet = SearchValues.Create(Digits);

    public static bool TryDecode(ReadOnlySpan<char> text, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        if (text.ContainsAnyExcept(Alphabet)) return false;
        var unusedBits = (text.Length % 4) switch { 0 => 0, 2 => 0b1111, 3 => 0b11, _ => -1 };
        if (unusedBits < 0 || (unusedBits > 0 && (Digits.IndexOf(text[^1]) & unusedBits) != 0)) return false;
        var decoded = new byte[text.Length / 4 * 3 + Math.Max(text.Length % 4 - 1, 0)];
        if (Base64Url.DecodeFromChars(text, decoded, out _, out var written) != OperationStatus.Done || written != decoded.Length) return false;
        bytes = decoded;
        return true;
    }
}
