using System.Collections.Immutable;
using System.Text;
using System.Text.Unicode;
using WorkloadProxy.Git;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;

namespace WorkloadProxy.PolicyDelivery.Publishing;

/// <summary>What of a commit belongs to its policy set, in the order of its paths, and what was found on the way.</summary>
internal sealed record PolicyTreeContent(IReadOnlyList<PolicyFile> Files, ImmutableArray<Diagnostic> Diagnostics);

/// <summary>
/// Reads the policy files of a commit. Nothing is checked out: no filter, attribute, link or submodule is ever acted on. Only the directories that hold
/// policy are entered; a tree that names itself a thousand times over ends at a limit.
/// </summary>
internal sealed class PolicyTreeReader
{
    private const int MaxFiles = 100_000;
    private const int MaxEntries = 200_000;
    private const int MaxDepth = 64;
    private const long MaxTreeLength = 16 * 1024 * 1024;
    private const long MaxTotalLength = 64 * 1024 * 1024;

    private readonly GitObjects objects;
    private readonly List<(string Path, ObjectId Id)> blobs = [];
    private readonly List<Diagnostic> diagnostics = [];
    private readonly Dictionary<string, string> names = new(StringComparer.OrdinalIgnoreCase);
    private int entries;

    private PolicyTreeReader(GitObjects objects) => this.objects = objects;

    /// <summary><paramref name="directory"/> is the part of the tree that is the source, <c>.</c> for all of it.</summary>
    /// <exception cref="IOException">git does not answer as it should.</exception>
    public static async Task<PolicyTreeContent> ReadAsync(GitObjects objects, ObjectId commit, string directory, CancellationToken cancellationToken)
    {
        var reader = new PolicyTreeReader(objects);
        var files = await reader.ReadAsync(commit, directory, cancellationToken);
        return new PolicyTreeContent(files, [.. reader.diagnostics]);
    }

    private async Task<IReadOnlyList<PolicyFile>> ReadAsync(ObjectId commit, string directory, CancellationToken cancellationToken)
    {
        if (await RootOfAsync(commit, cancellationToken) is not { } root) return Refuse("not-a-commit", ".", $"`{commit}` is not a commit", null);
        foreach (var name in directory.Split('/').Where(name => name is not ("" or ".")))
        {
            var entry = (await TreeAsync(root, ".", cancellationToken)).FirstOrDefault(entry => entry.IsDirectory && entry.Name == name);
            if (entry is null)
                return Refuse("missing-directory", ".", $"the commit has no directory `{directory}`",
                    "set `Git:Path` to the directory that holds `policies/` and `roles/`");
            root = entry.Id;
        }
        var level = (await TreeAsync(root, ".", cancellationToken)).Where(entry => IsPolicyDirectory(entry.Name))
            .Select(entry => (Path: entry.Name, Entry: entry)).ToList();
        for (var depth = 1; level.Count > 0; depth++)
        {
            var next = new List<(string Path, TreeEntry Entry)>();
            foreach (var (path, entry) in level)
            {
                if (!Visit(path, entry)) continue;
                if (depth > MaxDepth) return Refuse("too-deep", path, $"over {MaxDepth} directories deep", "move its files up");
                next.AddRange((await TreeAsync(entry.Id, path, cancellationToken)).Where(inner => !inner.Name.StartsWith('.'))
                    .Select(inner => ($"{path}/{inner.Name}", inner)));
                if (entries > MaxEntries || blobs.Count > MaxFiles)
                    return Refuse("too-many-files", path, $"over {MaxFiles} files or {MaxEntries} names", "a policy set has at most 100,000 files");
            }
            level = next;
        }
        return await ContentsAsync(cancellationToken);
    }

    private static bool IsPolicyDirectory(string name) =>
        !name.StartsWith('.') && (name is "policies" or "tests" or "set.hcl" || name.EndsWith("roles", StringComparison.Ordinal));

    /// <summary>Notes a file; true for a directory to go into.</summary>
    private bool Visit(string path, TreeEntry entry)
    {
        if (entry.IsDirectory) return true;
        if (entry.IsFile && path.EndsWith(".hcl", StringComparison.Ordinal) && (path.Contains('/') || path == "set.hcl")) blobs.Add((path, entry.Id));
        else if (entry.IsLink)
            Report(DiagnosticSeverity.Warning, "link-not-followed", path, "a symbolic link, which is not followed", "commit the file itself");
        else if (entry.IsSubmodule)
            Report(DiagnosticSeverity.Warning, "submodule-not-followed", path, "a submodule, which is not followed", "commit the files themselves");
        // a rule in it would vanish without a word
        else if (!entry.IsFile)
            Report(DiagnosticSeverity.Error, "unreadable", path, $"mode `{entry.Mode}` is neither a file's nor a directory's",
                "commit it again as an ordinary file");
        return false;
    }

    private async Task<ObjectId?> RootOfAsync(ObjectId commit, CancellationToken cancellationToken)
    {
        if ((await objects.InfoAsync([commit], cancellationToken))[0] is not { Type: "commit", Size: <= MaxTreeLength }) return null;
        var text = (await objects.ReadAsync([commit], cancellationToken))[0];
        var end = text.AsSpan().IndexOf((byte)'\n');
        return end > 5 && text.AsSpan().StartsWith("tree "u8) && ObjectId.TryParse(Encoding.ASCII.GetString(text, 5, end - 5), out var tree) ? tree : null;
    }

    private async Task<IReadOnlyList<TreeEntry>> TreeAsync(ObjectId id, string path, CancellationToken cancellationToken)
    {
        if ((await objects.InfoAsync([id], cancellationToken))[0] is not { Type: "tree" } info || info.Size > MaxTreeLength)
        {
            Report(DiagnosticSeverity.Error, "unreadable", path, "the directory is missing from the repository, or has over 16 MiB of names", null);
            return [];
        }
        var found = TreeEntry.Parse((await objects.ReadAsync([id], cancellationToken))[0], id.RawLength);
        entries += found.Count;
        foreach (var entry in found.Where(entry => entry.Name.Length == 0))
            Report(DiagnosticSeverity.Error, "bad-name", path,
                "a name in this directory is not UTF-8, or holds a control character or one that turns the reading direction", null);
        return found;
    }

    private async Task<IReadOnlyList<PolicyFile>> ContentsAsync(CancellationToken cancellationToken)
    {
        blobs.Sort((a, b) => string.CompareOrdinal(a.Path, b.Path));
        var infos = await objects.InfoAsync([.. blobs.Select(blob => blob.Id)], cancellationToken);
        var total = 0L;
        for (var i = 0; i < infos.Length; i++)
        {
            if (infos[i] is not { Type: "blob" } info) return Refuse("unreadable", blobs[i].Path, "the file is missing from the repository", null);
            if (info.Size > HclParser.MaxFileSize)
                return Refuse("file-too-large", blobs[i].Path, $"the file has {info.Size} bytes, over the limit of 4 MiB", "split it");
            if ((total += info.Size) > MaxTotalLength) return Refuse("too-many-files", blobs[i].Path, "the files have over 64 MiB together", null);
        }
        foreach (var (path, _) in blobs) WarnOfTwin(path);
        var contents = await objects.ReadAsync([.. blobs.Select(blob => blob.Id)], cancellationToken);
        return [.. blobs.Select((blob, i) => new PolicyFile(blob.Path, contents[i]))];
    }

    // Two files to git and to us, one file in the checkout of whoever reviews on macOS or Windows.
    private void WarnOfTwin(string path)
    {
        if (names.TryAdd(path, path)) return;
        Report(DiagnosticSeverity.Warning, "case-twins", path, $"the name differs from `{names[path]}` in letter case only",
            "rename one: some systems would check out only one of them");
    }

    private PolicyFile[] Refuse(string code, string path, string summary, string? help)
    {
        Report(DiagnosticSeverity.Error, code, path, summary, help);
        return [];
    }

    private void Report(DiagnosticSeverity severity, string code, string path, string summary, string? help)
    {
        var start = new SourcePosition(0, 1, 1);
        diagnostics.Add(new Diagnostic(severity, code, summary, help, new SourceRange(path, start, start)));
    }

    /// <summary>An entry of a tree; its name is empty where it is not UTF-8 or holds what would steer a terminal.</summary>
    private sealed record TreeEntry(string Mode, string Name, ObjectId Id)
    {
        public bool IsDirectory => Mode == "40000";
        public bool IsFile => Mode is "100644" or "100755" or "100664";
        public bool IsLink => Mode == "120000";
        public bool IsSubmodule => Mode == "160000";

        /// <summary><c>&lt;mode&gt; SP &lt;name&gt; NUL &lt;raw id&gt;</c>, repeated.</summary>
        public static List<TreeEntry> Parse(ReadOnlySpan<byte> tree, int rawLength)
        {
            var found = new List<TreeEntry>();
            while (!tree.IsEmpty)
            {
                var space = tree.IndexOf((byte)' ');
                var end = tree.IndexOf((byte)0);
                if (space is < 5 or > 7 || end <= space || tree.Length < end + 1 + rawLength) throw new IOException("a tree object is malformed");
                found.Add(new TreeEntry(Encoding.ASCII.GetString(tree[..space].TrimStart((byte)'0')), Decode(tree[(space + 1)..end]),
                    ObjectId.FromRaw(tree.Slice(end + 1, rawLength))));
                tree = tree[(end + 1 + rawLength)..];
            }
            return found;
        }

        private static string Decode(ReadOnlySpan<byte> name)
        {
            if (!Utf8.IsValid(name)) return "";
            var text = Encoding.UTF8.GetString(name);
            return text is "." or ".." || text.Any(c => SafeText.Steers(c) || c == '/') ? "" : text;
        }
    }
}
