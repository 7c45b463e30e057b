using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Configuration.Sources;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Configuration;

/// <summary><c>Credentials</c>. No value of this section is shown but those that can't be a secret put in the wrong place.</summary>
internal static class CredentialReading
{
    private static readonly string[] SecretKinds = ["Bearer", "Header", "Basic", "Query", "ClientCredentials", "Exchange", "AtprotoPassword"];

    /// <summary>Which keys belong to which kinds.</summary>
    private static readonly (string Key, string[] Kinds, Func<CredentialKind, bool> Belongs)[] Fields =
    [
        ("Name", ["Header", "Query"], kind => kind is CredentialKind.Header or CredentialKind.Query),
        ("Format", ["Header"], kind => kind is CredentialKind.Header),
        ("Username", ["Basic"], kind => kind is CredentialKind.Basic),
        ("TokenAddress", ["ClientCredentials"], kind => kind is CredentialKind.ClientCredentials),
        ("ClientId", ["ClientCredentials"], kind => kind is CredentialKind.ClientCredentials),
        ("Scopes", ["ClientCredentials"], kind => kind is CredentialKind.ClientCredentials),
        ("File", SecretKinds, kind => kind is not (CredentialKind.None or CredentialKind.OAuth or CredentialKind.GitHubApp or CredentialKind.Dpop)),
        ("EnvironmentVariable", SecretKinds,
            kind => kind is not (CredentialKind.None or CredentialKind.OAuth or CredentialKind.GitHubApp or CredentialKind.Dpop)),
        ("AppId", ["GitHubApp"], kind => kind is CredentialKind.GitHubApp),
        ("PrivateKeyFile", ["GitHubApp"], kind => kind is CredentialKind.GitHubApp),
        ("InstallationId", ["GitHubApp"], kind => kind is CredentialKind.GitHubApp),
        ("Repositories", ["GitHubApp"], kind => kind is CredentialKind.GitHubApp),
        ("Permissions", ["GitHubApp"], kind => kind is CredentialKind.GitHubApp),
        ("Create", ["Exchange"], kind => kind is CredentialKind.Exchange),
        ("Delete", ["Exchange"], kind => kind is CredentialKind.Exchange),
    ];

    private static readonly HashSet<string> FramingHeaders = new(
        ["Host", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "TE", "Trailer", "Upgrade", "Expect"], StringComparer.OrdinalIgnoreCase);

    public static IReadOnlyList<CredentialOptions> Read(SettingsReader reader, IReadOnlyList<PolicySourceOptions> policies)
    {
        var credentials = new List<CredentialOptions>();
        var places = new Dictionary<(AuthContext, string), string>();
        foreach (var key in reader.Elements("Credentials"))
        {
            var context = reader.Context(key + ":Context");
            PolicyReading.CheckBound(reader, key + ":Context", context, policies);
            var picked = RoleCredentialReading.ReadFor(reader, key);
            var place = (context!, string.Join('\n', picked.Select(pair => $"{pair.Key}={pair.Value}")));
            if (context is not null && !places.TryAdd(place, key))
                reader.Mistake(key + ":Context",
                    $"`{ConfigurationText.Show(context.ToString())}` has its credential at `{places[place]}` "
                        + $"already{(picked.Count > 0 ? ", for the same `For`" : "")}");
            if (ReadOne(reader, key, context) is { } credential) credentials.Add(credential with { For = picked });
        }
        return credentials;
    }

    private static CredentialOptions? ReadOne(SettingsReader reader, string key, AuthContext? context)
    {
        if (reader.Choice(key + ":Kind", "kind") is not { } name) return null;
        var kind = Enum.Parse<CredentialKind>(name);

        foreach (var (field, kinds, belongs) in Fields)
        {
            if (!belongs(kind) && reader.Has($"{key}:{field}"))
                reader.Mistake($"{key}:{field}", $"is for kind {ConfigurationText.List(kinds)}, the kind is `{kind}`");
        }
        var needsSecret = SecretKinds.Contains(kind.ToString());
        var given = (reader.Has(key + ":File"), reader.Has(key + ":EnvironmentVariable"));
        if (given is (true, true)) reader.Mistake(key + ":EnvironmentVariable", "is given beside `File`, expected one of them");
        if (needsSecret && given is (false, false))
            reader.Mistake(key, "has no secret, expected `File` or `EnvironmentVariable`", "\"EnvironmentVariable\": \"DIGITALOCEAN_TOKEN\"");

        var carrier = reader.Text(key + ":Name");
        if (kind is CredentialKind.Header or CredentialKind.Query && !reader.Has(key + ":Name")) reader.Mistake(key + ":Name", "is missing");
        if (kind == CredentialKind.Header && carrier is not null && (!HeaderName.IsValid(carrier) || FramingHeaders.Contains(carrier)))
            reader.Mistake(key + ":Name", "is not the name of a header that can carry a credential");
        var format = reader.Text(key + ":Format");
        if (format is not null && (format.Split("{secret}").Length != 2 || format.Any(c => c > '~')))
            reader.Mistake(key + ":Format", "does not hold `{secret}` once, in ASCII text");
        var username = reader.Text(key + ":Username");
        if (username is not null && username.Contains(':'))
            reader.Mistake(key + ":Username", "holds a `:`, which ends the name in Basic authentication", "\"Username\": \"robot\"");

        var isClient = kind == CredentialKind.ClientCredentials;
        var tokenAddress = isClient ? reader.Address(key + ":TokenAddress", NetworkPlace.IsLoopbackOrInCluster) : null;
        var clientId = isClient ? reader.Text(key + ":ClientId") : null;
        if (kind == CredentialKind.OAuth && context is not null && !reader.Has($"Upstreams:{context.Upstream}:OAuth"))
            reader.Mistake(key + ":Kind", $"`OAuth` is a credential that teams give by signing in, but `Upstreams:{context.Upstream}:OAuth` is missing");
        if (kind == CredentialKind.Dpop && context is not null) AtProtoReading.CheckSession(reader, key, context);

        var app = kind == CredentialKind.GitHubApp ? RoleCredentialReading.ReadApp(reader, key, context) : null;
        var exchange = kind == CredentialKind.Exchange ? RoleCredentialReading.ReadExchange(reader, key, context) : null;
        var file = reader.ExistingFile(key + ":File");
        var variable = reader.EnvironmentVariable(key + ":EnvironmentVariable", required: false);
        return context is null || (kind == CredentialKind.GitHubApp && app is null) || (kind == CredentialKind.Exchange && exchange is null)
            ? null : new CredentialOptions
        {
            Context = context, Kind = kind, File = file, EnvironmentVariable = variable, Name = carrier, Format = format, Username = username,
            TokenAddress = tokenAddress, ClientId = clientId, Scopes = reader.Texts(key + ":Scopes"),
            App = app, Repositories = reader.Texts(key + ":Repositories"), Permissions = RoleCredentialReading.ReadTexts(reader, key + ":Permissions"),
            Exchange = exchange,
        };
    }
}
