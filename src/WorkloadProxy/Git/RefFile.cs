namespace WorkloadProxy.Git;

/// <summary>
/// Reads where a ref of a bare repository stands, from its files: for a thousand repositories at start, a thousand runs of git would take too long.
/// </summary>
internal static class RefFile
{
    /// <summary>Refs of the server's own: not shown, not fetched, not pushed.</summary>
    public const string OwnRefs = "refs/workload-proxy";

    /// <summary>Null where there is no such ref.</summary>
    /// <exception cref="IOException">The repository can't be read.</exception>
    public static ObjectId? Read(string repository, string name)
    {
        try
        {
            var loose = Path.Combine(repository, name);
            if (File.Exists(loose) && ObjectId.TryParse(File.ReadAllText(loose).TrimEnd('\n'), out var id)) return id;
        }
        catch (FileNotFoundException)
        {
            // packed in between
        }
        var packed = Path.Combine(repository, "packed-refs");
        if (!File.Exists(packed)) return null;
        foreach (var line in File.ReadLines(packed))
        {
            var space = line.IndexOf(' ');
            if (space > 0 && line.AsSpan(space + 1).SequenceEqual(name) && ObjectId.TryParse(line[..space], out var id)) return id;
        }
        return null;
    }

    /// <summary>The full names of all branches and tags.</summary>
    /// <exception cref="IOException">The repository can't be read.</exception>
    public static HashSet<string> BranchesAndTags(string repository)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, _) in LooseRefs.Files(repository))
        {
            if (name.StartsWith("refs/heads/", StringComparison.Ordinal) || name.StartsWith("refs/tags/", StringComparison.Ordinal)) names.Add(name);
        }
        var packed = Path.Combine(repository, "packed-refs");
        if (!File.Exists(packed)) return names;
        foreach (var line in File.ReadLines(packed))
        {
            if (line.Split(' ') is [var id, var name] && ObjectId.TryParse(id, out _)
                && (name.StartsWith("refs/heads/", StringComparison.Ordinal) || name.StartsWith("refs/tags/", StringComparison.Ordinal)))
                names.Add(name);
        }
        return names;
    }
}
