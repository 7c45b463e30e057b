using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using WorkloadProxy.Outbound;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Tokens;

/// <summary>
/// A JWT taken apart and found unambiguous (RFC 7515 compact form, RFC 7519, RFC 8725). Nothing in it is verified yet: the signature comes after.
/// </summary>
internal sealed class JwtDocument
{
    public const int MaxLength = 16 * 1024;
    public const int MaxDepth = 16;

    /// <summary>31 December 9999: what <see cref="DateTimeOffset"/> can hold.</summary>
    private const double MaxTime = 253402300799;

    private JwtDocument() { }

    public required SignatureAlgorithm Algorithm { get; init; }
    /// <summary>The header's <c>kid</c>.</summary>
    public required string? KeyId { get; init; }
    /// <summary>The header's <c>typ</c> in lower case.</summary>
    public required string? Type { get; init; }
    public required string Issuer { get; init; }
    /// <summary>The token says its issuer itself.</summary>
    public bool HasIssuer { get; init; } = true;
    public required string Subject { get; init; }
    /// <summary>The <c>jti</c>, if it is a string.</summary>
    public required string? Id { get; init; }
    public required IReadOnlyList<string> Audiences { get; init; }
    public required DateTimeOffset Expires { get; init; }
    public required DateTimeOffset? NotBefore { get; init; }
    public required DateTimeOffset? IssuedAt { get; init; }
    /// <summary>The claims' JSON text.</summary>
    public required byte[] Claims { get; init; }
    /// <summary>The bytes that the signature is over: header, <c>.</c>, claims as received.</summary>
    public required byte[] SigningInput { get; init; }
    public required byte[] Signature { get; init; }

    /// <param name="token">The compact form.</param>
    /// <param name="issuerOf">The issuer of a subject, for a token that has no <c>iss</c>; null where every token must have one.</param>
    public static Result<JwtDocument> Parse(ReadOnlySpan<char> token, Func<string, string?>? issuerOf = null)
    {
        if (token.Length > MaxLength) return Refusal.Malformed($"is longer than {MaxLength} bytes");
        var first = token.IndexOf('.');
        var second = first < 0 ? -1 : token[(first + 1)..].IndexOf('.') + first + 1;
        if (second <= first) return Refusal.Malformed("is not a JWT: expected three parts");
        var parts = token.Count('.') + 1;
        if (parts == 5) return Refusal.Malformed("is encrypted, which is not accepted");
        if (parts != 3) return Refusal.Malformed("is not a JWT: expected three parts");

        if (!CanonicalBase64Url.TryDecode(token[..first], out var headerJson)) return Refusal.Malformed("is not canonical base64url in its header");
        if (!CanonicalBase64Url.TryDecode(token[(first + 1)..second], out var claimsJson)) return Refusal.Malformed("is not canonical base64url in its claims");
        if (!CanonicalBase64Url.TryDecode(token[(second + 1)..], out var signature)) return Refusal.Malformed("is not canonical base64url in its signature");

        if (!StrictJson.TryParseObject(headerJson, MaxDepth, out var header, out var error)) return Refusal.Malformed($"has a header that {error}");
        using var _ = header;
        if (ReadHeader(header.RootElement, out var algorithm, out var keyId, out var type) is { } badHeader) return badHeader;

        var signingInput = new byte[second];
        Encoding.ASCII.GetBytes(token[..second], signingInput);
        if (!StrictJson.TryParseObject(claimsJson, MaxDepth, out var claims, out error)) return Refusal.Malformed($"has claims whose text {error}");
        using var __ = claims;
        return ReadClaims(claims.RootElement, issuerOf, out var read) is { } badClaims ? badClaims : new JwtDocument
        {
            Algorithm = algorithm!,
            KeyId = keyId,
            Type = type,
            Issuer = read.Issuer,
            HasIssuer = read.HasIssuer,
            Subject = read.Subject,
            Id = claims.RootElement.TryGetProperty("jti", out var id) && id.ValueKind == JsonValueKind.String ? id.GetString() : null,
            Audiences = read.Audiences,
            Expires = read.Expires,
            NotBefore = read.NotBefore,
            IssuedAt = read.IssuedAt,
            Claims = claimsJson,
            SigningInput = signingInput,
            Signature = signature,
        };
    }

    /// <summary>
    /// The time claims at <paramref name="now"/>. <paramref name="skew"/>: how far the issuer's clock may be off ours. Our own tokens' <c>iat</c> is judged by
    /// their <c>nbf</c>, which lies 5 s before it so that replicas' clocks may differ. <paramref name="grace"/>: how long after its end the token is still
    /// taken.
    /// </summary>
    public Failure? CheckTimes(DateTimeOffset now, TimeSpan skew, TimeSpan grace, bool own)
    {
        if (now - skew - grace >= Expires) return Refusal.Expired;
        if (now + skew < NotBefore || (!own && now + skew < IssuedAt)) return Refusal.NotYetValid;
        return null;
    }

    /// <summary>
    /// <c>jwk</c>, <c>jku</c>, <c>x5u</c>, <c>x5c</c> and unknown names are ignored (RFC 7515 §4); what changes how the token is to be read is not.
    /// </summary>
    private static Failure? ReadHeader(JsonElement header, out SignatureAlgorithm? algorithm, out string? keyId, out string? type)
    {
        (algorithm, keyId, type) = (null, null, null);
        foreach (var refused in (ReadOnlySpan<string>)["crit", "b64", "enc", "zip"])
        {
            if (header.TryGetProperty(refused, out _)) return Refusal.Malformed($"has `{refused}` in its header, which is not accepted");
        }

        if (!header.TryGetProperty("alg", out var alg) || alg.ValueKind != JsonValueKind.String) return Refusal.Malformed("has no `alg` in its header");
        algorithm = SignatureAlgorithm.Find(alg.GetString()!);
        if (algorithm is null) return Refusal.Malformed("has an `alg` that is not accepted: expected RS, PS or ES with 256, 384 or 512");

        if (header.TryGetProperty("kid", out var kid))
        {
            if (kid.ValueKind != JsonValueKind.String) return Refusal.Malformed("has a `kid` that is not a string");
            keyId = kid.GetString();
        }

        if (header.TryGetProperty("typ", out var typ))
        {
            type = typ.ValueKind == JsonValueKind.String ? typ.GetString()!.ToLowerInvariant() : null;
            if (type is not ("jwt" or "at+jwt")) return Refusal.Malformed("has a `typ` that is not accepted here: expected `JWT` or `at+jwt`");
        }

        return null;
    }

    private readonly record struct ReadResult(
        string Issuer, bool HasIssuer, string Subject, IReadOnlyList<string> Audiences, DateTimeOffset Expires, DateTimeOffset? NotBefore,
        DateTimeOffset? IssuedAt);

    private static Failure? ReadClaims(JsonElement claims, Func<string, string?>? issuerOf, out ReadResult read)
    {
        read = default;
        var hasSubject = TryReadString(claims, "sub", out var subject);
        if (!TryReadString(claims, "iss", out var issuer)
            && (claims.TryGetProperty("iss", out _) || !hasSubject || (issuer = issuerOf?.Invoke(subject!)) is null))
            return Refusal.Malformed("has no `iss` that is a string");
        if (!hasSubject) return Refusal.Malformed("has no `sub` that is a string");
        if (!TryReadAudiences(claims, out var audiences)) return Refusal.Malformed("has no `aud` that is a string or a list of strings");
        if (!TryReadTime(claims, "exp", out var expires)) return Refusal.Malformed("has an `exp` that is not a time in seconds");
        if (expires is null) return Refusal.Malformed("has no `exp`");
        if (!TryReadTime(claims, "nbf", out var notBefore)) return Refusal.Malformed("has an `nbf` that is not a time in seconds");
        if (!TryReadTime(claims, "iat", out var issuedAt)) return Refusal.Malformed("has an `iat` that is not a time in seconds");
        read = new(issuer!, claims.TryGetProperty("iss", out var _), subject!, audiences, expires.Value, notBefore, issuedAt);
        return null;
    }

    private static bool TryReadString(JsonElement claims, string name, [NotNullWhen(true)] out string? value)
    {
        value = claims.TryGetProperty(name, out var claim) && claim.ValueKind == JsonValueKind.String ? claim.GetString() : null;
        return !string.IsNullOrEmpty(value);
    }

    private static bool TryReadAudiences(JsonElement claims, [NotNullWhen(true)] out IReadOnlyList<string>? audiences)
    {
        audiences = null;
        if (!claims.TryGetProperty("aud", out var aud)) return false;
        if (aud.ValueKind == JsonValueKind.String) audiences = [aud.GetString()!];
        else if (aud.ValueKind == JsonValueKind.Array && aud.EnumerateArray().All(element => element.ValueKind == JsonValueKind.String))
            audiences = [.. aud.EnumerateArray().Select(element => element.GetString()!)];
        return audiences is { Count: > 0 };
    }

    /// <summary>RFC 7519 NumericDate, also with a fraction. Null when absent; false for what is no time: a string, negative, beyond the calendar.</summary>
    private static bool TryReadTime(JsonElement claims, string name, out DateTimeOffset? time)
    {
        time = null;
        if (!claims.TryGetProperty(name, out var claim)) return true;
        if (claim.ValueKind != JsonValueKind.Number || !claim.TryGetDouble(out var seconds) || !(seconds >= 0 && seconds <= MaxTime)) return false;
        time = DateTimeOffset.UnixEpoch.AddMilliseconds(Math.Floor(seconds * 1000));
        return true;
    }
}
