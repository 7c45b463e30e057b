using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Configuration.Sources;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Configuration;

/// <summary><c>Audiences</c></summary>
internal static class AudienceReading
{
    private const string Example = "\"Audience\": \"https://depot.dev\"";

    public static IReadOnlyList<AudienceOptions> Read(SettingsReader reader, IReadOnlyList<PolicySourceOptions> policies)
    {
        var audiences = new List<AudienceOptions>();
        var places = new Dictionary<(string, string?, string?), string>();
        foreach (var key in reader.Elements("Audiences"))
        {
            var audience = reader.Text(key + ":Audience");
            reader.Address(key + ":Issuer", _ => true);
            // as it is written, for the comparison of entries
            var issuer = reader.Find(key + ":Issuer")?.Value;
            if (audience is not null) CheckAudience(reader, key, audience, issuer, places);

            var context = reader.Context(key + ":Context");
            PolicyReading.CheckBound(reader, key + ":Context", context, policies);
            var claims = context is null ? null : ReadClaims(reader, key + ":Claims", context);
            if (audience is not null && context is not null) audiences.Add(new(audience, context) { Issuer = issuer, Claims = claims });
        }
        return audiences;
    }

    private static void CheckAudience(SettingsReader reader, string key, string audience, string? issuer, Dictionary<(string, string?, string?), string> places)
    {
        var entry = (audience, issuer, reader.Find(key + ":Claims")?.Value);
        if (AuthContext.TryParse(audience, out _))
            reader.Mistake(key + ":Audience", $"`{ConfigurationText.Show(audience)}` is a context itself and stands for no other", Example);
        else if (!places.TryAdd(entry, key)) reader.Mistake(key + ":Audience", $"`{ConfigurationText.Show(audience)}` is mapped at `{places[entry]}` already");
        if (audience != AudienceOptions.Any)
        {
            if (audience.Contains('*'))
                reader.Warn(key + ":Audience", $"`{ConfigurationText.Show(audience)}` is compared as it is: `*` stands for every audience only by itself");
            return;
        }
        if (!reader.Has(key + ":Issuer")) reader.Mistake(key + ":Issuer", "is missing: `\"Audience\": \"*\"` accepts the tokens of one issuer only");
        else
            reader.Warn(key + ":Audience",
                $"`*` accepts every token of `{ConfigurationText.Show(issuer ?? "")}`, whichever service it was issued for: only the `aud` of roles tells them "
                    + "apart");
    }

    private static ClaimConstraints? ReadClaims(SettingsReader reader, string key, AuthContext context)
    {
        if (reader.Json(key) is not { } json) return null;
        if (ClaimConstraints.TryParse(json, context, out var claims, out var error)) return claims;
        reader.Mistake(key, error);
        return null;
    }
}
