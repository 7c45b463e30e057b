using Dapper;
using WorkloadProxy.Policies;
using WorkloadProxy.Storage;

namespace WorkloadProxy.SignIn;

/// <summary>Sessions, and the states that have been used, in the store: every replica knows them.</summary>
internal sealed class SessionStore(Database database, TimeProvider time)
{
    private static readonly TimeSpan lifetime = TimeSpan.FromHours(8);

    private long Now => time.GetUtcNow().ToUnixTimeSeconds();

    public async Task<Session> BeginAsync(AuthContext context, string account, SignInNotice notice, CancellationToken cancellationToken)
    {
        var session = new Session(SecretText.New(), context, account, notice);
        await database.WriteAsync(async (connection, transaction) =>
        {
            await connection.ExecuteAsync("DELETE FROM sessions WHERE expires_at <= @now", new { now = Now }, transaction);
            await connection.ExecuteAsync("INSERT INTO sessions (id, context, account, notice, expires_at) VALUES (@id, @context, @account, @notice, @expires)",
                new
                {
                    id = SecretText.Hash(session.Secret),
                    context = context.ToString(),
                    account,
                    notice = notice.ToString(),
                    expires = (time.GetUtcNow() + lifetime).ToUnixTimeSeconds(),
                }, transaction);
        }, cancellationToken);
        return session;
    }

    public async Task<Session?> FindAsync(HttpContext http)
    {
        if (Cookie.Session.Read(http) is not { Length: <= 100 } secret) return null;
        var row = await database.RunAsync(connection => connection.QuerySingleOrDefaultAsync<(string? Context, string Account, string? Notice)>(
            "SELECT context, account, notice FROM sessions WHERE id = @id AND expires_at > @now", new { id = SecretText.Hash(secret), now = Now }),
            http.RequestAborted);
        if (!AuthContext.TryParse(row.Context, out var context)) return null;
        return new Session(secret, context, row.Account, Enum.TryParse<SignInNotice>(row.Notice, out var notice) ? notice : null);
    }

    /// <summary>What the next page says, once; null: nothing.</summary>
    public Task NotifyAsync(Session session, SignInNotice? notice, CancellationToken cancellationToken) =>
        ExecuteAsync("UPDATE sessions SET notice = @notice WHERE id = @id", new { id = SecretText.Hash(session.Secret), notice = notice?.ToString() },
            cancellationToken);

    public Task EndAsync(Session session, CancellationToken cancellationToken) =>
        ExecuteAsync("DELETE FROM sessions WHERE id = @id", new { id = SecretText.Hash(session.Secret) }, cancellationToken);

    /// <summary>A state serves once: false if it has been used before.</summary>
    public Task<bool> UseStateAsync(SignInState state, CancellationToken cancellationToken) => database.WriteAsync(async (connection, transaction) =>
    {
        // a minute longer than states live, for replicas whose clocks differ
        await connection.ExecuteAsync("DELETE FROM used_sign_in_states WHERE expires_at <= @now", new { now = Now - 60 }, transaction);
        return await connection.ExecuteAsync("INSERT INTO used_sign_in_states (id, expires_at) VALUES (@id, @expires) ON CONFLICT (id) DO NOTHING",
            new { id = state.Id, expires = state.Expires / 1000 }, transaction) == 1;
    }, cancellationToken);

    private Task ExecuteAsync(string sql, object parameters, CancellationToken cancellationToken) =>
        database.WriteAsync((connection, transaction) => connection.ExecuteAsync(sql, parameters, transaction), cancellationToken);
}
