using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using WorkloadProxy.Configuration;
using WorkloadProxy.Git;
using WorkloadProxy.PolicyDelivery.Hosted;
using WorkloadProxy.PolicyDelivery.Hosted.Repositories;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Storage;
using WorkloadProxy.Tests.Serving;
using WorkloadProxy.Tests.Storage;

namespace WorkloadProxy.Tests.GitHosting;

/// <summary>A push that git has checked already, and that waits at the gate while another one has the repository cleaned.</summary>
public sealed class OvertakenPushTests
{
    [Theory]
    [InlineData(false, "branch `again` is stored and decides nothing; merged into `main` it would be accepted")]
    [InlineData(true, "refused: what the push builds on has been deleted meanwhile: fetch, and push again; nothing has changed")]
    public async Task A_push_that_builds_on_what_was_thrown_away_meanwhile_is_refused(bool isThrownAway, string expected)
    {
        using var data = new TestStore();
        using var client = await GitClient.InitAsync();
        // so small that a deletion is reason enough to clean
        var options = data.Options with { Git = new GitOptions { MaxRepositorySize = 1_000_000 } };
        var directories = new GitDirectories(data.Path);
        directories.Prepare();
        var git = new GitProgram(directories, options.Git, TimeProvider.System);
        var repository = new HostedRepository(TestProxy.DigitalOcean, new HostedGitOptions(), git, TimeProvider.System);
        Assert.Null(await repository.CreateAsync(asCopy: false, TestContext.Current.CancellationToken));
        var noise = new byte[600_000];
        new Random(1).NextBytes(noise);
        await File.WriteAllBytesAsync(Path.Combine(client.WorkTree, "noise"), noise, TestContext.Current.CancellationToken);
        var commit = await client.CommitAsync();
        await client.RunAsync("push", "--quiet", repository.Directory, "main:other");
        // as over HTTP, where a push stays a pack
        Assert.True((await client.RunInAsync(repository.Directory, null, "repack", "-adq")).Succeeded);
        var waiting = new PushSession(repository, new RequestRecord { Time = default, Started = 0 },
            new GitPermission(TestProxy.DigitalOcean, "somebody", _ => Task.FromResult<Failure?>(null)), CancellationToken.None);
        using var store = await data.OpenAsync();
        var (sets, changes) = (new PolicySetStore(), new StoreChanges(store.Database, TimeProvider.System, NullLogger<StoreChanges>.Instance));
        var repositories = new HostedRepositories(git, null, changes, options, sets, new PolicySnapshotStore(store.Database), TimeProvider.System,
            NullLogger<HostedRepositories>.Instance);
        var gate = new PushGate(git, repositories, new ReviewPlaces(options.Git, TimeProvider.System), options, sets, TimeProvider.System,
            NullLogger<PushGate>.Instance);
        using var opened = gate.Open(waiting);

        if (isThrownAway) await client.RunAsync("push", "--quiet", repository.Directory, ":other");
        await new RepositoryQuota(git, options.Git, NullLogger.Instance).TidyAsync(repository, hasDeleted: true);
        Assert.True(waiting.IsOvertaken);
        using var arguments =
            JsonDocument.Parse($$"""{"push":"{{waiting.Id}}","quarantine":null,"updates":["{{new string('0', 40)}} {{commit}} refs/heads/again"]}""");
        var answer = (await gate.AnswerAsync(arguments.RootElement, TestContext.Current.CancellationToken)).Value!;
        await waiting.LeaveGateAsync();

        Assert.Equal(!isThrownAway, answer["accepted"]!.GetValue<bool>());
        Assert.Contains(expected, answer["lines"]!.AsArray().Select(line => line!.GetValue<string>()));
        Assert.Equal(isThrownAway, repository.Size() < noise.Length);
    }
}
