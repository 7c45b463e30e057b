using System.Buffers.Binary;
using System.Text;
using WorkloadProxy.Git;
using WorkloadProxy.Storage;

namespace WorkloadProxy.PolicyDelivery.Hosted.Repositories;

/// <summary>
/// The disk's copy of a repository whose truth is the store. A server trusts only what it has copied itself since its start: a copy that was left behind,
/// whatever has become of it, is recreated. All of it only within the repository's gate.
/// </summary>
internal sealed class RepositoryCopy(GitProgram git, RepositoryStore store, ILogger logger)
{
    private const int MaxPack = 1024 * 1024 * 1024;

    /// <summary>Whether a copy may be used on; one that is doubted is looked through.</summary>
    public async Task<bool> IsWholeAsync(HostedRepository repository, CancellationToken cancellationToken)
    {
        if (!repository.IsDoubted) return true;
        var result = await git.RunAsync(new GitCommand("fsck", "--full", "--no-dangling", "--no-progress") { Repository = repository.Directory },
            cancellationToken);
        repository.Trust();
        if (!result.Succeeded) logger.LogError("the copy of {Context} on this disk is damaged, and is recreated: {Reason}", repository.Context, result.Problem);
        return result.Succeeded;
    }

    /// <summary>Adds what came since to a copy of this server's; null, or why that can't be.</summary>
    /// <exception cref="StoreException">The store can't be reached.</exception>
    public async Task<string?> CatchUpAsync(HostedRepository repository, CancellationToken cancellationToken)
    {
        if (repository.Copied is not { } known || !repository.Exists) return "there is no copy";
        repository.Copied = null;
        try
        {
            var (state, problem) = await ApplyAsync(repository, repository.Directory, known.Version, cancellationToken);
            if (problem is null) repository.Copied = state;
            return problem;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    /// <summary>Makes the copy from nothing; null when it is there, else why not.</summary>
    /// <exception cref="StoreException">The store can't be reached.</exception>
    public async Task<string?> RebuildAsync(HostedRepository repository, RepositoryState current, CancellationToken cancellationToken)
    {
        repository.Copied = null;
        var format = current.List.Items.Select(item => item.Id).FirstOrDefault().RawLength == 32 ? "sha256" : "sha1";
        var draft = repository.Draft;
        if (Directory.Exists(draft)) Directory.Delete(draft, recursive: true);
        if (await repository.InitAsync(draft, format, cancellationToken) is { Succeeded: false } failed) return failed.Problem;
        var (state, problem) = await ApplyAsync(repository, draft, 0, cancellationToken);
        if (problem is not null) return problem;
        HostedRepository.MarkAsCopy(draft);
        if (repository.Replace(draft) is { } kept)
            logger.LogWarning("the repository of {Context} on this disk is not the store's; it was kept as {Directory}", repository.Context, kept);
        repository.Copied = state;
        return null;
    }

    /// <summary>
    /// Puts the refs back to where the store has them, after a change that was not written; a copy that can't be put right is recreated at the next use.
    /// </summary>
    public async Task PutBackAsync(HostedRepository repository, RefList refs)
    {
        var known = repository.Copied;
        repository.Copied = null;
        try
        {
            repository.RemoveLeftovers();
            if (await SetRefsAsync(repository.Directory, refs, CancellationToken.None) is null) repository.Copied = known;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            logger.LogWarning("the copy of {Context} on this disk can't be restored: {Reason}", repository.Context, e.Message);
        }
    }

    /// <summary>The objects of <paramref name="refs"/> that <paramref name="before"/> does not lead to, in one pack; empty when there are none.</summary>
    public async Task<GitResult> PackAsync(HostedRepository repository, RefList refs, RefList before, CancellationToken cancellationToken)
    {
        var input = string.Concat(refs.Items.Select(item => $"{item.Id}\n").Concat(before.Items.Select(item => $"^{item.Id}\n")));
        var result = await git.RunAsync(new GitCommand("pack-objects", "--revs", "--stdout", "--quiet", "--delta-base-offset")
        { Repository = repository.Directory, Input = Encoding.ASCII.GetBytes(input), MaxOutput = MaxPack }, cancellationToken);
        // "PACK", version, number of objects
        return result.Succeeded && result.Output is { Length: >= 12 } pack && BinaryPrimitives.ReadUInt32BigEndian(pack.AsSpan(8)) == 0
            ? result with { Output = [] } : result;
    }

    private async Task<(RepositoryState? State, string? Problem)> ApplyAsync(HostedRepository repository, string directory, long since,
        CancellationToken cancellationToken)
    {
        string? problem = null;
        var state = await store.FetchAsync(repository.Context, since, async pack => problem ??= await IndexAsync(directory, pack, cancellationToken),
            cancellationToken);
        if (state is null) return (null, "the store no longer has the repository");
        problem ??= await SetRefsAsync(directory, state.List, cancellationToken);
        return (state, problem);
    }

    /// <summary>Checked as a push is: every object by itself, and that nothing is missing between them.</summary>
    private async Task<string?> IndexAsync(string directory, byte[] pack, CancellationToken cancellationToken)
    {
        var result = await git.RunAsync(new GitCommand("index-pack", "--stdin",
            $"--strict={string.Join(',', GitSettings.HarmlessFlaws.Select(flaw => flaw + "=ignore"))}") { Repository = directory, Input = pack },
            cancellationToken);
        return result.Succeeded ? null : result.Problem;
    }

    private async Task<string?> SetRefsAsync(string directory, RefList refs, CancellationToken cancellationToken)
    {
        var (deletions, updates) = refs.ChangesFrom(RefList.Read(directory));
        foreach (var lines in new[] { deletions, updates }.Where(lines => lines.Length > 0))
        {
            var result = await git.RunAsync(new GitCommand("update-ref", "--no-deref", "--stdin", "-z")
                { Repository = directory, Input = Encoding.UTF8.GetBytes(lines) }, cancellationToken);
            if (!result.Succeeded) return result.Problem;
        }
        return RefList.Read(directory) == refs ? null : "the refs are not those of the store";
    }
}
