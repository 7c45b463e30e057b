using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Dapper;
using WorkloadProxy.Policies;
using WorkloadProxy.Storage;

namespace WorkloadProxy.PolicyDelivery.Hosted.Repositories;

/// <summary>
/// A repository's turn, among all servers: an advisory lock of PostgreSQL's, held by an open transaction that writes nothing. It ends with its connection,
/// however the server ends. Who has lost it without knowing is stopped by the repository's version when the change is written.
/// </summary>
internal sealed class RepositoryLock : IAsyncDisposable
{
    // "repo" in ASCII, beside the other locks of this program
    private const int Kind = 0x7265706F;
    private readonly TaskCompletionSource leave = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task holding = Task.CompletedTask;

    /// <summary>Waits for the turn; <paramref name="ended"/> is called when it is over, also if it never came.</summary>
    /// <exception cref="StoreException">The store can't be reached, or the turn did not come in time.</exception>
    public static async Task<RepositoryLock> TakeAsync(Database database, AuthContext context, TimeSpan patience, Action ended,
        CancellationToken cancellationToken)
    {
        var turn = new RepositoryLock();
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        turn.holding = HoldAsync();
        if (await Task.WhenAny(entered.Task, turn.holding) == turn.holding) await turn.holding;
        return turn;

        async Task HoldAsync()
        {
            try
            {
                await database.RunAsync(async connection =>
                {
                    await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
                    // a server that hangs must not keep the others out for ever
                    const string Limit = "SELECT set_config('lock_timeout', @wait, true), set_config('idle_in_transaction_session_timeout', @idle, true)";
                    var limits = new { wait = $"{(long)patience.TotalMilliseconds}ms", idle = $"{(long)(2 * patience).TotalMilliseconds}ms" };
                    await connection.ExecuteAsync(new CommandDefinition(Limit, limits, transaction, cancellationToken: cancellationToken));
                    const string Take = "SELECT pg_advisory_xact_lock(@Kind, @number)";
                    await connection.ExecuteAsync(new CommandDefinition(Take, new { Kind, number = NumberOf(context) }, transaction,
                        (int)patience.TotalSeconds + 5, cancellationToken: cancellationToken));
                    entered.SetResult();
                    await turn.leave.Task;
                    return true;
                }, cancellationToken);
            }
            finally
            {
                ended();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        leave.TrySetResult();
        try
        {
            await holding;
        }
        catch (StoreException)
        {
            // the connection is lost, and the lock with it
        }
    }

    // two repositories of one number only wait for each other
    private static int NumberOf(AuthContext context) => BinaryPrimitives.ReadInt32BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(context.ToString())));
}
