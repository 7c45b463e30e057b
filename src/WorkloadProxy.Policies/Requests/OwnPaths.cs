using System.Collections.Frozen;

namespace WorkloadProxy.Policies;

/// <summary>
/// The one table of the proxy's own fixed paths, for the server, for <c>policy explain</c> and <c>policy test</c>. Besides these there are the repositories
/// under <c>/_rbac/</c>, MCP servers under <c>/_mcp/</c> and what signing in adds, which depend on the configuration.
/// </summary>
public static class OwnPaths
{
    /// <summary>Where tokens are exchanged: <c>create</c> on it decides every exchange, wherever it is asked for.</summary>
    public const string Issue = "/v1/oidc/issue";

    private const string Read = "GET, HEAD", Create = "POST";

    /// <summary>What lies under these is the proxy's own, and no upstream ever gets it.</summary>
    public static IReadOnlyList<string> Prefixes => prefixes;

    private static readonly string[] prefixes = ["/v1/oidc/", "/_rbac/", "/_mcp/"];

    private static readonly OwnPath[] all =
    [
        new("/", Read, OwnPathKind.Document),
        new("/health", Read, OwnPathKind.Document),
        new("/health/live", Read, OwnPathKind.Document),
        new("/health/ready", Read, OwnPathKind.Document),
        new("/.well-known/openid-configuration", Read, OwnPathKind.Document),
        new("/.well-known/jwks", Read, OwnPathKind.Document),
        new("/.well-known/jwks.json", Read, OwnPathKind.Document),
        new("/v1/oidc/authorize", "GET, HEAD, POST", OwnPathKind.Endpoint),
        new("/v1/oidc/token", Create, OwnPathKind.Endpoint),
        new("/v1/oidc/revoke", Create, OwnPathKind.Endpoint),
        new("/v1/oidc/prove", Create, OwnPathKind.Endpoint),
        new("/v1/oidc/refresh", Create, OwnPathKind.Endpoint),
        new(Issue, Create, OwnPathKind.Exchange),
        new("/info/refs", "GET", OwnPathKind.Git),
        new("/git-upload-pack", Create, OwnPathKind.Git),
        new("/git-receive-pack", Create, OwnPathKind.Git),
    ];

    private static readonly FrozenDictionary<string, OwnPath> byPath = all.ToFrozenDictionary(entry => entry.Path, StringComparer.Ordinal);

    /// <summary>Where the proxy itself answers a reader, without a token, and the upstream is never reached.</summary>
    public static IReadOnlyList<string> Public { get; } = Of(OwnPathKind.Document);

    /// <summary>Git's paths at the server's root.</summary>
    public static IReadOnlyList<string> Git { get; } = Of(OwnPathKind.Git);

    /// <summary>Where the proxy itself answers, and no rule is asked.</summary>
    public static IEnumerable<OwnPath> Endpoints => all.Where(entry => entry.Kind is OwnPathKind.Document or OwnPathKind.Endpoint);

    /// <summary>The entry of a canonical path, or null.</summary>
    public static OwnPath? Find(string path) => byPath.GetValueOrDefault(path);

    /// <summary>Whether a decoded path, or the literal beginning of a pattern, lies under one of <see cref="Prefixes"/>.</summary>
    internal static bool Reserve(string path)
    {
        foreach (var prefix in prefixes)
        {
            if (path.StartsWith(prefix, StringComparison.Ordinal)) return true;
        }
        return false;
    }

    /// <summary>
    /// Why the server refuses such a request of the context whatever its rules say; null for a path that is not the proxy's own, and for one that rules decide
    /// on.
    /// </summary>
    public static string? Refusal(AuthContext context, string method, RequestTarget target)
    {
        if (!target.IsOwnPath) return null;
        if (target.Path == Issue) return method == Create ? null : $"`{Issue}` accepts POST only";
        var repository = $"/_rbac/{context.Upstream}/{context.Id}";
        if (target.Path == repository && method is ("GET" or "PUT")) return null;
        if (target.Path.StartsWith(repository, StringComparison.Ordinal) && target.Path.AsSpan(repository.Length) is "" or ".git" or ['/', ..])
            return $"requests of git are decided as GET (fetch) or PUT (push) of `/_rbac/{context.Upstream}/{{actx}}`: ask about these";
        return $"no rule decides on this path of the proxy's own, expected `{Issue}` or `/_rbac/{context.Upstream}/{{actx}}`";
    }

    private static string[] Of(OwnPathKind kind) => [.. all.Where(entry => entry.Kind == kind).Select(entry => entry.Path)];
}
