using System.Buffers;
using System.Globalization;
using System.Text.Json;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Issuing;

/// <summary>A request to <c>/v1/oidc/token</c> (RFC 8693 §2.1): the exchange in OAuth's words. The subject token is what is authenticated.</summary>
internal sealed record TokenRequestForm
{
    public const string GrantType = "urn:ietf:params:oauth:grant-type:token-exchange";
    /// <summary>RFC 7523 §2.1: the token is an assertion, and the context is named by the resource that it is wanted for.</summary>
    public const string AssertionGrantType = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    private const string JwtType = "urn:ietf:params:oauth:token-type:jwt";
    private const string AccessTokenType = "urn:ietf:params:oauth:token-type:access_token";
    private const string IdTokenType = "urn:ietf:params:oauth:token-type:id_token";

    /// <summary>Not verified.</summary>
    public required string SubjectToken { get; init; }
    public required string Audience { get; init; }
    /// <summary>Of an assertion: what the token is wanted for. Null for an exchange.</summary>
    public string? Resource { get; init; }
    /// <summary><c>role:NAME</c> or a whole <c>sub</c>; empty where an assertion names none.</summary>
    public required string Scope { get; init; }
    /// <summary>Null when it is left out: then the rule's single value is taken.</summary>
    public long? LifetimeSeconds { get; init; }
    public required string IssuedTokenType { get; init; }

    /// <summary>Without the token: a record's text would hold it.</summary>
    public override string ToString() => $"{Scope} for {Audience}";

    /// <summary>Reads the form; the request, or the error to answer with.</summary>
    public static TokenRequestForm? Parse(ReadOnlySpan<byte> body, string? contentType, out OAuthError? error)
    {
        error = null;
        if (!OAuthForm.TryParse(body, contentType, out var form, out var malformed)) error = OAuthError.InvalidRequest(malformed);
        else if (form["grant_type"] == AssertionGrantType) return ParseAssertion(form, out error);
        else if (form["grant_type"] is not { } grantType) error = OAuthError.InvalidRequest("`grant_type` is missing");
        else if (grantType != GrantType)
            error = new OAuthError(400, "unsupported_grant_type", $"expected the grant type `{GrantType}` or `{AssertionGrantType}`");
        else if (form["subject_token"] is null) error = OAuthError.InvalidRequest("`subject_token` is missing");
        else if (form["subject_token_type"] is not (JwtType or IdTokenType or AccessTokenType))
            error = OAuthError.InvalidRequest($"`subject_token_type` is missing or unknown, expected `{JwtType}`, `{IdTokenType}` or `{AccessTokenType}`");
        else if (form["actor_token"] is not null || form["actor_token_type"] is not null)
            error = OAuthError.InvalidRequest("`actor_token` is not supported: the presented token is the actor");
        else if (form["requested_token_type"] is not (null or JwtType or AccessTokenType))
            error = OAuthError.InvalidRequest($"`requested_token_type` is unknown, expected `{JwtType}` or `{AccessTokenType}`");
        else if (form["resource"] is not null) error = new OAuthError(400, "invalid_target", "`resource` is not supported: name the context in `audience`");
        else if (form["audience"] is null) error = OAuthError.InvalidRequest("`audience` is missing: the context that the token is for");
        else if (form["scope"] is not { } scope || !IsScope(scope))
            error = new OAuthError(400, "invalid_scope", "expected one scope: `role:NAME`, or a whole subject `actx:ID:...`");
        else if (!TryLifetime(form["ttl"], out var lifetime)) error = OAuthError.InvalidRequest("`ttl` is not a whole number of seconds");
        else
        {
            return new TokenRequestForm
            {
                SubjectToken = form["subject_token"]!,
                Audience = form["audience"]!,
                Scope = scope,
                LifetimeSeconds = lifetime,
                IssuedTokenType = form["requested_token_type"] ?? JwtType,
            };
        }
        return null;
    }

    private static TokenRequestForm? ParseAssertion(OAuthForm form, out OAuthError? error)
    {
        error = form["assertion"] is null ? OAuthError.InvalidRequest("`assertion` is missing")
            : form["resource"] is null ? new OAuthError(400, "invalid_target", "`resource` is missing: the MCP endpoint that the token is for")
            : form["scope"] is { } asked && !IsScope(asked)
            ? new OAuthError(400, "invalid_scope", "expected one scope: `role:NAME`, or a whole subject `actx:ID:...`")
            : !TryLifetime(form["ttl"], out _) ? OAuthError.InvalidRequest("`ttl` is not a whole number of seconds") : null;
        if (error is not null) return null;
        TryLifetime(form["ttl"], out var lifetime);
        return new TokenRequestForm
        {
            SubjectToken = form["assertion"]!, Audience = form["audience"] ?? "", Resource = form["resource"], Scope = form["scope"] ?? "",
            LifetimeSeconds = lifetime,
            IssuedTokenType = JwtType,
        };
    }

    /// <summary>
    /// The same request as the JSON body of <c>/v1/oidc/issue</c>, for a subject token of <paramref name="source"/>; it is decided as that.
    /// <paramref name="defaultLifetimeSeconds"/> is what an absent <c>ttl</c> stands for, if the rule says.
    /// </summary>
    public ReadOnlyMemory<byte> ToIssueBody(AuthContext source, long? defaultLifetimeSeconds = null)
    {
        var output = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(output, ReadableJson.Options);
        writer.WriteStartObject();
        writer.WriteString("aud", Audience);
        writer.WriteString("sub", Scope.StartsWith("role:", StringComparison.Ordinal) ? $"actx:{source.Id}:{Scope}" : Scope);
        if ((LifetimeSeconds ?? defaultLifetimeSeconds) is { } lifetime) writer.WriteNumber("ttl", lifetime);
        writer.WriteEndObject();
        writer.Flush();
        return output.WrittenMemory;
    }

    /// <summary>The body of a good answer (RFC 8693 §2.2.1); goes with <c>Cache-Control: no-store</c>.</summary>
    public void WriteResponse(IBufferWriter<byte> output, IssuedToken issued)
    {
        using var writer = new Utf8JsonWriter(output, ReadableJson.Options);
        writer.WriteStartObject();
        writer.WriteString("access_token"u8, issued.Token);
        if (Resource is null) writer.WriteString("issued_token_type", IssuedTokenType);
        writer.WriteString("token_type", "Bearer");
        writer.WriteNumber("expires_in", issued.LifetimeSeconds);
        writer.WriteString("scope", Scope);
        writer.WriteEndObject();
    }

    // one scope-token of RFC 6749 §3.3; a space would begin a second
    private static bool IsScope(string scope) =>
        scope.All(c => c is > ' ' and <= '~' and not '"' and not '\\')
        && ((scope.StartsWith("role:", StringComparison.Ordinal) && scope.Length > "role:".Length) || scope.StartsWith("actx:", StringComparison.Ordinal));

    private static bool TryLifetime(string? text, out long? seconds)
    {
        seconds = null;
        if (text is null) return true;
        if (text.Length > 9 || text is ['0', _, ..] || !text.All(char.IsAsciiDigit)) return false;
        seconds = long.Parse(text, CultureInfo.InvariantCulture);
        return true;
    }
}
