namespace WorkloadProxy.Policies.Sets;

/// <summary>What a file of a source is for, by where it lies.</summary>
internal enum PolicyFileKind
{
    Ignored,
    Set,
    Roles,
    Policy,
    Tests,
}

/// <summary>
/// <c>roles/</c> and every top-level directory whose name ends so, <c>policies/</c>, <c>tests/</c>; names with a leading dot are no one's.
/// </summary>
internal static class PolicyFileRouting
{
    public static PolicyFileKind KindOf(string path)
    {
        if (!path.EndsWith(".hcl", StringComparison.Ordinal) || path.StartsWith('.') || path.Contains("/.", StringComparison.Ordinal))
            return PolicyFileKind.Ignored;
        if (path == SetFile.Name) return PolicyFileKind.Set;
        var slash = path.IndexOf('/');
        if (slash <= 0) return PolicyFileKind.Ignored;
        return path.AsSpan(0, slash) switch
        {
            "policies" => PolicyFileKind.Policy,
            // `tests/*.hcl`: in a repository that holds programs too, their tests lie deeper
            "tests" => path.IndexOf('/', slash + 1) < 0 ? PolicyFileKind.Tests : PolicyFileKind.Ignored,
            var directory when directory.EndsWith("roles", StringComparison.Ordinal) => PolicyFileKind.Roles,
            _ => PolicyFileKind.Ignored,
        };
    }

    /// <summary>A policy's name.</summary>
    public static string Stem(string path) => path[(path.LastIndexOf('/') + 1)..^".hcl".Length];
}
