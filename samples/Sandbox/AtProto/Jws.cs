using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Sandbox.AtProto;

/// <summary>A compact JWS of ES256, read without being believed.</summary>
internal static class Jws
{
    public static (JsonElement Header, JsonElement Claims, Func<ECDsa, bool> Verify)? Read(string text)
    {
        try
        {
            if (text.Split('.') is not [var header, var claims, var signature]) return null;
            var signed = Base64Url.DecodeFromChars(signature);
            return (JsonSerializer.Deserialize<JsonElement>(Base64Url.DecodeFromChars(header)),
                JsonSerializer.Deserialize<JsonElement>(Base64Url.DecodeFromChars(claims)),
                key => key.VerifyData(Encoding.ASCII.GetBytes($"{header}.{claims}"), signed, HashAlgorithmName.SHA256));
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            return null;
        }
    }

    /// <summary>A public key on P-256, and its thumbprint (RFC 7638).</summary>
    public static (ECDsa Key, string Thumbprint)? Key(JsonElement jwk)
    {
        try
        {
            var (x, y) = (jwk.GetProperty("x").GetString()!, jwk.GetProperty("y").GetString()!);
            if (jwk.GetProperty("kty").GetString() != "EC" || jwk.GetProperty("crv").GetString() != "P-256") return null;
            var key = ECDsa.Create(new ECParameters
                { Curve = ECCurve.NamedCurves.nistP256, Q = new ECPoint { X = Base64Url.DecodeFromChars(x), Y = Base64Url.DecodeFromChars(y) } });
            return (key, Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes($$"""{"crv":"P-256","kty":"EC","x":"{{x}}","y":"{{y}}"}"""))));
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException or CryptographicException)
        {
            return null;
        }
    }
}
