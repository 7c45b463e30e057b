using WorkloadProxy.Configuration.Sources;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Configuration;

/// <summary><c>Issuers</c> and <c>Audiences</c></summary>
internal static class IssuerReading
{
    private static readonly IReadOnlyList<(string Name, int)> Algorithms = ((string[])["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]).Select((name, index) => (name, index)).ToList();

    public static IReadOnlyList<IssuerOptions> ReadIssuers(SettingsReader reader)
    {
        var issuers = new List<IssuerOptions>();
        var places = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var key in reader.Settings.Elements("Issuers"))
        {
            var issuer = reader.RequiredText(key + ":Issuer");
            var address = reader.Address(key + ":Issuer", issuer, NetworkPlace.IsLoopbackOrInCluster);
            if (address is not null && !places.TryAdd(issuer!, key)) reader.Mistake(key + ":Issuer", $"`{ConfigurationText.Show(issuer!)}` is listed at `{places[issuer!]}` already");

            var metadata = reader.Address(key + ":MetadataAddress", reader.Text(key + ":MetadataAddress"), NetworkPlace.IsLoopbackOrInCluster);
            var jwksFile = reader.ExistingFile(key + ":JwksFile");
            if (reader.Settings.Has(key + ":JwksFile") && reader.Settings.Has(key + ":MetadataAddress")) reader.Mistake(key + ":JwksFile", "is given beside `MetadataAddress`, expected one of them");

            var algorithms = reader.Settings.Elements(key + ":Algorithms").Select(element => reader.Choice(element, Algorithms, "algorithm")).OfType<int>().Select(index => Algorithms[index].Name).Distinct().ToList();
            if (address is not null) issuers.Add(new(issuer!, metadata, jwksFile, algorithms) { Run = reader.Texts(key + ":Run") });
        }
        return issuers;
    }

    public static IReadOnlyList<AudienceOptions> ReadAudiences(SettingsReader reader, IReadOnlyList<PolicySourceOptions> policies)
    {
        var audiences = new List<AudienceOptions>();
        var places = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var key in reader.Settings.Elements("Audiences"))
        {
            var audience = reader.RequiredText(key + ":Audience");
            if (audience is not null && AuthContext.TryParse(audience, out _)) reader.Mistake(key + ":Audience", $"`{ConfigurationText.Show(audience)}` is a context itself and stands for no other", "\"Audience\": \"https://depot.dev\"");
            else if (audience is not null && !places.TryAdd(audience, key)) reader.Mistake(key + ":Audience", $"`{ConfigurationText.Show(audience)}` is mapped at `{places[audience]}` already");

            var context = reader.Context(key + ":Context");
            PolicyReading.CheckBound(reader, key + ":Context", context, policies);
            if (audience is not null && context is not null) audiences.Add(new(audience, context));
        }
        return audiences;
    }
}
