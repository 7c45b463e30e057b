using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace WorkloadProxy.Provisioning;

/// <summary>A refresh token: random, opaque, single-use. It has no form that a JWT or a user's API token has.</summary>
internal sealed class RefreshToken
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(24);
    private const string Prefix = "wpr_";
    private const int Size = 32;
    private static readonly int length = Prefix.Length + Base64Url.GetEncodedLength(Size);

    private RefreshToken(string text)
    {
        Text = text;
        Hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(text)));
    }

    public string Text { get; }
    /// <summary>What the store knows it by.</summary>
    public string Hash { get; }

    public static RefreshToken Create() => new(Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Size)));

    /// <summary>Null for a text that is none of ours.</summary>
    public static RefreshToken? Parse(ReadOnlySpan<char> text) =>
        text.Length == length && text.StartsWith(Prefix, StringComparison.Ordinal) && Ascii.IsValid(text) ? new RefreshToken(text.ToString()) : null;

    /// <summary>
    /// Seals the answer that this token is spent for, under the token itself: whoever reads the store finds neither the answer nor a key to it. Used once, so the nonce is constant.
    /// </summary>
    public byte[] Seal(ReadOnlySpan<byte> answer)
    {
        using var aes = new AesGcm(SealingKey(), AesGcm.TagByteSizes.MaxSize);
        var output = new byte[answer.Length + AesGcm.TagByteSizes.MaxSize];
        aes.Encrypt(new byte[AesGcm.NonceByteSizes.MaxSize], answer, output.AsSpan(0, answer.Length), output.AsSpan(answer.Length));
        return output;
    }

    /// <exception cref="CryptographicException">It was sealed for another token, or changed.</exception>
    public byte[] Open(ReadOnlySpan<byte> sealedAnswer)
    {
        using var aes = new AesGcm(SealingKey(), AesGcm.TagByteSizes.MaxSize);
        var answer = new byte[Math.Max(0, sealedAnswer.Length - AesGcm.TagByteSizes.MaxSize)];
        aes.Decrypt(new byte[AesGcm.NonceByteSizes.MaxSize], sealedAnswer[..answer.Length], sealedAnswer[answer.Length..], answer);
        return answer;
    }

    // not the hash: that one is in the store
    private byte[] SealingKey() => HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.ASCII.GetBytes(Text), 32, info: "workload-proxy refresh answer"u8.ToArray());

    public override string ToString() => "***";
}
