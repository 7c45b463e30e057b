namespace WorkloadProxy.Policies;

/// <summary>Which of the proxy's own paths a rule decides on: the exchange, and the context's own policy repository. Whatever else lies there is refused, also where a pattern permits it (SPEC §6).</summary>
public static class OwnPaths
{
    /// <summary>Where tokens are exchanged: <c>create</c> on it decides every exchange, wherever it is asked for.</summary>
    public const string Issue = "/v1/oidc/issue";

    /// <summary>Why the server refuses such a request of the context whatever its rules say; null for a path that is not the proxy's own, and for one that rules decide on.</summary>
    public static string? Refusal(AuthContext context, string method, RequestTarget target)
    {
        if (!target.IsOwnPath) return null;
        if (target.Path == Issue) return method == "POST" ? null : $"`{Issue}` takes POST only";
        if (IsRepository(context, target.Path)) return null;
        return $"no rule decides on this path of the proxy's own, expected `{Issue}` or `/_rbac/{context.Upstream}/{{actx}}`";
    }

    private static bool IsRepository(AuthContext context, string path)
    {
        var repository = $"/_rbac/{context.Upstream}/{context.Id}";
        return path.StartsWith(repository, StringComparison.Ordinal) && (path.Length == repository.Length || path[repository.Length] == '/' || path.AsSpan(repository.Length) is ".git");
    }
}
