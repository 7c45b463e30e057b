using System.Globalization;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Configuration.Sources;

/// <summary>
/// Every key there is, with an example: what is not here is a mistake. <c>*</c> stands for a name that the user gives, <c>#</c> for a place in a list.
/// </summary>
internal static class ConfigurationKeys
{
    /// <summary>ASP.NET's own sections: passed to it whole. Of <c>Kestrel</c> the keys are checked.</summary>
    public static readonly IReadOnlySet<string> Framework = new HashSet<string>(["Logging", "Kestrel", "AllowedHosts"], StringComparer.OrdinalIgnoreCase);

    /// <summary>Where an editor finds the schema of the file; nothing is read there.</summary>
    public const string SchemaKey = "$schema";

    private static readonly (string Key, string Example)[] Table =
    [
        ("PublicUrl", "\"https://proxy.example.com\""),
        ("Urls", "\"http://0.0.0.0:8080\""),
        ("DataDirectory", "\"data\""),
        ("MasterKeyFile", "\"/run/secrets/master-key\""),
        ("MasterKey:File", "\"/run/secrets/master-key\""),
        ("MasterKey:EnvironmentVariable", "\"MASTER_KEY\""),
        ("ConnectionStrings:Postgres", "\"postgres://proxy@db.example.com/proxy\""),
        ("Upstreams:*:Kind", "\"http\""),
        ("Upstreams:*:Address", "\"https://api.example.com\""),
        ("Upstreams:*:PassThrough", "true"),
        ("Upstreams:*:PassThroughIssuers:#", "[\"https://kubernetes.default.svc\"]"),
        ("Upstreams:*:CaFile", "\"/etc/workload-proxy/upstream-ca.pem\""),
        ("Upstreams:*:HostHeader", "\"public\""),
        ("Upstreams:*:HandsOut:#:Path", "\"/depot.cli.v1.BuildService/CreateBuild\""),
        ("Upstreams:*:HandsOut:#:Token", "\"#2\""),
        ("Upstreams:*:HandsOut:#:Lifetime", "\"06:00:00\""),
        ("Upstreams:*:EncodedSlash", "true"),
        ("Upstreams:*:DropHeaders:#", "[\"X-Debug\"]"),
        ("Upstreams:*:PassHeaders:#", "[\"Idempotency-Key\"]"),
        ("Upstreams:*:ConnectTimeout", "\"00:00:10\""),
        ("Upstreams:*:ActivityTimeout", "\"00:01:40\""),
        ("Upstreams:*:Version", "\"2\""),
        ("Upstreams:*:TokenHeaders:#", "[\"x-api-key\"]"),
        ("Upstreams:*:StripPrefix", "\"/api/v3\""),
        ("Upstreams:*:Host", "\"github.proxy.example.com\""),
        ("Upstreams:*:Mcp:*:Address", "\"https://droplets.mcp.digitalocean.com/mcp\""),
        ("Upstreams:*:Mcp:*:Host", "\"droplets.proxy.example.com\""),
        ("Upstreams:*:Mcp:*:Discovery", "true"),
        ("Upstreams:*:Mcp:*:Origins:#", "[\"https://inspector.example.com\"]"),
        ("Upstreams:*:Mcp:*:MaxMessage", "1048576"),
        ("Upstreams:*:Mcp:*:MaxAnswer", "16777216"),
        ("Upstreams:*:Mcp:*:ActivityTimeout", "\"00:10:00\""),
        ("Upstreams:*:PlcDirectory", "\"https://plc.directory\""),
        ("Upstreams:*:HandleResolver", "\"https://public.api.bsky.app\""),
        ("Upstreams:*:Servers:#", "[\"http://pds.pds.svc:3000\"]"),
        ("Upstreams:*:OAuth:Address", "\"https://cloud.digitalocean.com/v1/oauth\""),
        ("Upstreams:*:OAuth:ClientId", "\"0123456789abcdef\""),
        ("Upstreams:*:OAuth:ClientSecretFile", "\"/run/secrets/oauth-client-secret\""),
        ("Upstreams:*:OAuth:ClientSecretEnvironmentVariable", "\"OAUTH_CLIENT_SECRET\""),
        ("Upstreams:*:OAuth:Scopes:#", "[\"read\", \"write\"]"),
        ("Upstreams:*:OAuth:Teams:#", "[\"f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"]"),
        ("Upstreams:*:OAuth:Accounts:#", "[\"did:plc:ewvi7nxzyoun6zhxrhs64oiz\"]"),
        ("Issuers:#:Issuer", "\"https://dex.example.com/dex\""),
        ("Issuers:#:MetadataAddress", "\"http://dex.dex.svc:5556/dex/.well-known/openid-configuration\""),
        ("Issuers:#:JwksFile", "\"/etc/workload-proxy/dex-jwks.json\""),
        ("Issuers:#:CaFile", "\"/var/run/secrets/kubernetes.io/serviceaccount/ca.crt\""),
        ("Issuers:#:TokenFile", "\"/var/run/secrets/kubernetes.io/serviceaccount/token\""),
        ("Issuers:#:SpiffeTrustDomain", "\"example.org\""),
        ("Issuers:#:ClientGroups", "true"),
        ("Issuers:#:GroupsClaim", "\"groups\""),
        ("Issuers:#:AudienceIsClient", "true"),
        ("Issuers:#:Algorithms:#", "[\"RS256\"]"),
        ("Issuers:#:Run:#", "[\"job_id\"]"),
        ("Audiences:#:Audience", "\"https://depot.dev\""),
        ("Audiences:#:Issuer", "\"https://dex.example.com/dex\""),
        ("Audiences:#:Claims", "{ \"sub\": \"org:acme:vault:web\" }"),
        ("Audiences:#:Context", "\"api://Depot?actx=acme\""),
        ("Public:#:Path", "\"/.well-known/terraform.json\""),
        ("Public:#:Document", "{ \"modules.v1\": \"/modules/v1/\" }"),
        ("Public:#:File", "\"terraform.json\""),
        ("Public:#:Upstream", "\"OpenDepot\""),
        ("Policies:#:Context", "\"api://DigitalOcean?actx=f81d4fae-7dec-11d0-a765-00a0c91e6bf6\""),
        ("Policies:#:Directory", "\".\""),
        ("Policies:#:Git:Url", "\"https://github.com/acme/rbac.git\""),
        ("Policies:#:Git:Branch", "\"main\""),
        ("Policies:#:Git:Path", "\".\""),
        ("Policies:#:Git:Interval", "\"00:01:00\""),
        ("Policies:#:Git:WebhookSecretFile", "\"/run/secrets/webhook\""),
        ("Policies:#:Git:TokenFile", "\"/run/secrets/git-token\""),
        ("Policies:#:Git:SshKeyFile", "\"/run/secrets/git-ssh-key\""),
        ("Policies:#:Git:KnownHostsFile", "\"/etc/workload-proxy/known_hosts\""),
        ("Policies:#:Git:RequireSignedBy", "\"/etc/workload-proxy/allowed_signers\""),
        ("Policies:#:Git:Status:ApiAddress", "\"https://api.github.com\""),
        ("Policies:#:Git:Status:TokenFile", "\"/run/secrets/status-token\""),
        ("Policies:#:Git:Status:AppId", "\"Iv23liAbCdEfGhIjKlMn\""),
        ("Policies:#:Git:Status:PrivateKeyFile", "\"/run/secrets/github-app.pem\""),
        ("Policies:#:Git:Status:InstallationId", "12345678"),
        ("Policies:#:Hosted:InitialDirectory", "\"./bootstrap\""),
        ("Policies:#:Hosted:ObjectFormat", "\"sha256\""),
        ("Policies:#:Hosted:RequireSignedBy", "\"/etc/workload-proxy/allowed_signers\""),
        ("Credentials:#:Context", "\"api://DigitalOcean?actx=f81d4fae-7dec-11d0-a765-00a0c91e6bf6\""),
        ("Credentials:#:Kind", "\"Bearer\""),
        ("Credentials:#:File", "\"/run/secrets/digitalocean-token\""),
        ("Credentials:#:EnvironmentVariable", "\"DIGITALOCEAN_TOKEN\""),
        ("Credentials:#:Name", "\"X-Api-Key\""),
        ("Credentials:#:Format", "\"Token {secret}\""),
        ("Credentials:#:Username", "\"robot\""),
        ("Credentials:#:TokenAddress", "\"https://login.example.com/oauth/token\""),
        ("Credentials:#:ClientId", "\"0123456789abcdef\""),
        ("Credentials:#:Scopes:#", "[\"read\"]"),
        ("Credentials:#:For:*", "\"proj-a\""),
        ("Credentials:#:AppId", "\"Iv23liAbCdEfGhIjKlMn\""),
        ("Credentials:#:PrivateKeyFile", "\"/run/secrets/github-app.pem\""),
        ("Credentials:#:InstallationId", "12345678"),
        ("Credentials:#:Repositories:#", "[\"acme/web\"]"),
        ("Credentials:#:Permissions:*", "\"read\""),
        ("Credentials:#:Create:Path", "\"/depot.core.v1.ProjectService/CreateToken\""),
        ("Credentials:#:Create:Body:*", "\"{project}\""),
        ("Credentials:#:Create:Token", "\"secret\""),
        ("Credentials:#:Create:Id", "\"tokenId\""),
        ("Credentials:#:Delete:Path", "\"/depot.core.v1.ProjectService/DeleteToken\""),
        ("Credentials:#:Delete:Body:*", "\"{id}\""),
        ("Tokens:Algorithm", "\"RS256\""),
        ("Tokens:MaxLifetime", "\"00:15:00\""),
        ("Tokens:MaxChain", "\"01:00:00\""),
        ("Tokens:KeyRotation", "\"30.00:00:00\""),
        ("Tokens:ExternalAudiences:#", "[\"sts.amazonaws.com\"]"),
        ("Provisioning:SshPort", "22"),
        ("Provisioning:AllowPrivateAddresses", "false"),
        ("Git:MaxSize", "20000000"),
        ("Git:MaxRepositorySize", "200000000"),
        ("Git:MaxRefs", "1000"),
        ("Git:MaxFiles", "2000"),
        ("Git:Timeout", "\"00:01:00\""),
        ("TrustedProxies:#", "[\"10.0.0.0/8\"]"),
        ("Audit:File", "\"/var/log/workload-proxy/audit.jsonl\""),
        ("Audit:Required", "true"),
        ("Health:Details", "\"never\""),
    ];

    /// <summary>The keys as a tree.</summary>
    public static readonly Node Root = Build(Table);

    /// <summary>The names of a first part of ours: <c>Policies</c>, <c>Tokens</c>, …</summary>
    public static bool IsOurs(string name) => Root.Children.ContainsKey(name);

    /// <summary>A key that has no parts: it may stand in the environment without <c>__</c>.</summary>
    public static bool IsSingle(string name) => Root.Children.TryGetValue(name, out var node) && node.Example is not null;

    /// <summary>Whether an object at this key is one value, kept as its JSON text: its names are not ours, and may hold `:`.</summary>
    public static bool IsJson(string key)
    {
        var node = Root;
        foreach (var part in key.Split(':'))
        {
            if (node.Next(part) is not { } next) return false;
            node = next;
        }
        return node.IsJson;
    }

    /// <summary>What is wrong with the key itself or the shape of what stands there; null if nothing is.</summary>
    public static ConfigurationMistake? Check(Setting setting)
    {
        var parts = setting.Key.Split(':');
        var isKestrel = parts[0].Equals(KestrelKeys.Section, StringComparison.OrdinalIgnoreCase);
        if ((!isKestrel && Framework.Contains(parts[0])) || setting.Key == SchemaKey) return null;
        var node = isKestrel ? KestrelKeys.Root : Root;
        for (var i = 0; i < parts.Length; i++)
        {
            var key = string.Join(':', parts[..(i + 1)]);
            var above = string.Join(':', parts[..i]);
            if (node.Example is not null && !node.IsList) return Mistake(above, "must be one value, but is an object", node);
            if (node.Next(parts[i]) is { } next)
            {
                node = next;
                continue;
            }
            if (node.Any is not null && !node.IsList) return Mistake(above, "holds an empty name", node);
            if (node.IsList) return Mistake(above, $"must be a list, but is an object with the name `{ConfigurationText.Show(parts[i])}`", node);
            return NameSuggestion.Nearest(parts[i], node.Names) is { } nearest
                ? Mistake(key, $"unknown key, did you mean `{nearest}`?", node.Children[nearest])
                : Mistake(key, $"unknown key, expected {ConfigurationText.List(node.Names)}", node.Children.Values.First());
        }
        var isValue = node.Example is not null && !node.IsList;
        return (setting.Shape, isValue) switch
        {
            (SettingShape.Null, _) => null,
            (SettingShape.Value, true) => null,
            (SettingShape.Value, false) => Mistake(setting.Key, node.IsList ? "must be a list, but is one value" : "must be an object, but is one value", node),
            (SettingShape.EmptyList, _) when node.IsList => null,
            (SettingShape.EmptyObject, false) when !node.IsList => null,
            (SettingShape.EmptyList, _) => Mistake(setting.Key, isValue ? "must be one value, but is a list" : "must be an object, but is a list", node),
            _ => Mistake(setting.Key, isValue ? "must be one value, but is an object" : "must be a list, but is an object", node),
        };

        ConfigurationMistake Mistake(string key, string problem, Node example) => new(key, problem, example.FirstExample(), setting.Origin);
    }

    /// <summary>The example for a key: <c>"Context": "api://…"</c>.</summary>
    public static string? ExampleFor(string key)
    {
        var node = key.StartsWith(KestrelKeys.Section + ":", StringComparison.OrdinalIgnoreCase) ? KestrelKeys.Root : Root;
        foreach (var part in key.Split(':'))
        {
            if (node.Next(part) is not { } next) return null;
            node = next;
        }
        return node.FirstExample();
    }

    internal static Node Build(IEnumerable<(string Key, string Example)> table)
    {
        var root = new Node("");
        foreach (var (key, example) in table)
        {
            var node = root;
            var parts = key.Split(':');
            for (var i = 0; i < parts.Length; i++)
            {
                var part = parts[i];
                node.IsList |= part == "#";
                // a list of plain values: the example is the list's
                if (part == "#" && i == parts.Length - 1) node.Example = example;
                node = part is "#" or "*" ? node.Any ??= new Node(node.Name) : node.Child(part);
            }
            node.Example ??= example;
        }
        return root;
    }

    /// <summary>A part of a key: an object with <see cref="Children"/>, a list or a map of <see cref="Any"/>, or a value.</summary>
    internal sealed class Node(string name)
    {
        public string Name => name;
        public Dictionary<string, Node> Children { get; } = new(StringComparer.OrdinalIgnoreCase);
        public Node? Any { get; set; }
        public bool IsList { get; set; }
        public string? Example { get; set; }
        public bool IsJson => Example is ['{', ..] && Children.Count == 0 && Any is null;
        public IReadOnlyList<string> Names => [.. Children.Keys];

        public Node Child(string child) => Children.TryGetValue(child, out var found) ? found : Children[child] = new Node(child);

        public Node? Next(string part)
        {
            if (Any is null) return Children.GetValueOrDefault(part);
            if (IsList && !int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out _)) return null;
            return part.Length == 0 ? null : Any;
        }

        public string FirstExample() => $"\"{name}\": {FirstValue()}";

        private string FirstValue()
        {
            if (Example is not null) return Example;
            if (Any is not null) return IsList ? $"[{Any.FirstValue()}]" : $"{{ \"Example\": {Any.FirstValue()} }}";
            return $"{{ {Children.Values.First().FirstExample()} }}";
        }
    }
}
