using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery;
using WorkloadProxy.PolicyDelivery.Directories;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Storage;
using WorkloadProxy.Tests.Storage;

namespace WorkloadProxy.Tests.PolicySources;

/// <summary>A directory with one role and one policy, and a source that follows it.</summary>
internal sealed class LiveSource : IAsyncDisposable
{
    public static readonly AuthContext Context = new("DigitalOcean", "f81d4fae");
    private readonly Channel<PolicySourceStatus> changes = Channel.CreateUnbounded<PolicySourceStatus>();
    private readonly CancellationTokenSource stop = new();
    private readonly TestStore testStore;
    private readonly Store store;
    private Task running = Task.CompletedTask;

    private LiveSource(Store store, TestStore testStore, ILogger logger)
    {
        (this.store, this.testStore) = (store, testStore);
        Snapshots = new PolicySnapshotStore(store.Database);
        Directory.Write("policies/ci.hcl", Policy("/v2/account"));
        Directory.Write("roles/ci.hcl", Role);
        Source = new DirectorySource(new CompileOptions(Context, "https://proxy.example.com"), Directory.Path, Sets, Snapshots, TimeProvider.System, logger);
        Source.Changed += status => changes.Writer.TryWrite(status);
    }

    public const string Role = """
        role "ci" {
          aud      = "api://DigitalOcean?actx={actx}"
          sub      = "actx:{actx}:role:ci"
          policies = ["ci"]
        }
        """;

    public TemporaryDirectory Directory { get; } = new();
    public PolicySetStore Sets { get; } = new();
    public PolicySnapshotStore Snapshots { get; }
    public DirectorySource Source { get; }
    public IReadOnlyList<string> Paths => Sets.Current(Context)!.Set.Policies.SelectMany(policy => policy.Rules).Select(rule => rule.Path).ToList();

    public static string Policy(string path) => $"path \"{path}\" {{\n  capabilities = [\"read\"]\n}}\n";

    public static async Task<LiveSource> CreateAsync(ILogger? logger = null)
    {
        var testStore = new TestStore();
        return new LiveSource(await testStore.OpenAsync(), testStore, logger ?? NullLogger.Instance);
    }

    public static async Task<LiveSource> StartAsync()
    {
        var live = await CreateAsync();
        await live.Source.LoadAsync(CancellationToken.None);
        Assert.Equal(["/v2/account"], live.Paths);
        await live.NextAsync(status => status.LastError is null);
        live.Follow();
        return live;
    }

    public void Follow() => running = Source.RunAsync(stop.Token);

    /// <summary>The next status that is as wanted.</summary>
    public async Task<PolicySourceStatus> NextAsync(Func<PolicySourceStatus, bool> wanted)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        while (true)
        {
            var status = await changes.Reader.ReadAsync(limit.Token);
            if (wanted(status)) return status;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.IsCompletedSuccessfully ? Task.FromCanceled(stop.Token) : running);
        store.Dispose();
        testStore.Dispose();
        Directory.Dispose();
    }
}
