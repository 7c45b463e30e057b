using System.Diagnostics.CodeAnalysis;
using LibGit2Sharp;
using WorkloadProxy.PolicyDelivery.Directories;

namespace WorkloadProxy.Cli.Input;

/// <summary>
/// A directory as it is in a revision of the git repository that contains it: read from the object store, with no checkout and without the git program.
/// </summary>
internal static class Revision
{
    // It keeps programs from acting on another user's repository, whose configuration may name commands. Here objects are read and nothing of the configuration
    // is acted on, and in the containers of CI the clone often belongs to another user.
    static Revision() => GlobalSettings.SetOwnerValidation(false);

    /// <summary>
    /// False, with the reason, where there is no repository, no such revision, or no such directory in it. What is wrong with single files is among the
    /// content's problems.
    /// </summary>
    public static bool TryRead(string directory, string revision, [NotNullWhen(true)] out RevisionContent? content, [NotNullWhen(false)] out string? error)
    {
        content = null;
        try
        {
            if (!TryOpen(directory, out var repository, out var prefix, out error)) return false;
            using (repository)
            {
                if (!TryFind(repository, revision, out var found, out error)) return false;
                if (Below(found, prefix) is not { } tree)
                {
                    error = $"revision `{revision}` has no directory `{prefix}`";
                    return false;
                }
                content = new RevisionTree(repository, tree).Read();
                return true;
            }
        }
        catch (LibGit2SharpException e)
        {
            error = $"the git repository of `{directory}` can't be read: {Sentence(e.Message)}";
            return false;
        }
    }

    /// <summary>Where the histories of both parted: what <c>A...B</c> compares with.</summary>
    public static bool TryMergeBase(string directory, string one, string another, [NotNullWhen(true)] out string? commit,
        [NotNullWhen(false)] out string? error)
    {
        commit = null;
        try
        {
            if (!TryOpen(directory, out var repository, out _, out error)) return false;
            using (repository)
            {
                if (!TryFindCommit(repository, one, out var first, out error) || !TryFindCommit(repository, another, out var second, out error)) return false;
                commit = repository.ObjectDatabase.FindMergeBase(first, second)?.Sha;
                error = commit is null ? $"`{one}` and `{another}` have no commit in common" : null;
                return commit is not null;
            }
        }
        catch (LibGit2SharpException e)
        {
            error = $"the git repository of `{directory}` can't be read: {Sentence(e.Message)}";
            return false;
        }
    }

    private static bool TryOpen(string directory, [NotNullWhen(true)] out Repository? repository, out string prefix, [NotNullWhen(false)] out string? error)
    {
        (repository, prefix, error) = (null, "", null);
        if (directory.Length == 0)
        {
            error = "the name of the directory is empty";
            return false;
        }
        // a directory that has gone since may still be in the revision
        var missing = "";
        var existing = Path.GetFullPath(directory);
        while (!Directory.Exists(existing) && Path.GetDirectoryName(existing) is { } parent)
        {
            missing = Path.GetFileName(existing) + "/" + missing;
            existing = parent;
        }
        existing = RealPath.Resolve(existing) ?? existing;
        if (Repository.Discover(existing) is not { } found)
        {
            error = $"`{directory}` is not in a git repository";
            return false;
        }
        repository = new Repository(found);
        var top = repository.Info.WorkingDirectory is { } work ? RealPath.Resolve(work) : null;
        var inside = top is null ? "" : Path.GetRelativePath(top, existing).Replace('\\', '/');
        prefix = $"{(inside == "." ? "" : inside)}/{missing}".Trim('/');
        return true;
    }

    private static bool TryFind(Repository repository, string revision, [NotNullWhen(true)] out Tree? tree, [NotNullWhen(false)] out string? error)
    {
        tree = null;
        if (!TryLookup(repository, revision, out var found, out error)) return false;
        tree = Peel(found) switch { Tree whole => whole, Commit commit => commit.Tree, _ => null };
        error = tree is null ? $"`{revision}` is not a commit" : null;
        return tree is not null;
    }

    private static bool TryFindCommit(Repository repository, string revision, [NotNullWhen(true)] out Commit? commit, [NotNullWhen(false)] out string? error)
    {
        commit = null;
        if (!TryLookup(repository, revision, out var found, out error)) return false;
        commit = Peel(found) as Commit;
        error = commit is null ? $"`{revision}` is not a commit" : null;
        return commit is not null;
    }

    private static bool TryLookup(Repository repository, string revision, [NotNullWhen(true)] out GitObject? found, [NotNullWhen(false)] out string? error)
    {
        (found, error) = (null, null);
        try
        {
            found = revision.Length == 0 ? null : repository.Lookup(revision);
        }
        catch (AmbiguousSpecificationException)
        {
            error = $"revision `{revision}` is ambiguous: more than one object's name begins so";
            return false;
        }
        // text that is malformed as a revision names none
        catch (Exception e) when (e is InvalidSpecificationException or NotFoundException or UnbornBranchException)
        {
        }
        if (found is null)
            error = $"no such revision: `{revision}`{(repository.Info.IsShallow ? " (the clone is shallow: `git fetch --unshallow` brings the rest)" : "")}";
        return found is not null;
    }

    private static GitObject Peel(GitObject found)
    {
        while (found is TagAnnotation tag) found = tag.Target;
        return found;
    }

    private static Tree? Below(Tree root, string prefix) =>
        prefix.Length == 0 ? root : root[prefix] is { TargetType: TreeEntryTargetType.Tree } entry ? (Tree)entry.Target : null;

    private static string Sentence(string message)
    {
        var text = message.TrimEnd('.', '\n').Replace('\'', '`');
        return text.Length == 0 ? "unknown error" : char.ToLowerInvariant(text[0]) + text[1..];
    }
}
