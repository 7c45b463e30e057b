using System.Globalization;
using WorkloadProxy.Configuration;
using WorkloadProxy.Git;

namespace WorkloadProxy.PolicyDelivery.Hosted.Repositories;

/// <summary>
/// What one hosted repository may take: bytes on the disk, and branches and tags. What no ref reaches is thrown away before a push is refused for want of
/// space, and every fifty packs. Only within the repository's gate.
/// </summary>
internal sealed class RepositoryQuota(GitProgram git, GitOptions options, ILogger logger)
{
    private const int PacksBeforeCleaning = 50;
    // of what is large, each comparison costs: 200 MB take a second without, ten with it, and more with all compared anew
    private const string WithoutComparison = "--window=0";
    private const string WithComparison = "--window=10";
    private const string AllComparedAnew = "-f";

    /// <summary>Null when there is room for the push, else why not. One that only deletes always has room.</summary>
    public async Task<string?> ProblemOfAsync(HostedRepository repository, IReadOnlyList<RefUpdate> updates, string? quarantine,
        CancellationToken cancellationToken)
    {
        var names = RefFile.BranchesAndTags(repository.Directory);
        var before = names.Count;
        foreach (var update in updates) _ = update.New.IsZero ? names.Remove(update.Name) : names.Add(update.Name);
        if (names.Count > before && names.Count > options.MaxRefs)
            return $"the repository would have {names.Count} branches and tags, at most {options.MaxRefs} are stored (`Git:MaxRefs`): delete some that are not "
                + "needed any more (`git push --delete REMOTE NAME`)";

        if (quarantine is null) return null;
        var pushed = GitProgram.SizeOf(quarantine);
        var size = repository.Size();
        if (size + pushed <= options.MaxRepositorySize) return null;
        // what has not changed since has nothing more to give
        foreach (var deltas in size == repository.CleanSize ? [] : new[] { WithoutComparison, AllComparedAnew })
        {
            await CleanAsync(repository, deltas, cancellationToken);
            size = repository.Size();
            if (size + pushed <= options.MaxRepositorySize) return null;
        }
        return $"the repository would have {Megabytes(size + pushed)}, at most {Megabytes(options.MaxRepositorySize)} are stored (`Git:MaxRepositorySize`): "
            + "delete branches and tags that are not needed any more (`git push --delete REMOTE NAME`)";
    }

    /// <summary>Whether all that the new commits consist of is there: what the push was compared with may have been thrown away since.</summary>
    public async Task<bool> IsWholeAsync(HostedRepository repository, IReadOnlyList<RefUpdate> updates, string? quarantine, CancellationToken cancellationToken)
    {
        var ids = updates.Where(update => !update.New.IsZero).Select(update => update.New.ToString()).Distinct().ToList();
        return ids.Count == 0 || (await git.RunAsync(new GitCommand(["rev-list", "--objects", "--quiet", .. ids, "--not", "--all"])
        { Repository = repository.Directory, Environment = GitObjects.Quarantine(repository.Directory, quarantine) }, cancellationToken)).Succeeded;
    }

    /// <summary>After a push: each is a pack of its own, and a deleted branch's objects are of no more use.</summary>
    public async Task TidyAsync(HostedRepository repository, bool hasDeleted)
    {
        try
        {
            var packs = Directory.GetFiles(Path.Combine(repository.Directory, "objects", "pack"), "*.pack").Length;
            if (packs < PacksBeforeCleaning && !hasDeleted) return;
            var size = repository.Size();
            if (packs >= PacksBeforeCleaning || size > options.MaxRepositorySize / 2)
                await CleanAsync(repository, size > options.MaxSize ? WithoutComparison : WithComparison, CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // the push is in all the same
            logger.LogWarning("repository of {Context} could not be repacked: {Reason}", repository.Context, e.Message);
        }
    }

    private async Task CleanAsync(HostedRepository repository, string deltas, CancellationToken cancellationToken)
    {
        try
        {
            var cleaned = await git.RunAsync(new GitCommand("repack", "-a", "-d", "-n", "-q", deltas) { Repository = repository.Directory }, cancellationToken);
            // other pushes' quarantines look like leftovers to it: none is as old as `Git:Timeout` can be
            if (cleaned.Succeeded)
                cleaned = await git.RunAsync(new GitCommand("prune", "--expire=2.hours.ago") { Repository = repository.Directory }, cancellationToken);
            if (!cleaned.Succeeded) logger.LogWarning("repository of {Context} could not be repacked: {Reason}", repository.Context, cleaned.Problem);
        }
        finally
        {
            repository.RemoveLeftovers();
            repository.NoteCleaned(isThorough: deltas == AllComparedAnew);
        }
    }

    private static string Megabytes(long bytes) => $"{(bytes / 1e6).ToString("0.0", CultureInfo.InvariantCulture)} MB";
}
