namespace WorkloadProxy.Issuing;

/// <summary>
/// A request to <c>/v1/oidc/revoke</c> (RFC 7009 §2.1). Holding the token is the authentication; a token that doesn't verify is answered with 200 like any
/// other, and nothing is stored for it. <c>token_type_hint</c> says nothing that the token doesn't.
/// </summary>
internal static class RevocationForm
{
    /// <summary>The token, not verified; or null and the error to answer with.</summary>
    public static string? Parse(ReadOnlySpan<byte> body, string? contentType, out OAuthError? error)
    {
        error = null;
        if (!OAuthForm.TryParse(body, contentType, out var form, out var malformed)) error = OAuthError.InvalidRequest(malformed);
        else if (form["token"] is { } token) return token;
        else error = OAuthError.InvalidRequest("`token` is missing");
        return null;
    }
}
