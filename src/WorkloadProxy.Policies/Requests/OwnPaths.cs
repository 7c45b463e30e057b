namespace WorkloadProxy.Policies;

/// <summary>Which of the proxy's own paths a rule decides on: the exchange, and the context's own policy repository. Whatever else lies there is refused, also where a pattern permits it.</summary>
public static class OwnPaths
{
    /// <summary>Where tokens are exchanged: <c>create</c> on it decides every exchange, wherever it is asked for.</summary>
    public const string Issue = "/v1/oidc/issue";

    /// <summary>Where the proxy itself answers a reader, without a token, and the upstream is never reached.</summary>
    public static IReadOnlyList<string> Public { get; } =
        ["/", "/health", "/health/live", "/health/ready", "/.well-known/openid-configuration", "/.well-known/jwks", "/.well-known/jwks.json"];

    /// <summary>Git's paths at the server's root.</summary>
    public static IReadOnlyList<string> Git { get; } = ["/info/refs", "/git-upload-pack", "/git-receive-pack"];

    /// <summary>Why the server refuses such a request of the context whatever its rules say; null for a path that is not the proxy's own, and for one that rules decide on.</summary>
    public static string? Refusal(AuthContext context, string method, RequestTarget target)
    {
        if (!target.IsOwnPath) return null;
        if (target.Path == Issue) return method == "POST" ? null : $"`{Issue}` accepts POST only";
        if (IsRepository(context, target.Path)) return null;
        return $"no rule decides on this path of the proxy's own, expected `{Issue}` or `/_rbac/{context.Upstream}/{{actx}}`";
    }

    private static bool IsRepository(AuthContext context, string path)
    {
        var repository = $"/_rbac/{context.Upstream}/{context.Id}";
        return path.StartsWith(repository, StringComparison.Ordinal) && (path.Length == repository.Length || path[repository.Length] == '/' || path.AsSpan(repository.Length) is ".git");
    }
}
