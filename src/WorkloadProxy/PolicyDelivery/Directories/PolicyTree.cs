using WorkloadProxy.Hcl;

namespace WorkloadProxy.PolicyDelivery.Directories;

/// <summary>
/// What of a directory belongs to its policy set: <c>*.hcl</c> under <c>policies/</c>, <c>tests/</c> and the top-level directories whose names end in
/// <c>roles</c>. Names that begin with <c>.</c> are skipped, links inside the directory followed.
/// </summary>
internal sealed class PolicyTree
{
    private const int MaxFiles = 100_000;
    private const int MaxEntries = 1_000_000;
    // links cost many calls each, and a few of them can stand for very many paths
    private const int MaxLinks = 10_000;
    private const int MaxDepth = 64;
    private static readonly EnumerationOptions everything = new() { AttributesToSkip = 0, IgnoreInaccessible = false, ReturnSpecialDirectories = false };
    private readonly string root;
    private readonly List<PolicyTreeFile> files = [];
    private readonly List<string> directories = [];
    private readonly List<Diagnostic> problems = [];
    private int entries, links;

    private PolicyTree(string root) => this.root = root;

    /// <summary>By path, ordinal.</summary>
    public IReadOnlyList<PolicyTreeFile> Files => files;

    /// <summary>The real paths of <c>policies/</c>, <c>roles/</c> and so on: what is worth watching.</summary>
    public IReadOnlyList<string> Directories => directories;

    public IReadOnlyList<Diagnostic> Problems => problems;

    /// <summary>Where a file stands in the directory, by the names of links where there are any.</summary>
    public string PathOf(PolicyTreeFile file) => Path.Combine(root, file.Path);

    public static PolicyTree List(string directory)
    {
        var root = Directory.Exists(directory) ? RealPath.Resolve(Path.GetFullPath(directory)) : null;
        var tree = new PolicyTree(root ?? directory);
        if (root is null)
        {
            var found = File.Exists(directory) ? "is a file" : "does not exist";
            tree.Report("missing-directory", ".", $"`{directory}` {found}, expected a directory", "give the directory that holds `policies/` and `roles/`");
            return tree;
        }
        try
        {
            tree.Visit("", root, [root], IsTopLevel);
        }
        catch (TooMuch limit)
        {
            tree.Report("too-many-files", limit.Path, $"over {MaxFiles} files, {MaxEntries} names or {MaxLinks} links",
                "a policy set has at most 100,000 files");
        }
        tree.files.Sort((a, b) => string.CompareOrdinal(a.Path, b.Path));
        return tree;
    }

    /// <summary>The one policy file at the root of a set.</summary>
    public const string SetFile = "set.hcl";

    /// <summary>Whether a directory or file of this name at the top belongs to a set.</summary>
    public static bool IsTopLevel(string name) => name is "policies" or "tests" or SetFile || name.EndsWith("roles", StringComparison.Ordinal);

    private void Visit(string path, string realPath, List<string> above, Func<string, bool>? wanted)
    {
        foreach (var entry in Entries(path, realPath))
        {
            if (entry.Name[0] == '.' || wanted?.Invoke(entry.Name) == false) continue;
            var entryPath = path.Length == 0 ? entry.Name : $"{path}/{entry.Name}";
            if (++entries > MaxEntries) throw new TooMuch(entryPath);

            var isPolicy = (path.Length > 0 || entry.Name == SetFile) && entry.Name.EndsWith(".hcl", StringComparison.Ordinal);
            var found = (entry.Attributes & FileAttributes.ReparsePoint) == 0 ? entry : Follow(entry, entryPath, isPolicy);
            // policy tests are `tests/*.hcl`: a program's tests below are none of ours
            if (found is DirectoryInfo && path == "tests") continue;
            if (found is DirectoryInfo && entryPath != SetFile) VisitDirectory(entryPath, found.FullName, above);
            else if (found is FileInfo file && isPolicy) AddFile(entryPath, file);
        }
    }

    private void VisitDirectory(string path, string realPath, List<string> above)
    {
        if (above.Contains(realPath))
        {
            Report("link-loop", path, "a link leads to a directory above it", "remove the link");
            return;
        }
        if (above.Count > MaxDepth)
        {
            Report("too-deep", path, $"over {MaxDepth} directories deep", "move its files up");
            return;
        }
        if (above.Count == 1) directories.Add(realPath);
        above.Add(realPath);
        Visit(path, realPath, above, null);
        above.RemoveAt(above.Count - 1);
    }

    private void AddFile(string path, FileInfo file)
    {
        if (files.Count == MaxFiles) throw new TooMuch(path);
        try
        {
            files.Add(new(path, file.FullName, file.Length, file.LastWriteTimeUtc.Ticks, file.CreationTimeUtc.Ticks));
        }
        catch (IOException)
        {
            // gone since it was listed
        }
    }

    /// <summary>What a link leads to, or null if that is of no use; reported when the link stands for a policy file or a directory.</summary>
    private FileSystemInfo? Follow(FileSystemInfo link, string path, bool isPolicy)
    {
        if (++links > MaxLinks) throw new TooMuch(path);
        var target = RealPath.Resolve(link.FullName);
        if (target is null)
        {
            if (isPolicy) Report("broken-link", path, "a link leads nowhere", "remove the link, or put its target back");
            return null;
        }
        var isDirectory = Directory.Exists(target);
        if (!isDirectory && !isPolicy) return null;
        if (RealPath.IsInside(root, target)) return isDirectory ? new DirectoryInfo(target) : new FileInfo(target);
        Report("link-leaves-directory", path, "a link leads out of the policy directory", "copy what it leads to into the directory");
        return null;
    }

    private List<FileSystemInfo> Entries(string path, string realPath)
    {
        try
        {
            var found = new List<FileSystemInfo>();
            foreach (var entry in new DirectoryInfo(realPath).EnumerateFileSystemInfos("*", everything))
            {
                if (found.Count > MaxEntries) throw new TooMuch(path);
                found.Add(entry);
            }
            found.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
            return found;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Report("unreadable", path.Length == 0 ? "." : path, "the directory can't be read", "give the proxy's user the right to read it");
            return [];
        }
    }

    private void Report(string code, string path, string summary, string? help) => problems.Add(PolicyDirectoryReader.Problem(code, path, summary, help));

    private sealed class TooMuch(string path) : Exception
    {
        public string Path => path;
    }
}

/// <summary>A file as it was listed, unopened. Equal lists hold equal files, as far as can be told without reading them.</summary>
internal sealed record PolicyTreeFile(string Path, string RealPath, long Length, long Written, long Created);
