using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using WorkloadProxy.Storage;

namespace WorkloadProxy.SignIn;

/// <summary>
/// A sign-in under way: the state that comes back in the address, and the PKCE verifier (RFC 7636). It is sealed in a cookie of the browser that started it, so
/// that no other browser can complete it, any replica can, and starting one, which anyone may do, writes nothing to the store.
/// </summary>
internal sealed record SignInState(string State, string Verifier, long Expires)
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    public static SignInState New(DateTimeOffset now) => new(SecretText.New(), SecretText.New(), (now + Lifetime).ToUnixTimeMilliseconds());

    public string Challenge => Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(Verifier)));

    /// <summary>What the store keeps of a state that has been used.</summary>
    public string Id => SecretText.Hash(State);

    public string Seal(Sealer sealer, string provider) =>
        Base64Url.EncodeToString(sealer.Seal(JsonSerializer.SerializeToUtf8Bytes(new[] { State, Verifier, Expires.ToString() }), Purpose(provider)));

    /// <summary>Null for what was not sealed here, or for another provider.</summary>
    public static SignInState? Open(Sealer sealer, string provider, string? cookie)
    {
        try
        {
            if (cookie is null or { Length: > 4096 }) return null;
            return JsonSerializer.Deserialize<string[]>(sealer.Open(Base64Url.DecodeFromChars(cookie), Purpose(provider))) is [var state, var verifier,
                var expires]
                ? new SignInState(state, verifier, long.Parse(expires)) : null;
        }
        catch (Exception e) when (e is FormatException or CryptographicException or JsonException)
        {
            return null;
        }
    }

    private static string Purpose(string provider) => $"sign-in/{provider}";
}
