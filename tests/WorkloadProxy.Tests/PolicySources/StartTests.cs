using Microsoft.Extensions.Logging.Abstractions;
using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Storage;
using WorkloadProxy.Tests.Storage;
using Sources = WorkloadProxy.PolicyDelivery.PolicySources;

namespace WorkloadProxy.Tests.PolicySources;

public sealed class StartTests : IAsyncLifetime
{
    private static readonly AuthContext team = new("DigitalOcean", "team");
    private static readonly AuthContext depot = new("Depot", "acme");
    private readonly TemporaryDirectory directory = new();
    private readonly TestStore testStore = new();
    private Store store = null!;

    public async ValueTask InitializeAsync()
    {
        store = await testStore.OpenAsync();
        foreach (var name in (string[])["team", "depot"])
        {
            directory.Write($"{name}/policies/ci.hcl", LiveSource.Policy("/v2/account"));
            directory.Write($"{name}/roles/ci.hcl",
                LiveSource.Role.Replace("DigitalOcean", name == "team" ? "DigitalOcean" : "Depot", StringComparison.Ordinal));
        }
    }

    public ValueTask DisposeAsync()
    {
        store.Dispose();
        testStore.Dispose();
        directory.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_broken_directory_that_is_the_only_source_stops_the_start_with_its_diagnostics()
    {
        Break("team");
        var (sources, _) = Create(team);
        var stopped = await Assert.ThrowsAsync<StartException>(() => sources.LoadAsync(TestContext.Current.CancellationToken));
        Assert.Contains("--> policies/ci.hcl:1:", stopped.Message);
    }

    [Fact]
    public async Task With_several_the_others_serve_and_the_broken_one_has_no_set()
    {
        Break("team");
        var (sources, sets) = Create(team, depot);
        await sources.LoadAsync(TestContext.Current.CancellationToken);
        Assert.Null(sets.Current(team));
        Assert.NotNull(sets.Current(depot));
        Assert.Equal([null, sets.Current(depot)!.Version], sources.Statuses.Select(status => status.Version));
        Assert.NotNull(sources.Statuses[0].LastError);
    }

    [Fact]
    public async Task With_several_the_broken_one_has_its_last_good_set()
    {
        var (sources, sets) = Create(team, depot);
        await sources.LoadAsync(TestContext.Current.CancellationToken);
        var version = sets.Current(team)!.Version;

        Break("team");
        (sources, sets) = Create(team, depot);
        await sources.LoadAsync(TestContext.Current.CancellationToken);
        Assert.Equal(version, sets.Current(team)!.Version);
        Assert.Equal(version, sources.Statuses[0].Version);
        Assert.NotNull(sources.Statuses[0].LastError);
    }

    private void Break(string name) => directory.Write($"{name}/policies/ci.hcl", "path {{{");

    private (Sources Sources, PolicySetStore Sets) Create(params AuthContext[] contexts)
    {
        var sets = new PolicySetStore();
        var options = testStore.Options with
        {
            Policies = contexts.Select(context => new PolicySourceOptions(context, Path.Combine(directory.Path, context == team ? "team" : "depot"))).ToList(),
        };
        return (new Sources(options, sets, new PolicySnapshotStore(store.Database), TimeProvider.System, NullLogger<Sources>.Instance), sets);
    }
}
