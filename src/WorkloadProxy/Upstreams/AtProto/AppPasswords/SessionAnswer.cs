using System.Buffers.Text;
using System.Text.Json;
using WorkloadProxy.Outbound;

namespace WorkloadProxy.Upstreams.AtProto.AppPasswords;

/// <summary>The answer to <c>createSession</c> and <c>refreshSession</c>.</summary>
internal sealed record SessionAnswer(string Did, string AccessToken, string RefreshToken, DateTimeOffset? Expires)
{
    private const int MaxDepth = 32, MaxToken = 8192;

    /// <summary>Null unless it holds an account and two tokens that can go into a header.</summary>
    public static SessionAnswer? Parse(ReadOnlyMemory<byte> json)
    {
        if (!StrictJson.TryParseObject(json, MaxDepth, out var document, out _)) return null;
        using (document)
        {
            var root = document.RootElement;
            return Text(root, "did") is { } did && Text(root, "accessJwt") is { } access && Text(root, "refreshJwt") is { } refresh && IsToken(access)
                && IsToken(refresh)
                ? new(did, access, refresh, ExpiryOf(access))
                : null;
        }
    }

    /// <summary>The name of an XRPC error, or null.</summary>
    public static string? ErrorOf(ReadOnlyMemory<byte> json)
    {
        if (!StrictJson.TryParseObject(json, MaxDepth, out var document, out _)) return null;
        using (document) return Text(document.RootElement, "error");
    }

    /// <summary>When a token says that it ends. It is the server's word about its own token, so it needs no signature; null where it can't be read.</summary>
    private static DateTimeOffset? ExpiryOf(string token)
    {
        if (token.Split('.') is not [_, var claims, _]) return null;
        try
        {
            if (!StrictJson.TryParseObject(Base64Url.DecodeFromChars(claims), MaxDepth, out var document, out _)) return null;
            using (document)
                return document.RootElement.TryGetProperty("exp", out var exp) && exp.ValueKind == JsonValueKind.Number && exp.TryGetInt64(out var seconds)
                    && seconds is > 0 and < 253_402_300_799 ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private static bool IsToken(string text) => text.Length is > 0 and <= MaxToken && !text.AsSpan().ContainsAnyExceptInRange('!', '~');

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
