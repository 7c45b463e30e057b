using WorkloadProxy.Configuration.Sources;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;
using WorkloadProxy.Upstreams.AtProto.Identity;

namespace WorkloadProxy.Configuration;

/// <summary>What an upstream of kind <c>atproto</c> has beside what all have.</summary>
internal static class AtProtoReading
{
    // an app password's length and room for a line break; a file that holds more is something else
    private const int MaxLength = 64;
    private static readonly string[] own = ["PlcDirectory", "HandleResolver", "Servers"];
    private static readonly string[] othersOAuth = ["Address", "ClientId", "ClientSecretFile", "ClientSecretEnvironmentVariable", "Teams"];

    /// <summary>Null for another kind.</summary>
    public static AtProtoOptions? Read(SettingsReader reader, UpstreamKind kind, string key)
    {
        if (kind != UpstreamKind.AtProto)
        {
            foreach (var name in own.Append("OAuth:Accounts").Where(name => reader.Has($"{key}:{name}")))
                reader.Mistake($"{key}:{name}", "is for upstreams of kind `atproto`");
            return null;
        }
        if (reader.Has(key + ":Address")) reader.Mistake(key + ":Address", "is for other kinds: the server of an account is found through its DID");
        if (reader.Flag(key + ":PassThrough"))
            reader.Mistake(key + ":PassThrough", "is for other kinds: a user's own token does not say which server it is for");
        var directory = reader.Address(key + ":PlcDirectory", NetworkPlace.IsLoopbackOrInCluster)!;
        var resolver = reader.Address(key + ":HandleResolver", NetworkPlace.IsLoopbackOrInCluster);
        return new AtProtoOptions(directory, resolver, ReadServers(reader, key + ":Servers"))
        {
            OAuth = reader.Has(key + ":OAuth") ? ReadOAuth(reader, key + ":OAuth") : null,
        };
    }

    /// <summary>An entry for what an account gives by signing in; it changes nothing, and says that no other credential is meant.</summary>
    public static void CheckSession(SettingsReader reader, string key, AuthContext context)
    {
        if (!Did.TryParse(context.Id, out _))
            reader.Mistake(key + ":Context", $"`{ConfigurationText.Show(context.Id)}` is not a DID, and only accounts have sessions",
                $"\"Context\": \"api://{context.Upstream}?actx=did:plc:ewvi7nxzyoun6zhxrhs64oiz\"");
        if (!reader.Has($"Upstreams:{context.Upstream}:OAuth:Accounts"))
            reader.Mistake(key + ":Kind",
                $"`Dpop` is a session that an account gives by signing in, but `Upstreams:{context.Upstream}:OAuth:Accounts` is missing");
    }

    /// <summary>An authorization server fetches the client's document from there, and knows only these two forms of a client.</summary>
    public static void CheckPublicUrl(SettingsReader reader, ProxyOptions options)
    {
        if (options.PublicUrl.Length == 0 || options.Upstreams.Values.FirstOrDefault(upstream => upstream.AtProto?.OAuth is not null) is not { } upstream)
            return;
        if (!Uri.TryCreate(options.PublicUrl, UriKind.Absolute, out var url) || (url.Scheme == "http" && NetworkPlace.IsLoopback(url))) return;
        if (options.PublicUrl != $"https://{url.IdnHost.ToLowerInvariant()}")
        {
            reader.Mistake("PublicUrl",
                $"`{ConfigurationText.Show(options.PublicUrl)}` does not go with `Upstreams:{upstream.Name}:OAuth`: expected https with a lower-case host and "
                    + "without port or path, or http on loopback for development");
        }
    }

    private static IReadOnlyList<string> ReadServers(SettingsReader reader, string key)
    {
        var servers = new List<string>();
        foreach (var place in reader.Elements(key))
        {
            if (reader.Address(place, NetworkPlace.IsLoopbackOrInCluster) is not { } address) continue;
            if (Origin.TryParse(address.OriginalString, out var origin)) servers.Add(origin);
            else reader.Mistake(place, $"`{ConfigurationText.Show(address.OriginalString)}` is not an origin, expected scheme, host and port alone");
        }
        return servers;
    }

    private static AtProtoOAuthOptions ReadOAuth(SettingsReader reader, string key)
    {
        foreach (var name in othersOAuth.Where(name => reader.Has($"{key}:{name}"))) reader.Mistake($"{key}:{name}", "is for upstreams of kind `digitalocean`");
        foreach (var place in reader.Elements(key + ":Accounts"))
        {
            if (reader.Text(place) is { } account && account != "*" && !Did.TryParse(account, out _))
                reader.Mistake(place,
                    $"`{ConfigurationText.Show(account)}` is not a DID, expected for instance `did:plc:ewvi7nxzyoun6zhxrhs64oiz`, or `*` for everyone");
        }
        var accounts = reader.Texts(key + ":Accounts");
        if (accounts.Count == 0) reader.Warn(key + ":Accounts", "lists no account, so nobody may sign in: expected DIDs, or `*` for everyone");
        var scopes = reader.Texts(key + ":Scopes");
        // RFC 6749 §3.3
        if (scopes.Any(scope => scope.Any(c => c is <= ' ' or '"' or '\\' or > '~')))
            reader.Mistake(key + ":Scopes", "holds a character that is not valid in a scope: expected a list with one scope an element");
        if (scopes.Count > 0 && !scopes.Contains("atproto", StringComparer.Ordinal))
            reader.Mistake(key + ":Scopes", "lacks `atproto`, without which no authorization server gives a session", "\"Scopes\": [\"atproto\", \"repo:*\"]");
        if (scopes.FirstOrDefault(scope => scope.StartsWith("transition:", StringComparison.Ordinal)) is { } wide)
            reader.Warn(key + ":Scopes",
                $"`{ConfigurationText.Show(wide)}` covers nearly all that an account may do: name the collections instead, for instance "
                    + "`repo:com.example.note`");
        return new AtProtoOAuthOptions(accounts, scopes.Count > 0 ? scopes : AtProtoOAuthOptions.DefaultScopes);
    }

    /// <summary>What a credential of kind <c>AtprotoPassword</c> needs: an account, and a secret that is an app password.</summary>
    public static void CheckAppPasswords(SettingsReader reader, ProxyOptions options)
    {
        foreach (var key in reader.Elements("Credentials"))
        {
            if (!AuthContext.TryParse(reader.Find(key + ":Context")?.Value ?? "", out var context)) continue;
            var entries = options.Credentials.Where(entry => entry.Context == context).ToList();
            if (entries.Find(entry => entry.Kind == CredentialKind.AtprotoPassword) is not { } entry) continue;
            // the account's session is shared: with two passwords a narrow role could get the tokens of a wide one
            if (entries.Count > 1) reader.Mistake(key + ":Context", "has several entries, expected one: an account has one app password, whatever the role");
            if (options.Upstreams.GetValueOrDefault(context.Upstream) is not { AtProto: not null })
                reader.Mistake(key + ":Kind", $"`{entry.Kind}` is for upstreams of kind `atproto`, and `{context.Upstream}` is not one");
            else if (!Did.TryParse(context.Id, out _))
                reader.Mistake(key + ":Context",
                    "does not name an account: expected a DID, for instance `api://ATProto?actx=did:plc:ewvi7nxzyoun6zhxrhs64oiz`");
            else CheckAppPassword(reader, key, entry);
        }
    }

    private static void CheckAppPassword(SettingsReader reader, string key, CredentialOptions entry)
    {
        // nothing of the secret is shown: what is wrong with it may be that it is the account's own password
        if (ReadSecret(entry) is { } secret && !AppPasswordForm.Matches(secret.TrimEnd('\r', '\n')))
            reader.Mistake(key, "the secret is not an app password, expected the form `xxxx-xxxx-xxxx-xxxx`, which the account's settings make: its own "
                + "password must never be here");
        else
            reader.Warn(key, "an app password has no scopes and does not end: what agents may do with this account is limited by policies alone; signing in "
                + "(`OAuth`) is better where the account's server can reach `PublicUrl`");
    }

    private static string? ReadSecret(CredentialOptions entry)
    {
        if (entry.File is null) return entry.EnvironmentVariable is { } variable ? Environment.GetEnvironmentVariable(variable) : null;
        try
        {
            using var reader = new StreamReader(entry.File);
            var buffer = new char[MaxLength];
            return new string(buffer, 0, reader.ReadBlock(buffer));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // said elsewhere, and again when it is used
            return null;
        }
    }
}
