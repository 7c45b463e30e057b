using System.Buffers.Text;
using System.Security.Cryptography;

namespace WorkloadProxy.Provisioning;

/// <summary>A line of refresh tokens that begins. Only the hash of its first token is stored.</summary>
internal sealed record NewFamily(string Id, RefreshToken First, DateTimeOffset Expires)
{
    public string Hash => First.Hash;

    public static NewFamily Create(DateTimeOffset now) =>
        new(Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16)), RefreshToken.Create(), now + RefreshToken.Lifetime);
}
