using System.Collections.Frozen;
using System.Text.Json;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Authentication;

/// <summary>
/// Whose JWTs the pass-through upstream verifies itself (<c>PassThroughIssuers</c>). Such a token goes on as it came, so only its issuer is read, and only from
/// a token that has one reading: what is broken or ambiguous is judged, and refused, as every other.
/// </summary>
internal sealed class PassThroughIssuers(IEnumerable<string> issuers, PolicySetStore sets)
{
    private readonly FrozenSet<string> issuers = issuers.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Whether the token is the upstream's to verify. A token of an issuer that some role trusts never is, however bad it may be.</summary>
    public bool Take(ReadOnlySpan<char> token) =>
        issuers.Count > 0 && IssuerOf(token) is { } issuer && issuers.Contains(issuer) && !sets.All.Any(inForce => inForce.Set.TrustsIssuer(issuer));

    private static string? IssuerOf(ReadOnlySpan<char> token)
    {
        if (token.Length > JwtDocument.MaxLength || token.Count('.') != 2) return null;
        var first = token.IndexOf('.');
        var second = first + 1 + token[(first + 1)..].IndexOf('.');
        if (!IsObject(token[..first], out var header) || !IsObject(token[(first + 1)..second], out var claims)) return null;
        using (header)
        using (claims)
        {
            return claims!.RootElement.TryGetProperty("iss", out var issuer) && issuer.ValueKind == JsonValueKind.String ? issuer.GetString() : null;
        }
    }

    private static bool IsObject(ReadOnlySpan<char> part, out JsonDocument? json)
    {
        json = null;
        return CanonicalBase64Url.TryDecode(part, out var text) && StrictJson.TryParseObject(text, JwtDocument.MaxDepth, out json, out _);
    }
}
