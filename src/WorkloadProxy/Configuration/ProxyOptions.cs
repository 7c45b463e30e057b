using System.Net;
using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Configuration.Sources;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Configuration;

/// <summary>The whole configuration, checked. Paths are absolute, references between parts resolve, defaults are filled in.</summary>
internal sealed record ProxyOptions
{
    public const string DefaultUrl = "http://0.0.0.0:8080";

    /// <summary>Our <c>iss</c>, without a trailing slash.</summary>
    public required string PublicUrl { get; init; }
    public IReadOnlyList<string> Urls { get; init; } = [DefaultUrl];
    public required string DataDirectory { get; init; }
    public MasterKeyOptions MasterKey { get; init; } = new();
    /// <summary>Null: SQLite in <see cref="DataDirectory"/>.</summary>
    public PostgresOptions? Postgres { get; init; }
    /// <summary>By name, ordinal.</summary>
    public IReadOnlyDictionary<string, UpstreamOptions> Upstreams { get; init; } = new Dictionary<string, UpstreamOptions>();
    public IReadOnlyList<IssuerOptions> Issuers { get; init; } = [];
    public IReadOnlyList<AudienceOptions> Audiences { get; init; } = [];
    public IReadOnlyList<PublicPathOptions> Public { get; init; } = [];
    public IReadOnlyList<PolicySourceOptions> Policies { get; init; } = [];
    public IReadOnlyList<CredentialOptions> Credentials { get; init; } = [];
    public TokenOptions Tokens { get; init; } = new();
    public ProvisioningOptions Provisioning { get; init; } = new();
    public GitOptions Git { get; init; } = new();
    public IReadOnlyList<IPNetwork> TrustedProxies { get; init; } = [];
    public AuditOptions Audit { get; init; } = new();
    /// <summary>Who is told contexts and errors by <c>/health/ready</c>.</summary>
    public HealthDetails HealthDetails { get; init; }
    /// <summary>The environment is Development: <c>PublicUrl</c> may be left out.</summary>
    public bool Development { get; init; }
    /// <summary>Where relative paths start: the configuration file's folder, or the working directory where there is none.</summary>
    public string BaseDirectory { get; init; } = Directory.GetCurrentDirectory();
    /// <summary>ASP.NET's own sections, unchecked: <c>Logging</c>, <c>Kestrel</c>, <c>AllowedHosts</c>.</summary>
    public IConfiguration Framework { get; init; } = new ConfigurationBuilder().Build();
    /// <summary>What is probably not meant, for the log.</summary>
    public IReadOnlyList<ConfigurationMistake> Warnings { get; init; } = [];

    /// <summary>What a context's policies are compiled for: with all contexts of this server, for an id may stand for several of them.</summary>
    public CompileOptions Compiling(AuthContext context) => new(context, PublicUrl)
    {
        Contexts = ContextRegistry.Of(Policies.Select(policy => policy.Context)),
        EncodedSlash = Upstreams.GetValueOrDefault(context.Upstream)?.EncodedSlash == true,
        AnyAudienceIssuers = [.. Audiences.Where(audience => audience.TakesAny && audience.Context == context).Select(audience => audience.Issuer!)],
        ClientAudienceIssuers = [.. Issuers.Where(issuer => issuer.AudienceIsClient).Select(issuer => issuer.Issuer)],
        PassThroughIssuers = [.. Upstreams.Values.SelectMany(upstream => upstream.PassThroughIssuers)],
        ExternalAudiences = Tokens.ExternalAudiences,
        McpServers = [.. Upstreams.TryGetValue(context.Upstream, out var upstream) ? upstream.Mcp.Select(server => server.Name) : []],
    };
}

internal sealed record MasterKeyOptions(string? File = null, string? EnvironmentVariable = null);

internal enum UpstreamKind { DigitalOcean, AtProto, Http, Mcp }

internal sealed record UpstreamOptions
{
    public required string Name { get; init; }
    public required UpstreamKind Kind { get; init; }
    /// <summary>Absent for <c>atproto</c>, whose address is the account's own server, and for <c>mcp</c>, whose servers have their own.</summary>
    public Uri? Address { get; init; }
    public bool PassThrough { get; init; }
    /// <summary>JWTs of these pass through, as users' own tokens do.</summary>
    public IReadOnlyList<string> PassThroughIssuers { get; init; } = [];
    /// <summary>Authorities in PEM that replace the system's.</summary>
    public string? CaFile { get; init; }
    /// <summary>What is sent as <c>Host</c> in place of the address's: the host of <c>PublicUrl</c>. Null: the address's.</summary>
    public Uri? PublicHost { get; init; }
    /// <summary>Which answers hold a token that then passes, with <c>"PassThrough": "handed-out"</c>; else none.</summary>
    public IReadOnlyList<HandsOutOptions> HandsOut { get; init; } = [];
    public bool EncodedSlash { get; init; }
    public IReadOnlyList<string> DropHeaders { get; init; } = [];
    /// <summary>Null: all but those that never cross.</summary>
    public IReadOnlyList<string>? PassHeaders { get; init; }
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);
    /// <summary>Null: none.</summary>
    public TimeSpan? ActivityTimeout { get; init; } = TimeSpan.FromSeconds(100);
    public Version HttpVersion { get; init; } = System.Net.HttpVersion.Version11;
    public OAuthOptions? OAuth { get; init; }
    /// <summary>Of kind <c>atproto</c>, and only of it.</summary>
    public AtProtoOptions? AtProto { get; init; }
    /// <summary>Headers besides <c>Authorization</c> that may bring the token.</summary>
    public IReadOnlyList<string> TokenHeaders { get; init; } = [];
    /// <summary>A beginning of the path that is dropped before the rules see it, such as <c>/api/v3</c>; null: none.</summary>
    public string? StripPrefix { get; init; }
    /// <summary>A host name under which this upstream alone is served; null: none.</summary>
    public string? Host { get; init; }
    /// <summary>MCP servers beside, or (kind <c>mcp</c>) in place of, the API.</summary>
    public IReadOnlyList<McpServerOptions> Mcp { get; init; } = [];

    /// <summary>Whether the team or account of a context may sign in.</summary>
    public bool Admits(string id) => OAuth?.Admits(id) ?? AtProto?.OAuth?.Admits(id) ?? false;
}

/// <summary>An answer that holds a token: <paramref name="Token"/> is a JSON name, or <c>#N</c>, the number of a protobuf field.</summary>
internal sealed record HandsOutOptions(string Path, string Token, TimeSpan Lifetime);

/// <summary>Where people sign in. Without a secret the proxy is a public client; <paramref name="Teams"/> <c>["*"]</c> is everyone, empty is no one.</summary>
internal sealed record OAuthOptions(Uri Address, string ClientId, string? ClientSecretFile, string? ClientSecretEnvironmentVariable,
    IReadOnlyList<string> Teams)
{
    public static IReadOnlyList<string> DefaultScopes { get; } = ["read", "write"];

    public IReadOnlyList<string> Scopes { get; init; } = DefaultScopes;

    public bool Admits(string team) => Teams.Contains(team, StringComparer.Ordinal) || Teams.Contains("*", StringComparer.Ordinal);
}


/// <summary>Exactly one of the three sources is set.</summary>
internal sealed record PolicySourceOptions(AuthContext Context, string? Directory = null, RemoteGitOptions? Git = null, HostedGitOptions? Hosted = null);

internal sealed record RemoteGitOptions
{
    public required string Url { get; init; }
    public string Branch { get; init; } = "main";
    public string Path { get; init; } = ".";
    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(1);
    public string? WebhookSecretFile { get; init; }
    public string? TokenFile { get; init; }
    public string? SshKeyFile { get; init; }
    public string? KnownHostsFile { get; init; }
    public string? RequireSignedBy { get; init; }
    public CommitStatusOptions? Status { get; init; }
}

/// <summary>Exactly one of <paramref name="TokenFile"/> and <paramref name="App"/> is set.</summary>
internal sealed record CommitStatusOptions(Uri ApiAddress, string? TokenFile, GitHubAppOptions? App = null);

/// <summary>
/// <paramref name="Id"/> is the App's number or its client id; without <paramref name="InstallationId"/> the repository's installation is asked for.
/// </summary>
internal sealed record GitHubAppOptions(string Id, string PrivateKeyFile, long? InstallationId = null);

/// <summary><paramref name="ObjectFormat"/> is <c>sha1</c> or <c>sha256</c>; a repository that is there already keeps its own.</summary>
internal sealed record HostedGitOptions(string? InitialDirectory = null, string? RequireSignedBy = null, string ObjectFormat = "sha1");

internal enum CredentialKind { Bearer, Header, Basic, Query, OAuth, ClientCredentials, GitHubApp, Dpop, Exchange, AtprotoPassword, None }

/// <summary>The secret comes from exactly one of <see cref="File"/> and <see cref="EnvironmentVariable"/>; kind <c>None</c> has neither.</summary>
internal sealed record CredentialOptions
{
    public required AuthContext Context { get; init; }
    public required CredentialKind Kind { get; init; }
    /// <summary>It stands for what someone gives by signing in.</summary>
    public bool IsSignedIn => Kind is CredentialKind.OAuth or CredentialKind.Dpop;
    public string? File { get; init; }
    public string? EnvironmentVariable { get; init; }
    /// <summary>The header (<c>Header</c>) or query parameter (<c>Query</c>) that carries the secret.</summary>
    public string? Name { get; init; }
    /// <summary>For <c>Header</c>: the value, with <c>{secret}</c> where the secret goes; the secret alone when absent.</summary>
    public string? Format { get; init; }
    /// <summary>For <c>Basic</c>: the user; absent when the secret itself is <c>user:password</c>.</summary>
    public string? Username { get; init; }
    /// <summary>For <c>ClientCredentials</c>: where tokens are asked for, as whom, and for which scopes (all that the client has when empty).</summary>
    public Uri? TokenAddress { get; init; }
    public string? ClientId { get; init; }
    public IReadOnlyList<string> Scopes { get; init; } = [];
    /// <summary>What a role must name (<c>credential = { … }</c>) for this entry to be its requests' credential; in the order of the names.</summary>
    public IReadOnlyDictionary<string, string> For { get; init; } = NoFor;
    /// <summary>For <c>GitHubApp</c>: the App, and at most what its tokens are good for; all that the installation grants where empty.</summary>
    public GitHubAppOptions? App { get; init; }
    public IReadOnlyList<string> Repositories { get; init; } = [];
    public IReadOnlyDictionary<string, string> Permissions { get; init; } = NoFor;
    /// <summary>For <c>Exchange</c>: how a credential is made and deleted at the upstream.</summary>
    public ExchangeOptions? Exchange { get; init; }

    /// <summary>What no other entry has.</summary>
    public string Key => $"{Context} {string.Join(' ', For.Select(pair => $"{Uri.EscapeDataString(pair.Key)}={Uri.EscapeDataString(pair.Value)}"))}".TrimEnd();

    private static IReadOnlyDictionary<string, string> NoFor { get; } = new Dictionary<string, string>();
}

/// <summary>
/// Paths and bodies are templates; <paramref name="Token"/> and <paramref name="Id"/> name members of the answer to <paramref name="Create"/>.
/// </summary>
internal sealed record ExchangeOptions(ExchangeCall Create, string Token, string? Id, ExchangeCall Delete)
{
    /// <summary>The caller's <c>jti</c>, and what <c>Create</c> answered: not a role's to name.</summary>
    public const string CallerId = "jti", CreatedId = "id";

    /// <summary>What a role has to name.</summary>
    public IReadOnlySet<string> Names { get; } = Create.Names.Concat(Delete.Names).Where(name => name is not (CallerId or CreatedId))
        .ToHashSet(StringComparer.Ordinal);
}

/// <summary>A JSON object posted to a path below the upstream's address.</summary>
internal sealed record ExchangeCall(TemplateText Path, IReadOnlyList<KeyValuePair<string, TemplateText>> Body)
{
    public IEnumerable<string> Names => Path.Names.Concat(Body.SelectMany(member => member.Value.Names));
}

internal sealed record TokenOptions
{
    /// <summary><c>RS256</c> or <c>ES256</c>.</summary>
    public string Algorithm { get; init; } = "RS256";
    public TimeSpan MaxLifetime { get; init; } = TimeSpan.FromMinutes(15);
    public TimeSpan MaxChain { get; init; } = TimeSpan.FromHours(1);
    public TimeSpan KeyRotation { get; init; } = TimeSpan.FromDays(30);
    /// <summary>Other services that tokens may be minted for.</summary>
    public IReadOnlyList<string> ExternalAudiences { get; init; } = [];
}

internal sealed record ProvisioningOptions(int SshPort = 22, bool AllowPrivateAddresses = false);

internal sealed record GitOptions
{
    /// <summary>Of one push or fetch.</summary>
    public long MaxSize { get; init; } = 20_000_000;
    /// <summary>Of one hosted repository on the disk.</summary>
    public long MaxRepositorySize { get; init; } = 200_000_000;
    /// <summary>Branches and tags of one hosted repository.</summary>
    public int MaxRefs { get; init; } = 1000;
    /// <summary>Policy files of one pushed set.</summary>
    public int MaxFiles { get; init; } = 2000;
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(1);
}

/// <summary><c>Loopback</c>: callers on this machine, without any header of a balancer. <c>Never</c>: only <c>workload-proxy status</c>.</summary>
internal enum HealthDetails { Loopback, Never }

internal sealed record AuditOptions(string? File = null, bool Required = true);
