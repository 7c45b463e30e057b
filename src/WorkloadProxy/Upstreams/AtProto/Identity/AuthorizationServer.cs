using System.Text.Json;
using WorkloadProxy.Outbound;

namespace WorkloadProxy.Upstreams.AtProto.Identity;

/// <summary>
/// The metadata of an authorization server (RFC 8414). All of its endpoints lie on its own origin, so that naming one server can't lead to requests to another.
/// </summary>
internal sealed record AuthorizationServer(string Issuer, Uri Authorize, Uri PushedRequest, Uri Token, Uri? Revoke)
{
    private const int MaxDepth = 16;

    /// <summary>Null, and why, unless it is what <paramref name="issuer"/> says of itself, and offers all that signing in needs.</summary>
    public static AuthorizationServer? Parse(ReadOnlyMemory<byte> json, string issuer, out string? problem)
    {
        if (!StrictJson.TryParseObject(json, MaxDepth, out var document, out problem)) return null;
        using (document)
        {
            var root = document.RootElement;
            problem = Check(root, issuer);
            return problem is not null ? null : new AuthorizationServer(issuer, Address(root, "authorization_endpoint")!,
                Address(root, "pushed_authorization_request_endpoint")!, Address(root, "token_endpoint")!,
                Address(root, "revocation_endpoint"));
        }
    }

    private static string? Check(JsonElement root, string issuer)
    {
        if (!root.TryGetProperty("issuer", out var own) || own.ValueKind != JsonValueKind.String || own.GetString() != issuer) return "has another `issuer`";
        foreach (var property in root.EnumerateObject())
        {
            if (property.Name.EndsWith("_endpoint", StringComparison.Ordinal)
                && (Address(root, property.Name) is not { } address || Origin.Of(address) != issuer))
                return "has an endpoint that is not on the issuer's origin";
        }
        foreach (var endpoint in (string[])["authorization_endpoint", "token_endpoint", "pushed_authorization_request_endpoint"])
        {
            if (!root.TryGetProperty(endpoint, out _)) return $"lacks `{endpoint}`";
        }
        foreach (var flag in (string[])["require_pushed_authorization_requests", "authorization_response_iss_parameter_supported",
            "client_id_metadata_document_supported"])
        {
            if (!root.TryGetProperty(flag, out var value) || value.ValueKind != JsonValueKind.True) return $"lacks `{flag}`";
        }
        if (!Lists(root, "code_challenge_methods_supported", "S256")) return "does not offer PKCE with `S256`";
        if (!Lists(root, "dpop_signing_alg_values_supported", "ES256")) return "does not accept DPoP proofs with `ES256`";
        return root.TryGetProperty("token_endpoint_auth_signing_alg_values_supported", out _)
            && !Lists(root, "token_endpoint_auth_signing_alg_values_supported", "ES256")
            ? "does not accept client assertions with `ES256`" : null;
    }

    private static Uri? Address(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: <= 2048 } text
        && !text.AsSpan().ContainsAnyExceptInRange('!', '~')
        && Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "https" or "http" && address.UserInfo.Length == 0
        && address.Fragment.Length == 0 ? address : null;

    private static bool Lists(JsonElement root, string name, string value)
    {
        if (!root.TryGetProperty(name, out var list) || list.ValueKind != JsonValueKind.Array) return false;
        foreach (var element in list.EnumerateArray())
        {
            if (element.ValueKind == JsonValueKind.String && element.GetString() == value) return true;
        }
        return false;
    }
}
