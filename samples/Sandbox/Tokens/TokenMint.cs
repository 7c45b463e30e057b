using System.IdentityModel.Tokens.Jwt;
using System.Text.Json.Nodes;
using Microsoft.IdentityModel.Tokens;

namespace Sandbox.Tokens;

/// <summary>Honest tokens, by System.IdentityModel.Tokens.Jwt: the proxy's own reading of tokens is tried on what another implementation writes.</summary>
internal static class TokenMint
{
    private static readonly CryptoProviderFactory uncached = new() { CacheSignatureProviders = false };

    /// <summary>
    /// Null for what the library does not write just as it was asked for (a claim of another type, a weak key): such a token is forged.
    /// </summary>
    public static string? TrySign(SigningKey key, JsonObject claims)
    {
        if (key.ForLibrary() is not { } signer || !claims.All(IsOrdinary)) return null;
        signer.CryptoProviderFactory = uncached;
        var payload = JwtPayload.Deserialize(claims.ToJsonString());
        if (!JsonNode.DeepEquals(JsonNode.Parse(payload.SerializeToJson()), claims)) return null;
        var header = new JwtHeader(new SigningCredentials(signer, key.Algorithm)) { ["x5t"] = key.Kid };
        return new JwtSecurityTokenHandler().WriteToken(new JwtSecurityToken(header, payload));
    }

    /// <summary>The library throws for a registered claim (RFC 7519 §4.1) of a type that it doesn't know.</summary>
    private static bool IsOrdinary(KeyValuePair<string, JsonNode?> claim) => claim.Key switch
    {
        "exp" or "nbf" or "iat" => claim.Value is JsonValue number && number.TryGetValue(out long _),
        "aud" => IsText(claim.Value) || (claim.Value is JsonArray list && list.All(IsText)),
        "iss" or "sub" or "jti" => IsText(claim.Value),
        _ => claim.Value is not null,
    };

    private static bool IsText(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? _);
}
