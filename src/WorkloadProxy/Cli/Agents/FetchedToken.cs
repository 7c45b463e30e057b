using System.Buffers.Text;
using System.Text.Json;

namespace WorkloadProxy.Cli.Agents;

/// <summary>A token, and from when to when it lives as it says itself; nothing is verified.</summary>
internal sealed record FetchedToken(string Token, DateTimeOffset? Issued, DateTimeOffset? Expires)
{
    public static FetchedToken Of(string token)
    {
        var parts = token.Split('.');
        if (parts.Length != 3) return new(token, null, null);
        try
        {
            using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[1]));
            return new(token, Time(claims.RootElement, "iat"), Time(claims.RootElement, "exp"));
        }
        catch (Exception error) when (error is JsonException or FormatException)
        {
            return new(token, null, null);
        }
    }

    public override string ToString() => $"a token until {Expires:O}";

    private static DateTimeOffset? Time(JsonElement claims, string name) =>
        claims.ValueKind == JsonValueKind.Object && claims.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number
        && value.TryGetInt64(out var seconds) && seconds is > 0 and < 253_402_300_800
            ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;
}
