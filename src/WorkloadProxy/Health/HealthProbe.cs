using System.Text.Json.Nodes;
using Dapper;
using WorkloadProxy.Audit;
using WorkloadProxy.Control;
using WorkloadProxy.PolicyDelivery;
using WorkloadProxy.Storage;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Health;

/// <summary>Asks the parts of the server how they stand. The store is asked at most once a second, whoever asks.</summary>
internal sealed class HealthProbe(Database database, StoreChanges changes, SigningKeys signingKeys, AuditLog audit, PolicySources policySources,
    TimeProvider time, Func<HealthComponent?>? credentials = null)
{
    public const string CommandName = "status";
    private static readonly TimeSpan kept = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(2);
    private readonly SemaphoreSlim asking = new(1);
    private (long At, HealthComponent Store)? last;

    /// <summary>Readiness in full, for whoever may open the control socket.</summary>
    public KeyValuePair<string, ControlCommand> ControlCommand =>
        new(CommandName, async (_, cancellationToken) => JsonNode.Parse(HealthReport.Ready(await LookAsync(cancellationToken), details: true)
            .Json)!.AsObject());

    public async Task<HealthFacts> LookAsync(CancellationToken cancellationToken)
    {
        var keys = new HealthComponent("signing_keys", signingKeys.PublicKeys.Count > 0 ? HealthStatus.Ok : HealthStatus.Unavailable);
        var log = new HealthComponent("audit", !audit.IsFailing ? HealthStatus.Ok : audit.IsRequired ? HealthStatus.Unavailable : HealthStatus.Degraded,
            audit.IsFailing ? "the audit log can't be written" : null);
        HealthComponent[] more = credentials?.Invoke() is { } component ? [component] : [];
        return new([await AskStoreAsync(cancellationToken), keys, log, .. more], policySources.Statuses);
    }

    private async Task<HealthComponent> AskStoreAsync(CancellationToken cancellationToken)
    {
        await asking.WaitAsync(cancellationToken);
        try
        {
            if (last is var (at, component) && time.GetElapsedTime(at) < kept) return component;
            component = await ReadAsync();
            last = (time.GetTimestamp(), component);
            return component;
        }
        finally
        {
            asking.Release();
        }
    }

    private async Task<HealthComponent> ReadAsync()
    {
        try
        {
            // SQLite's calls don't give the thread back while they wait
            await Task.Run(() => database.RunAsync(connection => connection.ExecuteScalarAsync<long>("SELECT count(*) FROM signing_keys"),
                CancellationToken.None)).WaitAsync(patience, time);
            return changes.IsListening
                ? new("store", HealthStatus.Ok)
                : new("store", HealthStatus.Unavailable, "changes by other replicas, revocations included, are not received");
        }
        catch (StoreException e)
        {
            return new("store", HealthStatus.Unavailable, e.Message);
        }
        catch (TimeoutException)
        {
            return new("store", HealthStatus.Unavailable, "the store did not answer within 2 s");
        }
    }
}
