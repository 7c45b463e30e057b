namespace WorkloadProxy.PolicyDelivery.Directories;

/// <summary>realpath(3): every symbolic link on the way is followed. <c>ResolveLinkTarget</c> follows the last name's only.</summary>
internal static class RealPath
{
    private const int MaxLinks = 40;

    /// <summary>The path without links, or null for a link that leads nowhere or in a circle.</summary>
    public static string? Resolve(string path)
    {
        var root = Path.GetPathRoot(path)!;
        var result = root;
        var pending = new Stack<string>();
        Push(path[root.Length..]);
        for (var links = 0; pending.TryPop(out var name);)
        {
            if (name is "" or ".") continue;
            if (name == "..")
            {
                result = Path.GetDirectoryName(result) ?? root;
                continue;
            }
            var next = Path.Combine(result, name);
            if (new FileInfo(next).LinkTarget is not { } target)
            {
                result = next;
                continue;
            }
            if (++links > MaxLinks) return null;
            if (Path.IsPathRooted(target))
            {
                result = Path.GetPathRoot(target)!;
                target = target[result.Length..];
            }
            Push(target);
        }
        return Path.Exists(result) ? result : null;

        void Push(string names)
        {
            foreach (var name in names.Split(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar).Reverse()) pending.Push(name);
        }
    }

    public static bool IsInside(string directory, string path) =>
        path == directory || (path.StartsWith(directory, StringComparison.Ordinal)
            && (directory.EndsWith(Path.DirectorySeparatorChar) || path[directory.Length] == Path.DirectorySeparatorChar));
}
