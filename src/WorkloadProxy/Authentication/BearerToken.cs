using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.Primitives;
using WorkloadProxy.Requests;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Authentication;

internal enum BearerTokenKind
{
    /// <summary>No <c>Authorization</c> header: 401.</summary>
    None,
    /// <summary>More than one <c>Authorization</c> header: 400.</summary>
    Several,
    /// <summary>Another scheme than <c>Bearer</c>: 401, but git's paths take <c>Basic</c>.</summary>
    OtherScheme,
    /// <summary>No bearer token by RFC 6750 §2.1: 401.</summary>
    Malformed,
    /// <summary>A user's own API token. Never holds a <c>.</c></summary>
    Opaque,
    /// <summary>A secret of ours (<see cref="OwnSecret"/>): taken at its own endpoint, and never passed on.</summary>
    Own,
    /// <summary>To be judged as a JWT, however broken it is: never passed on.</summary>
    Jwt,
}

/// <summary>What the request's <c>Authorization</c> headers hold. The text is a slice of the header, not a copy.</summary>
internal readonly record struct BearerToken(BearerTokenKind Kind, ReadOnlyMemory<char> Text)
{
    private const string Scheme = "Bearer";
    /// <summary>As GitHub's tools write it; taken for a workload's token only.</summary>
    private const string OtherScheme = "token";

    /// <summary>Visible ASCII. A user's API token may hold more than RFC 6750's characters and is the upstream's to judge.</summary>
    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create(string.Concat(Enumerable.Range(0x21, 0x7E - 0x21 + 1).Select(c => (char)c)));

    /// <summary>Why it can't be authenticated as a JWT, or null when it is to be tried.</summary>
    public Failure? Refusal => Kind switch
    {
        BearerTokenKind.Jwt => null,
        BearerTokenKind.None => new(ErrorId.InvalidToken, "a bearer token is needed"),
        BearerTokenKind.Several => new(ErrorId.BadRequest, "more than one `Authorization` header"),
        BearerTokenKind.OtherScheme => new(ErrorId.InvalidToken, "expected `Authorization: Bearer` and a token"),
        BearerTokenKind.Opaque => new(ErrorId.InvalidToken, "the bearer token is not a JWT, and no API token is taken here"),
        BearerTokenKind.Own => new(ErrorId.InvalidToken, "the bearer token is a refresh token or one for git, which is not taken here"),
        _ => new(ErrorId.InvalidToken, "the `Authorization` header holds no bearer token"),
    };

    public static BearerToken Read(StringValues authorization)
    {
        if (authorization.Count == 0) return new(BearerTokenKind.None, default);
        if (authorization.Count > 1) return new(BearerTokenKind.Several, default);
        var header = (authorization[0] ?? "").AsMemory();
        var value = header.Span;
        var end = value.IndexOf(' ');
        if (end < 0) end = value.Length;
        var isOther = value[..end].Equals(OtherScheme, StringComparison.OrdinalIgnoreCase) && IsJwt(value[end..].Trim(' ').ToString());
        if (!isOther && !value[..end].Equals(Scheme, StringComparison.OrdinalIgnoreCase))
            return new(end > 0 ? BearerTokenKind.OtherScheme : BearerTokenKind.Malformed, default);
        while (end < value.Length && value[end] == ' ') end++;
        var token = value[end..];
        if (token.IsEmpty || token.ContainsAnyExcept(TokenCharacters)) return new(BearerTokenKind.Malformed, default);
        var kind = token.Contains('.') || IsJsonObject(token) ? BearerTokenKind.Jwt : OwnSecret.Is(token) ? BearerTokenKind.Own : BearerTokenKind.Opaque;
        return new(kind, header[end..]);
    }

    /// <summary>Whether a header's value is to be judged as a JWT: three parts, of which the first is a JSON object's.</summary>
    public static bool IsJwt(string? value) =>
        value is not null && !value.AsSpan().ContainsAnyExcept(TokenCharacters) && value.IndexOf('.') is > 0 and var dot && IsJsonObject(value.AsSpan(0, dot));

    /// <summary>
    /// Whether a text without a <c>.</c> decodes to a JSON object. Lenient on purpose, in either alphabet and padded or not: what looks like a workload's token
    /// is none of a user's.
    /// </summary>
    private static bool IsJsonObject(ReadOnlySpan<char> text)
    {
        var json = new byte[text.Length];
        var (length, bits, pending) = (0, 0, 0);
        foreach (var c in text.TrimEnd('='))
        {
            var digit = c switch { '+' => 62, '/' => 63, _ => CanonicalBase64Url.Digits.IndexOf(c) };
            if (digit < 0) return false;
            (pending, bits) = (((pending << 6) | digit) & 0xFFFF, bits + 6);
            if (bits < 8) continue;
            bits -= 8;
            json[length++] = (byte)(pending >> bits);
        }

        return IsJsonObject(json.AsSpan(0, length));
    }

    private static bool IsJsonObject(ReadOnlySpan<byte> json)
    {
        if (!json.TrimStart(" \t\r\n"u8).StartsWith((byte)'{')) return false;
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = json.Length });
        try
        {
            while (reader.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
