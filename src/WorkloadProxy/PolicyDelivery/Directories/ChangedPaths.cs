namespace WorkloadProxy.PolicyDelivery.Directories;

/// <summary>What change events named since one last looked. Events that were lost, or too many of them, name everything.</summary>
internal sealed record ChangedPaths(IReadOnlySet<string> Paths, bool Everything)
{
    public static ChangedPaths All { get; } = new(new HashSet<string>(), true);

    public bool Any => Everything || Paths.Count > 0;

    /// <summary>Whether directories may have come, gone or changed places, and not files alone.</summary>
    public bool MayBeDirectories => Everything || Paths.Any(path => !path.EndsWith(".hcl", StringComparison.Ordinal));

    /// <summary>Whether the file is among them, or a directory that it is in, by its path as listed or without links.</summary>
    public bool Name(PolicyTree tree, PolicyTreeFile file) => Everything || (Paths.Count > 0 && (Holds(file.RealPath) || Holds(tree.PathOf(file))));

    private bool Holds(string path)
    {
        if (Paths.Contains(path)) return true;
        foreach (var named in Paths)
            if (path.Length > named.Length && path[named.Length] == Path.DirectorySeparatorChar && path.StartsWith(named, StringComparison.Ordinal))
                return true;
        return false;
    }
}
