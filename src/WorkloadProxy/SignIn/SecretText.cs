using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace WorkloadProxy.SignIn;

/// <summary>Random texts that authenticate whoever has them: only their hashes are stored.</summary>
internal static class SecretText
{
    public static string New() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    public static string Hash(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));

    public static bool Same(string? one, string? other) =>
        one is not null && other is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(one), Encoding.UTF8.GetBytes(other));
}
