using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using WorkloadProxy.Outbound;

namespace WorkloadProxy.Credentials.OAuth;

/// <summary>
/// The answer of a token endpoint (RFC 6749 §5.1). Without a <see cref="RefreshToken"/> the old one is kept; without <see cref="Scopes"/> they are those asked
/// for; without a <see cref="Lifetime"/> it is unknown.
/// </summary>
internal sealed record TokenAnswer(string AccessToken, string? RefreshToken, IReadOnlyList<string>? Scopes, TimeSpan? Lifetime)
{
    private const int MaxDepth = 16;
    private const int MaxToken = 8 * 1024;
    private const int MaxText = 128;

    /// <summary>DigitalOcean's <c>info</c>: the team that consented, and who did so.</summary>
    public string? Team { get; private init; }
    public string? Account { get; private init; }

    /// <summary>Null, and why, for anything but a bearer token; the reason quotes nothing of the answer.</summary>
    public static TokenAnswer? Parse(ReadOnlyMemory<byte> json, out string? problem)
    {
        if (!StrictJson.TryParseObject(json, MaxDepth, out var document, out problem)) return null;
        using (document)
        {
            var root = document.RootElement;
            // a token of a type that isn't understood must not be used (RFC 6749 §7.1)
            var isBearer = !root.TryGetProperty("token_type", out var type)
                || (type.ValueKind == JsonValueKind.String && string.Equals(type.GetString(), "bearer", StringComparison.OrdinalIgnoreCase));
            var access = Token(root, "access_token");
            var hasRefresh = root.TryGetProperty("refresh_token", out var refresh) && refresh.ValueKind != JsonValueKind.Null;
            problem = !isBearer ? "has a token of another type than bearer"
                : access is null ? "has no access token that fits in a header"
                : hasRefresh && Token(root, "refresh_token") is null ? "has a refresh token that can't be used"
                : null;
            return problem is not null ? null
                : new TokenAnswer(access!, Token(root, "refresh_token"), ScopesOf(root), LifetimeOf(root))
                { Team = Info(root, "team_uuid"), Account = Info(root, "email") ?? Info(root, "name") };
        }
    }

    /// <summary>The <c>error</c> of RFC 6749 §5.2, if that is what the answer is.</summary>
    public static string? ErrorOf(ReadOnlyMemory<byte> json)
    {
        if (!StrictJson.TryParseObject(json, MaxDepth, out var document, out _)) return null;
        using (document) return Text(document.RootElement, "error");
    }

    private static string? Token(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 and <= MaxToken } text
        && text.All(c => c is > ' ' and <= '~') ? text : null;

    private static string[]? ScopesOf(JsonElement root) =>
        root.TryGetProperty("scope", out var scope) && scope.ValueKind == JsonValueKind.String
        ? [.. scope.GetString()!.Split(' ', StringSplitOptions.RemoveEmptyEntries).Distinct().Order(StringComparer.Ordinal)] : null;

    private static TimeSpan? LifetimeOf(JsonElement root)
    {
        if (!root.TryGetProperty("expires_in", out var value)) return null;
        var seconds = value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number
            : value.ValueKind == JsonValueKind.String && long.TryParse(value.GetString(), out number) ? number : -1;
        return seconds is > 0 and <= int.MaxValue ? TimeSpan.FromSeconds(seconds) : null;
    }

    private static string? Info(JsonElement root, string name) =>
        root.TryGetProperty("info", out var info) && info.ValueKind == JsonValueKind.Object ? Text(info, name) : null;

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 and <= MaxText } text
        && !text.Any(char.IsControl) ? text : null;
}
