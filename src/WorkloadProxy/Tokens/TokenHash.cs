using System.Buffers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace WorkloadProxy.Tokens;

/// <summary>SHA-256 of a token: what the cache knows it by, in place of the token itself.</summary>
internal readonly record struct TokenHash(ulong A, ulong B, ulong C, ulong D)
{
    private const int StackLimit = 2048;

    /// <summary>False for a text that is too long or not ASCII: no token.</summary>
    public static bool TryCompute(ReadOnlySpan<char> token, out TokenHash hash)
    {
        hash = default;
        if (token.Length > JwtDocument.MaxLength) return false;
        byte[]? rented = null;
        var bytes = token.Length <= StackLimit ? stackalloc byte[StackLimit] : rented = ArrayPool<byte>.Shared.Rent(token.Length);
        var ascii = Ascii.FromUtf16(token, bytes, out var written) == OperationStatus.Done;
        if (ascii)
        {
            Span<ulong> words = stackalloc ulong[4];
            SHA256.HashData(bytes[..written], MemoryMarshal.AsBytes(words));
            hash = new TokenHash(words[0], words[1], words[2], words[3]);
        }

        if (rented is not null) ArrayPool<byte>.Shared.Return(rented, clearArray: true);
        return ascii;
    }

    /// <summary>In lower-case hexadecimal, as the audit writes it.</summary>
    public string ToHex()
    {
        ReadOnlySpan<ulong> words = [A, B, C, D];
        return Convert.ToHexStringLower(MemoryMarshal.AsBytes(words));
    }

    /// <summary>What <see cref="ToHex"/> wrote; null for anything else.</summary>
    public static TokenHash? FromHex(string text)
    {
        Span<ulong> words = stackalloc ulong[4];
        return Convert.FromHexString(text, MemoryMarshal.AsBytes(words), out var read, out var written) == OperationStatus.Done && read == text.Length
            && written == 32 ? new(words[0], words[1], words[2], words[3]) : null;
    }

    /// <summary>Evenly spread already.</summary>
    public override int GetHashCode() => (int)A;
}
