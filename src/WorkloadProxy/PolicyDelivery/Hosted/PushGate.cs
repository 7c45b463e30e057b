using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using WorkloadProxy.Configuration;
using WorkloadProxy.Git;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Hosted.Repositories;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Storage;

namespace WorkloadProxy.PolicyDelivery.Hosted;

/// <summary>
/// Decides on pushes. git's <c>pre-receive</c> asks through the control socket, while what was pushed lies in quarantine: one word against it and git forgets
/// it all.
/// </summary>
internal sealed class PushGate(GitProgram git, HostedRepositories repositories, ReviewPlaces reviews, ProxyOptions options, PolicySetStore sets,
    TimeProvider time, ILogger<PushGate> logger)
{
    /// <summary>The control command that the hook sends.</summary>
    public const string CommandName = "git.pre-receive";
    private const int MaxUpdates = 100;
    private const int MaxCheckedBranches = 5;

    private readonly ConcurrentDictionary<string, PushSession> sessions = new(StringComparer.Ordinal);
    private readonly SignedCommits signatures = new(git);
    private readonly RepositoryQuota quota = new(git, options.Git, logger);

    /// <summary>Until it is disposed, the hook of this push is answered.</summary>
    public IDisposable Open(PushSession session)
    {
        sessions[session.Id] = session;
        return new Closing(this, session.Id);
    }

    /// <summary>What the control socket does for <see cref="CommandName"/>: <c>{push, quarantine, updates}</c> → <c>{accepted, lines}</c>.</summary>
    public async Task<Result<JsonObject>> AnswerAsync(JsonElement arguments, CancellationToken cancellationToken)
    {
        if (Text(arguments, "push") is not { } id || !sessions.TryGetValue(id, out var session))
            return new Failure(ErrorId.Forbidden, "this push is not known to the server");
        if (!arguments.TryGetProperty("updates", out var list) || !RefUpdate.TryReadAll(list, out var updates))
            return new Failure(ErrorId.BadRequest, "the updates are not understood");
        if (!TryReadQuarantine(session.Repository, Text(arguments, "quarantine"), out var quarantine))
            return new Failure(ErrorId.BadRequest, "the quarantine is not one of this repository's");

        return await session.DecideAsync(() => AnswerAsync(session, updates, quarantine, cancellationToken)) is { } answer
            ? answer : new Failure(ErrorId.Forbidden, "this push is over");
    }

    private async Task<JsonObject> AnswerAsync(PushSession session, IReadOnlyList<RefUpdate> updates, string? quarantine, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, session.Ended);
        var text = new GateText();
        var refusal = await DecideAsync(session, updates, quarantine, text, ended.Token);
        if (refusal is not null)
        {
            session.Accepted = null;
            session.Record.Deny($"push refused: {refusal}");
            text.Add($"refused: {refusal}; nothing has changed");
            logger.LogWarning("push to {Context} by {Who} refused: {Reason}", session.Repository.Context, session.Permission.Who, refusal);
            await session.LeaveGateAsync();
        }
        return new JsonObject { ["accepted"] = refusal is null, ["lines"] = new JsonArray([.. text.Lines.Select(line => JsonValue.Create(line))]) };
    }

    /// <summary>Null to accept, else why not.</summary>
    private async Task<string?> DecideAsync(PushSession session, IReadOnlyList<RefUpdate> updates, string? quarantine, GateText text,
        CancellationToken cancellationToken)
    {
        if (updates.Count > MaxUpdates) return $"{updates.Count} refs in one push, expected {MaxUpdates} at most";
        foreach (var update in updates) if (update.Problem() is { } problem) return problem;
        if (RefUpdate.FirstTwice(updates) is { } twice) return $"`{SafeText.Clean(twice, ' ')}` is named twice in one push";
        try
        {
            if (await repositories.EnterAsync(session, cancellationToken) is { } closed) return closed;
            // within the gate, where the wait for others' pushes is over
            if (await session.Permission.AskAgain(cancellationToken) is { } noLonger) return $"the right to push is gone: {noLonger.Message}";
            session.HasDeleted = updates.Any(update => update.New.IsZero);
            if (await quota.ProblemOfAsync(session.Repository, updates, quarantine, cancellationToken) is { } tooMuch) return tooMuch;
            if (session.IsOvertaken && !await quota.IsWholeAsync(session.Repository, updates, quarantine, cancellationToken))
                return "what the push builds on has been deleted meanwhile: fetch, and push again";
            await using var objects = GitObjects.Open(git, session.Repository.Directory, quarantine);
            foreach (var update in updates.Where(update => update is { IsMain: false, Branch: not null, New.IsZero: false }).Take(MaxCheckedBranches))
                await CheckBranchAsync(session, update, objects, text, cancellationToken);
            return updates.FirstOrDefault(update => update.IsMain) is { } main
                ? await DecideMainAsync(session, main, objects, quarantine, text, cancellationToken) : null;
        }
        catch (StoreException e)
        {
            return e.Failure.Message;
        }
        catch (Exception e) when (e is OperationCanceledException or TimeoutException)
        {
            return "the push took too long, or its connection is gone";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            logger.LogError(e, "push to {Context}: the repository can't be read", session.Repository.Context);
            return "the repository can't be read";
        }
    }

    private async Task<string?> DecideMainAsync(PushSession session, RefUpdate update, GitObjects objects, string? quarantine, GateText text,
        CancellationToken cancellationToken)
    {
        var repository = session.Repository;
        if (update.New.IsZero) return "branch `main` can't be deleted: it is the policy in force";
        var (tip, generated) = (repository.Tip, repository.Generated);
        // to a client `main` was not there while it stood at the server's own first commit
        var replacesFirst = tip is not null && tip == generated && (update.Old.IsZero || update.Old == tip);
        if (!replacesFirst && (tip is { } current ? update.Old != current : !update.Old.IsZero)) return "branch `main` has moved since: fetch it first";
        if (!replacesFirst && tip is not null && !await IsAncestorAsync(repository, update.Old, update.New, quarantine, cancellationToken))
            return "branch `main` does not accept force pushes: the new commit does not descend from the one in force";
        if (repository.Options.RequireSignedBy is { } signers
            && await signatures.ProblemOfAsync(repository.Directory, quarantine, update.New, signers, cancellationToken) is { } unsigned)
            return unsigned;

        var before = sets.Current(repository.Context)?.Set;
        var content = await PolicyTreeReader.ReadAsync(objects, update.New, ".", cancellationToken);
        var review = await ReviewAsync(repository, update.New, content, before, cancellationToken);
        text.AddReview(review, asWarnings: false);
        if (review.Accepted is not { } set)
        {
            string?[] problems =
            [
                review.Errors > 0 ? GateText.Count(review.Errors, "error") : null,
                review.FailedTests > 0 ? GateText.Count(review.FailedTests, "failed test") : null,
            ];
            return string.Join(" and ", problems.OfType<string>());
        }

        text.AddChanges(before, set);
        text.Add($"{GateText.Count(set.Roles.Length, "role")}, {(set.Policies.Length == 1 ? "1 policy" : $"{set.Policies.Length} policies")}, "
            + $"{GateText.Count(set.Tests.Length, "test")} passed; {update.New.Short} is in force when this push returns");
        if (replacesFirst && update.Old.IsZero)
        {
            if (await repository.WithdrawGeneratedAsync(tip!.Value, cancellationToken) is { Succeeded: false } failed)
                return $"the first commit could not be replaced: {failed.Problem}";
            session.Withdrawn = tip;
        }
        session.Accepted = review;
        return null;
    }

    /// <summary>The repository's gate lets one push of a context in at a time.</summary>
    private Task<PolicyReview> ReviewAsync(HostedRepository repository, ObjectId commit, PolicyTreeContent content, PolicySet? before,
        CancellationToken cancellationToken)
    {
        var compiling = options.Compiling(repository.Context) with { MaxFiles = options.Git.MaxFiles };
        return reviews.RunAsync(stop => PolicyReview.Of(commit, content, compiling, before, time.GetUtcNow(), stop), cancellationToken);
    }

    private async Task CheckBranchAsync(PushSession session, RefUpdate update, GitObjects objects, GateText text, CancellationToken cancellationToken)
    {
        var before = sets.Current(session.Repository.Context)?.Set;
        var content = await PolicyTreeReader.ReadAsync(objects, update.New, ".", cancellationToken);
        var review = await ReviewAsync(session.Repository, update.New, content, before, cancellationToken);
        text.AddReview(review, asWarnings: true);
        text.Add(review.Accepted is not null
            ? $"branch `{update.Branch}` is stored and decides nothing; merged into `main` it would be accepted"
            : $"branch `{update.Branch}` is stored and decides nothing; merged into `main` it would be refused");
        if (review.Accepted is { } accepted) text.AddChanges(before, accepted);
    }

    private async Task<bool> IsAncestorAsync(HostedRepository repository, ObjectId ancestor, ObjectId commit, string? quarantine,
        CancellationToken cancellationToken) =>
        (await git.RunAsync(new GitCommand("merge-base", "--is-ancestor", "--end-of-options", ancestor.ToString(), commit.ToString())
        { Repository = repository.Directory, Environment = GitObjects.Quarantine(repository.Directory, quarantine) }, cancellationToken)).Succeeded;

    /// <summary>
    /// The hook's word is checked though only the same user can reach the socket. A push that only deletes brings no objects and has no quarantine.
    /// </summary>
    private static bool TryReadQuarantine(HostedRepository repository, string? path, out string? quarantine)
    {
        quarantine = path is null ? null : Path.GetFullPath(path, repository.Directory);
        return quarantine is null || (Path.GetDirectoryName(quarantine) == Path.Combine(repository.Directory, "objects")
            && Path.GetFileName(quarantine).Contains("incoming-", StringComparison.Ordinal));
    }

    private static string? Text(JsonElement arguments, string name) =>
        arguments.ValueKind == JsonValueKind.Object && arguments.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
        ? value.GetString() : null;

    private sealed class Closing(PushGate gate, string id) : IDisposable
    {
        public void Dispose() => gate.sessions.TryRemove(id, out _);
    }
}
