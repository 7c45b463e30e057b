using LibGit2Sharp;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Directories;

namespace WorkloadProxy.Cli.Input;

/// <summary>
/// What of a git tree belongs to its policy set, by the rules of a directory on disk: links inside the tree are followed, one that leads out of it is an error.
/// A submodule's files are in another repository: it is an error where policy files would be looked for, for a rule in it would vanish without a word.
/// </summary>
internal sealed class RevisionTree(Repository repository, Tree root)
{
    private const int MaxFiles = 100_000;
    private const int MaxEntries = 1_000_000;
    private const int MaxLinks = 10_000;
    private const int MaxDepth = 64;
    private const int MaxLinkLength = 4096;
    private const long MaxTreeLength = 16 * 1024 * 1024;
    private const long MaxTotalLength = 512L * 1024 * 1024;

    private readonly List<PolicyFile> files = [];
    private readonly List<Diagnostic> problems = [];
    private int entries, links;
    private long total;

    public RevisionContent Read()
    {
        try
        {
            Visit("", "", root, []);
        }
        catch (TooMuch limit)
        {
            Report("too-many-files", limit.Path, limit.Message, "a policy set has at most 100,000 files");
        }
        files.Sort((a, b) => string.CompareOrdinal(a.Path, b.Path));
        return new(files, [.. problems]);
    }

    private void Visit(string path, string realPath, Tree tree, List<string> above)
    {
        if (above.Contains(realPath)) Report("link-loop", path, "a link leads to a directory above it", "remove the link");
        else if (above.Count > MaxDepth) Report("too-deep", path, $"over {MaxDepth} directories deep", "move its files up");
        else if (LengthOf(tree.Id) is not <= MaxTreeLength)
            Report("unreadable", path.Length == 0 ? "." : path, "the directory is missing from the repository, or has over 16 MiB of names", null);
        else
        {
            above.Add(realPath);
            foreach (var entry in tree) VisitEntry(path, realPath, entry, above);
            above.RemoveAt(above.Count - 1);
        }
    }

    private void VisitEntry(string path, string realPath, TreeEntry entry, List<string> above)
    {
        if (entry.Name[0] == '.' || (path.Length == 0 && !PolicyTree.IsTopLevel(entry.Name))) return;
        var entryPath = path.Length == 0 ? entry.Name : $"{path}/{entry.Name}";
        if (++entries > MaxEntries) throw new TooMuch(entryPath, $"over {MaxEntries} names");
        var isPolicy = (path.Length > 0 || entry.Name == PolicyTree.SetFile) && entry.Name.EndsWith(".hcl", StringComparison.Ordinal);
        var (found, foundPath) = (entry, Join(realPath, entry.Name));
        if (entry.Mode == Mode.SymbolicLink && !TryFollow(entryPath, realPath, entry, isPolicy, out found, out foundPath)) return;
        switch (found.Mode)
        {
            // policy tests are `tests/*.hcl`: a program's tests below them are another matter
            case Mode.Directory when path == "tests" || entryPath == PolicyTree.SetFile:
                return;
            case Mode.Directory:
                Visit(entryPath, foundPath, (Tree)found.Target, above);
                return;
            case Mode.GitLink:
                Report("submodule", entryPath, "a submodule, whose files are in another repository", "commit the files themselves");
                return;
            case Mode.NonExecutableFile or Mode.ExecutableFile or Mode.NonExecutableGroupWritableFile when isPolicy:
                AddFile(entryPath, found);
                return;
        }
    }

    private void AddFile(string path, TreeEntry entry)
    {
        if (files.Count == MaxFiles) throw new TooMuch(path, $"over {MaxFiles} files");
        if (LengthOf(entry.Target.Id) is not { } length)
        {
            Report("unreadable", path, "the file is missing from the repository",
                "a partial clone holds no file that was not needed yet: `git checkout` of the revision fetches it");
            return;
        }
        if (length > HclParser.MaxFileSize)
        {
            Report("file-too-large", path, $"the file has {length} bytes, over the limit of 4 MiB", "split it");
            return;
        }
        if ((total += length) > MaxTotalLength) throw new TooMuch(path, "the files have over 512 MiB together");
        files.Add(new(path, Content((Blob)entry.Target)));
    }

    /// <summary>realpath(3) within the tree; false, reported where it would be a policy file, for a link that leads nowhere or out of the tree.</summary>
    private bool TryFollow(string path, string directory, TreeEntry link, bool isPolicy, out TreeEntry found, out string realPath)
    {
        found = link;
        realPath = Join(directory, link.Name);
        var at = directory;
        var pending = new Stack<string>([link.Name]);
        var isRoot = false;
        for (var followed = 0; pending.TryPop(out var name);)
        {
            if (name is "" or ".") continue;
            if (name == "..")
            {
                if (at.Length == 0) return Leaves(path);
                at = at.LastIndexOf('/') is > 0 and var slash ? at[..slash] : "";
                isRoot = at.Length == 0;
                continue;
            }
            if (root[Join(at, name)] is not { } next) return Broken(path, isPolicy);
            isRoot = false;
            if (next.Mode != Mode.SymbolicLink)
            {
                (at, found) = (Join(at, name), next);
                continue;
            }
            if (++links > MaxLinks) throw new TooMuch(path, $"over {MaxLinks} links");
            if (++followed > 40 || LengthOf(next.Target.Id) is not <= MaxLinkLength) return Broken(path, isPolicy);
            var target = ((Blob)next.Target).GetContentText();
            if (target.StartsWith('/')) return Leaves(path);
            foreach (var part in target.Split('/').Reverse()) pending.Push(part);
        }
        if (isRoot || at.Length == 0)
        {
            Report("link-loop", path, "a link leads to a directory above it", "remove the link");
            return false;
        }
        // a last `..` has left it behind
        found = root[at]!;
        realPath = at;
        return true;
    }

    private bool Leaves(string path)
    {
        Report("link-leaves-directory", path, "a link leads out of the policy directory", "copy what it leads to into the directory");
        return false;
    }

    private bool Broken(string path, bool isPolicy)
    {
        if (isPolicy) Report("broken-link", path, "a link leads nowhere", "remove the link, or put its target back");
        return false;
    }

    private long? LengthOf(LibGit2Sharp.ObjectId id)
    {
        try
        {
            return repository.ObjectDatabase.RetrieveObjectMetadata(id)?.Size;
        }
        catch (NotFoundException)
        {
            return null;
        }
    }

    private static byte[] Content(Blob blob)
    {
        using var stream = blob.GetContentStream();
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }

    private static string Join(string directory, string name) => directory.Length == 0 ? name : $"{directory}/{name}";

    private void Report(string code, string path, string summary, string? help) => problems.Add(PolicyDirectoryReader.Problem(code, path, summary, help));

    private sealed class TooMuch(string path, string message) : Exception(message)
    {
        public string Path => path;
    }
}
