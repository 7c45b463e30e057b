using System.Security.Cryptography;

namespace Sandbox.AtProto;

/// <summary>
/// A server's DPoP nonces: they change with the clock, and the one before and the one after are taken too. They belong to the server, not to an account.
/// </summary>
public sealed class NonceSource(TimeProvider time)
{
    private byte[] secret = RandomNumberGenerator.GetBytes(32);

    /// <summary>How long one is the current one.</summary>
    public TimeSpan Period { get; set; } = TimeSpan.FromSeconds(20);

    public string Current => At(0);

    internal bool Accepts(string nonce) => nonce == At(-1) || nonce == At(0) || nonce == At(1);

    /// <summary>As a restart of the server: no nonce that it gave is good any more.</summary>
    public void Change() => Volatile.Write(ref secret, RandomNumberGenerator.GetBytes(32));

    private string At(int steps) =>
        Convert.ToBase64String(HMACSHA256.HashData(Volatile.Read(ref secret), BitConverter.GetBytes(time.GetUtcNow().Ticks / Period.Ticks + steps)))[..32]
            .Replace('+', '-').Replace('/', '_');
}
