using System.Data.Common;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Tokens;

/// <summary>
/// Keys that all replicas share, in a table of the store: one change at a time here, and as the store's only writer, so that of many replicas that find a key
/// due, one makes it.
/// </summary>
/// <param name="database">The store.</param>
/// <param name="topic">Under which the other replicas are told.</param>
/// <param name="read">What the store holds, in the order in which the keys serve; those that are known already are the same objects.</param>
/// <param name="publish">Takes over what the store holds, in no order that counts.</param>
internal sealed class StoredKeys(
    Database database, string topic, Func<DbConnection, DbTransaction?, Task<List<SigningKey>>> read, Action<List<SigningKey>> publish)
{
    private readonly SemaphoreSlim change = new(1);

    /// <summary>Takes over the keys as other replicas left them.</summary>
    public async Task ReadAsync(CancellationToken cancellationToken)
    {
        await change.WaitAsync(cancellationToken);
        try
        {
            // a store that has lost its keys takes none from a server that has them
            if (await database.RunAsync(connection => read(connection, null), cancellationToken) is { Count: > 0 } stored) publish(stored);
        }
        finally
        {
            change.Release();
        }
    }

    /// <summary>Runs <paramref name="work"/> on what the store holds then; the others are told if it changed the list.</summary>
    public async Task<T> ChangeAsync<T>(Func<List<SigningKey>, DbConnection, DbTransaction, Task<T>> work, CancellationToken cancellationToken)
    {
        await change.WaitAsync(cancellationToken);
        try
        {
            List<SigningKey> stored = [];
            var result = await database.WriteAsync(async (connection, transaction) =>
            {
                stored = await read(connection, transaction);
                var before = stored.ToArray();
                var result = await work(stored, connection, transaction);
                if (!stored.SequenceEqual(before)) await database.NotifyAsync(connection, transaction, topic, "");
                return result;
            }, cancellationToken);
            publish(stored);
            return result;
        }
        finally
        {
            change.Release();
        }
    }

    public static IEnumerable<SigningKey> InOrder(IEnumerable<SigningKey> keys) =>
        keys.OrderBy(key => key.SignsFrom).ThenBy(key => key.Published).ThenBy(key => key.Id, StringComparer.Ordinal);
}
