using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;

namespace Sandbox.AtProto;

/// <summary>What is wrong with a proof, in OAuth's words.</summary>
internal sealed record DpopError(string Error, string Description);

/// <summary>Checks the proof of a request as a server does (RFC 9449 §4.3), with nonces.</summary>
internal sealed class DpopCheck(NonceSource nonces, TimeProvider time)
{
    private static readonly TimeSpan tolerance = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<string, byte> seen = new();

    /// <summary>The thumbprint of the proof's key, or what is wrong.</summary>
    public (string? Thumbprint, DpopError? Error) Check(HttpRequest request, string origin, string? accessToken)
    {
        if (request.Headers["DPoP"] is not [{ } proof]) return Invalid("DPoP proof required");
        if (Jws.Read(proof) is not var (header, claims, verify)) return Invalid("Invalid DPoP proof");
        if (Text(header, "typ") != "dpop+jwt" || Text(header, "alg") != "ES256" || !header.TryGetProperty("jwk", out var jwk) || jwk.TryGetProperty("d", out _))
            return Invalid("Invalid DPoP header");
        if (Jws.Key(jwk) is not var (key, thumbprint)) return Invalid("Invalid DPoP key");
        using (key)
        {
            if (!verify(key)) return Invalid("Invalid DPoP signature");
        }
        if (Text(claims, "jti") is not { Length: > 0 } id) return Invalid("DPoP jti missing");
        if (Text(claims, "htm") != request.Method) return Invalid("DPoP htm mismatch");
        var target = request.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (Text(claims, "htu") != origin + target.Split('?')[0]) return Invalid("DPoP htu mismatch");
        if (!claims.TryGetProperty("iat", out var iat) || !iat.TryGetInt64(out var issued)
            || (time.GetUtcNow() - DateTimeOffset.FromUnixTimeSeconds(issued)).Duration() > tolerance)
            return Invalid("DPoP iat is not now");
        if (Text(claims, "nonce") is not { } nonce) return (null, new("use_dpop_nonce", "Authorization server requires nonce in DPoP proof"));
        if (!nonces.Accepts(nonce)) return (null, new("use_dpop_nonce", "DPoP \"nonce\" mismatch"));
        var hash = accessToken is null ? null : Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(accessToken)));
        if (Text(claims, "ath") != hash) return Invalid("DPoP ath mismatch");
        return seen.TryAdd(id, 0) ? (thumbprint, null) : Invalid("DPoP proof replayed");
    }

    private static (string?, DpopError) Invalid(string description) => (null, new("invalid_dpop_proof", description));

    private static string? Text(JsonElement of, string name) =>
        of.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
