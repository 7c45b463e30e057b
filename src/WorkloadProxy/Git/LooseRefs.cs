namespace WorkloadProxy.Git;

/// <summary>
/// The files below <c>refs/</c> of a bare repository. A name that can't be read (its path may be too long for the system) is skipped: one of them must not make
/// the repository unusable.
/// </summary>
internal static class LooseRefs
{
    /// <summary>The full names of all refs that have a file of their own, and of the locks beside them.</summary>
    /// <exception cref="IOException"><c>refs/</c> itself can't be read.</exception>
    public static IEnumerable<(string Name, string Path)> Files(string repository)
    {
        var left = new Stack<(string Name, string Path)>([("refs", Path.Combine(repository, "refs"))]);
        while (left.TryPop(out var directory))
        {
            foreach (var entry in Entries(directory.Path, directory.Name == "refs"))
            {
                var name = $"{directory.Name}/{entry.Name}";
                if (entry is DirectoryInfo) left.Push((name, entry.FullName));
                else yield return (name, entry.FullName);
            }
        }
    }

    /// <summary>
    /// Takes away the directories that hold nothing, deepest first, but <c>refs/heads</c> and <c>refs/tags</c>. Only while nothing is pushed.
    /// </summary>
    public static void RemoveEmptyDirectories(string repository)
    {
        var refs = Path.Combine(repository, "refs");
        if (!Directory.Exists(refs)) return;
        var found = new List<string>();
        var left = new Stack<string>(Entries(refs, true).OfType<DirectoryInfo>().Select(kind => kind.FullName));
        while (left.TryPop(out var directory))
        {
            foreach (var inner in Entries(directory, false).OfType<DirectoryInfo>())
            {
                found.Add(inner.FullName);
                left.Push(inner.FullName);
            }
        }
        foreach (var directory in Enumerable.Reverse(found))
        {
            try
            {
                if (!Directory.EnumerateFileSystemEntries(directory).Any()) Directory.Delete(directory);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // it holds what can't be read
            }
        }
    }

    private static FileSystemInfo[] Entries(string directory, bool mustBeReadable)
    {
        try
        {
            return new DirectoryInfo(directory).GetFileSystemInfos();
        }
        catch (Exception e) when (!mustBeReadable && e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
