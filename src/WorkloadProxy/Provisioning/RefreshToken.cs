using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Provisioning;

/// <summary>A refresh token: random, opaque, single-use. It has no form that a JWT or a user's API token has.</summary>
internal sealed class RefreshToken
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(24);
    private const int Size = 32;
    private const int NonceSize = 12;
    private const int TagSize = 16;
    private static readonly int length = OwnSecret.Refresh.Length + Base64Url.GetEncodedLength(Size);

    private RefreshToken(string text)
    {
        Text = text;
        Hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(text)));
    }

    public string Text { get; }
    /// <summary>What the store knows it by.</summary>
    public string Hash { get; }

    public static RefreshToken Create() => new(OwnSecret.Refresh + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Size)));

    /// <summary>Null for a text that is not one of ours.</summary>
    public static RefreshToken? Parse(ReadOnlySpan<char> text) =>
        text.Length == length && text.StartsWith(OwnSecret.Refresh) && Ascii.IsValid(text) ? new RefreshToken(text.ToString()) : null;

    /// <summary>
    /// Seals the answer that this token is spent for, under the token itself: whoever reads the store finds neither the answer nor a key to it.
    /// </summary>
    public byte[] Seal(ReadOnlySpan<byte> answer)
    {
        using var aes = new AesGcm(SealingKey(), TagSize);
        var output = new byte[NonceSize + answer.Length + TagSize];
        var nonce = output.AsSpan(0, NonceSize);
        // not a constant: a spent token that was taken back seals a second answer
        RandomNumberGenerator.Fill(nonce);
        aes.Encrypt(nonce, answer, output.AsSpan(NonceSize, answer.Length), output.AsSpan(NonceSize + answer.Length));
        return output;
    }

    /// <exception cref="CryptographicException">It was sealed for another token, or changed.</exception>
    public byte[] Open(ReadOnlySpan<byte> sealedAnswer)
    {
        if (sealedAnswer.Length < NonceSize + TagSize) throw new CryptographicException("the sealed answer is too short");
        using var aes = new AesGcm(SealingKey(), TagSize);
        var answer = new byte[sealedAnswer.Length - NonceSize - TagSize];
        aes.Decrypt(sealedAnswer[..NonceSize], sealedAnswer[NonceSize..^TagSize], sealedAnswer[^TagSize..], answer);
        return answer;
    }

    // not the hash: that one is in the store
    private byte[] SealingKey() =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.ASCII.GetBytes(Text), 32, info: "workload-proxy refresh answer"u8.ToArray());

    public override string ToString() => "***";
}
