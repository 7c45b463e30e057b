using System.Text.Json;
using WorkloadProxy.Outbound;

namespace WorkloadProxy.Upstreams.AtProto.Client;

/// <summary>The answer of a token endpoint: tokens bound to a DPoP key, for the account <paramref name="Subject"/>.</summary>
internal sealed record TokenGrant(string AccessToken, string RefreshToken, IReadOnlyList<string> Scopes, TimeSpan Lifetime, string? Subject)
{
    private const int MaxDepth = 16, MaxToken = 8 * 1024, MaxText = 2048;
    // of an answer that does not say: short, so that the next refresh comes before any likely end
    private static readonly TimeSpan unknownLifetime = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan longest = TimeSpan.FromDays(30);

    /// <summary>Null, and why, for tokens of another type, or without what a session needs; the reason quotes nothing of the answer.</summary>
    public static TokenGrant? Parse(ReadOnlyMemory<byte> json, out string? problem)
    {
        if (!StrictJson.TryParseObject(json, MaxDepth, out var document, out problem)) return null;
        using (document)
        {
            var root = document.RootElement;
            var (access, refresh) = (Token(root, "access_token"), Token(root, "refresh_token"));
            string[] scopes = [.. (Text(root, "scope") ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries).Distinct().Order(StringComparer.Ordinal)];
            // a token of a type that isn't understood must not be used (RFC 6749 §7.1)
            problem = !string.Equals(Text(root, "token_type"), "DPoP", StringComparison.OrdinalIgnoreCase) ? "has a token of another type than DPoP"
                : access is null ? "has no access token that fits in a header"
                : refresh is null ? "has no refresh token"
                // RFC 6749 §3.3; a NUL could not be stored, and the refresh would be tried for ever
                : scopes.Any(scope => scope.Any(c => c is <= ' ' or > '~' or '"' or '\\')) ? "has a scope with a character that is not valid there"
                : !scopes.Contains("atproto", StringComparer.Ordinal) ? "lacks the scope `atproto`"
                : null;
            return problem is null ? new TokenGrant(access!, refresh!, scopes, LifetimeOf(root), Text(root, "sub")) : null;
        }
    }

    /// <summary>A token of an answer that is not kept otherwise, so that it can be revoked.</summary>
    public static string? TokenIn(ReadOnlyMemory<byte> json)
    {
        if (!StrictJson.TryParseObject(json, MaxDepth, out var document, out _)) return null;
        using (document) return Token(document.RootElement, "refresh_token") ?? Token(document.RootElement, "access_token");
    }

    /// <summary>The <c>error</c> of RFC 6749 §5.2, if that is what the answer is.</summary>
    public static string? ErrorOf(ReadOnlyMemory<byte> json)
    {
        if (!StrictJson.TryParseObject(json, MaxDepth, out var document, out _)) return null;
        using (document)
            return Text(document.RootElement, "error") is { Length: <= 64 } error && error.All(c => char.IsAsciiLetterLower(c) || c == '_') ? error : null;
    }

    private static string? Token(JsonElement root, string name) =>
        Text(root, name, MaxToken) is { Length: > 0 } text && text.All(c => c is > ' ' and <= '~') ? text : null;

    private static TimeSpan LifetimeOf(JsonElement root)
    {
        if (!root.TryGetProperty("expires_in", out var value) || value.ValueKind != JsonValueKind.Number || !value.TryGetInt64(out var seconds) || seconds <= 0)
            return unknownLifetime;
        return seconds < longest.TotalSeconds ? TimeSpan.FromSeconds(seconds) : longest;
    }

    private static string? Text(JsonElement root, string name, int max = MaxText) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { } text && text.Length <= max
        ? text : null;
}
