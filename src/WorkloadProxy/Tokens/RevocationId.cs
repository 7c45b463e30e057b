using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Tokens;

/// <summary>What a verified token is revoked by.</summary>
internal static class RevocationId
{
    /// <summary>Of another issuer's token: the signing input, not the token, for one text may carry several valid signatures (ECDSA, PSS).</summary>
    public static string OfForeign(JwtDocument jwt) => "sha256:" + Base64Url.EncodeToString(SHA256.HashData(jwt.SigningInput));

    /// <summary>Of our own token: its <c>jti</c> and its ancestors' ids; null when it doesn't carry them as we write them.</summary>
    public static IReadOnlyList<string>? OfOwn(JwtDocument jwt, Claims claims)
    {
        if (jwt.Id is null) return null;
        if (!claims.Root.TryGetProperty(OwnClaims.Ancestors, out var ancestors)) return [jwt.Id];
        if (ancestors.ValueKind != JsonValueKind.Array || ancestors.EnumerateArray().Any(id => id.ValueKind != JsonValueKind.String)) return null;
        return [jwt.Id, .. ancestors.EnumerateArray().Select(id => id.GetString()!)];
    }
}
