using System.Text.Json;

namespace WorkloadProxy.Credentials.OAuth;

/// <summary>
/// What a token endpoint gave (RFC 6749 §5.1). Absent: <see cref="RefreshToken"/> keeps the old one, <see cref="Scopes"/> are those asked for, <see cref="Lifetime"/> is unknown.
/// </summary>
internal sealed record TokenAnswer(string AccessToken, string? RefreshToken, IReadOnlyList<string>? Scopes, TimeSpan? Lifetime)
{
    private const int MaxToken = 8 * 1024;
    private const int MaxText = 128;

    /// <summary>DigitalOcean's <c>info</c>: the team that consented, and who did so.</summary>
    public string? Team { get; private init; }
    public string? Account { get; private init; }

    /// <summary>Null, and why, for what is not a bearer token; nothing of the answer is in the text.</summary>
    public static TokenAnswer? Parse(ReadOnlyMemory<byte> json, out string? problem)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 16 });
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object) return No("is not a JSON object", out problem);
            // a token of a type that isn't understood must not be used (RFC 6749 §7.1)
            if (root.TryGetProperty("token_type", out var type) && !(type.ValueKind == JsonValueKind.String && string.Equals(type.GetString(), "bearer", StringComparison.OrdinalIgnoreCase)))
                return No("has a token of another type than bearer", out problem);
            if (Token(root, "access_token") is not { } access) return No("has no access token that can stand in a header", out problem);
            var hasRefresh = root.TryGetProperty("refresh_token", out var refresh) && refresh.ValueKind != JsonValueKind.Null;
            if (hasRefresh && Token(root, "refresh_token") is null) return No("has a refresh token that can't be read", out problem);
            problem = null;
            return new TokenAnswer(access, Token(root, "refresh_token"), ScopesOf(root), LifetimeOf(root)) { Team = Info(root, "team_uuid"), Account = Info(root, "email") ?? Info(root, "name") };
        }
        catch (JsonException)
        {
            return No("is not JSON", out problem);
        }
    }

    /// <summary>The <c>error</c> of RFC 6749 §5.2, if that is what the answer is.</summary>
    public static string? ErrorOf(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 16 });
            return document.RootElement.ValueKind == JsonValueKind.Object ? Text(document.RootElement, "error") : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static TokenAnswer? No(string why, out string? problem)
    {
        problem = why;
        return null;
    }

    private static string? Token(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 and <= MaxToken } text && text.All(c => c is > ' ' and <= '~') ? text : null;

    private static string[]? ScopesOf(JsonElement root) =>
        root.TryGetProperty("scope", out var scope) && scope.ValueKind == JsonValueKind.String ? [.. scope.GetString()!.Split(' ', StringSplitOptions.RemoveEmptyEntries).Distinct().Order(StringComparer.Ordinal)] : null;

    private static TimeSpan? LifetimeOf(JsonElement root)
    {
        if (!root.TryGetProperty("expires_in", out var value)) return null;
        var seconds = value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number
            : value.ValueKind == JsonValueKind.String && long.TryParse(value.GetString(), out number) ? number : -1;
        return seconds is > 0 and <= int.MaxValue ? TimeSpan.FromSeconds(seconds) : null;
    }

    private static string? Info(JsonElement root, string name) => root.TryGetProperty("info", out var info) && info.ValueKind == JsonValueKind.Object ? Text(info, name) : null;

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 and <= MaxText } text && !text.Any(char.IsControl) ? text : null;
}
