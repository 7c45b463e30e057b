using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using WorkloadProxy.Configuration;
using WorkloadProxy.Credentials;
using WorkloadProxy.Credentials.OAuth;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;
using WorkloadProxy.Upstreams.AtProto.Identity;

namespace WorkloadProxy.Upstreams.AtProto.AppPasswords;

/// <summary>
/// The sessions that app passwords gave, shared by the replicas: one makes or refreshes a session and the others read it. A password is presented at most once
/// a minute, for servers count that and shut out who does it often.
/// </summary>
internal sealed class PasswordSessions(PasswordSessionTable table, PasswordClient client, AtProtoServers servers, TimeProvider time,
    ILogger<PasswordSessions> logger)
{
    private static readonly TimeSpan betweenPasswords = TimeSpan.FromMinutes(1), lease = TimeSpan.FromSeconds(30), patience = TimeSpan.FromSeconds(10),
    look = TimeSpan.FromMilliseconds(200), rest = TimeSpan.FromSeconds(5), unknownLife = TimeSpan.FromHours(1);

    private readonly string holder = Guid.NewGuid().ToString("N");
    private readonly ConcurrentDictionary<Did, PasswordSession> known = new();
    private readonly ConcurrentDictionary<Did, Lazy<Task<Result<PasswordSession>>>> renewing = new();
    private readonly ConcurrentDictionary<Did, (Failure Failure, DateTimeOffset Until)> failed = new();

    /// <summary>The session at that server, from memory.</summary>
    public PasswordSession? Known(Did did, string origin) => known.TryGetValue(did, out var session) && session.Origin == origin ? session : null;

    /// <summary>
    /// A session other than the one of <paramref name="used"/>, refreshed or made. Shared by all who wait, and not ended with any of them.
    /// </summary>
    public Task<Result<PasswordSession>> RenewAsync(Did did, CredentialOptions options, string origin, Credential? used)
    {
        if (Known(did, origin) is { } current && current.Credential != used && time.GetUtcNow() < current.Expires)
            return Task.FromResult<Result<PasswordSession>>(current);
        if (failed.TryGetValue(did, out var last) && time.GetUtcNow() < last.Until) return Task.FromResult<Result<PasswordSession>>(last.Failure);
        return renewing.GetOrAdd(did, _ => new(() => Task.Run(() => RenewOnceAsync(did, options, origin, used)))).Value;
    }

    /// <summary>Refreshes what is due for as long as the server runs.</summary>
    public async Task RunAsync(IReadOnlyList<(Did Did, CredentialOptions Options)> entries, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(30), time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                foreach (var (did, options) in entries)
                {
                    if (!known.TryGetValue(did, out var session) || time.GetUtcNow() < session.RefreshAt) continue;
                    // a new password in the file is for the server where the account is now, and never for its former one
                    if ((await servers.FindAsync(did, cancellationToken)).Succeeded(out var server, out _) && server.Pds == session.Origin)
                        await RenewAsync(did, options, session.Origin, session.Credential);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // a refresh token that is lost is no loss: the password makes another session
        }
    }

    private async Task<Result<PasswordSession>> RenewOnceAsync(Did did, CredentialOptions options, string origin, Credential? used)
    {
        try
        {
            var result = await RenewInStoreAsync(did, options, origin, used);
            if (result.Succeeded(out var session, out var failure))
            {
                known[did] = session;
                failed.TryRemove(did, out _);
                return session;
            }
            logger.LogError("app password of {Did}: {Reason}", did, failure.Reason);
            failed[did] = (failure, time.GetUtcNow() + rest);
            return failure;
        }
        catch (StoreException e)
        {
            return CredentialStore.Unavailable(e.Reason);
        }
        finally
        {
            renewing.TryRemove(did, out _);
        }
    }

    private async Task<Result<PasswordSession>> RenewInStoreAsync(Did did, CredentialOptions options, string origin, Credential? used)
    {
        if (!TryRead(options, out var password, out var problem)) return CredentialStore.Unavailable(problem);
        var hash = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(password)));
        var usedToken = used?.BearerToken?.Reveal();
        for (var deadline = time.GetUtcNow() + patience; ; await Task.Delay(look, time))
        {
            var stored = await table.ReadAsync(did, CancellationToken.None);
            var session = stored.Session is { } found && found.Origin == origin && found.Password == hash ? found : null;
            if (session is not null && session.AccessToken.Reveal() != usedToken && time.GetUtcNow() < session.Expires) return session;
            if (await table.LeaseAsync(did, stored.Version, holder, lease, CancellationToken.None))
                return await RenewHeldAsync(did, stored, session, origin, password, hash);
            if (time.GetUtcNow() >= deadline)
                return CredentialStore.Unavailable($"another replica has been making a session of `{did}` for {patience.TotalSeconds:0} s");
        }
    }

    private async Task<Result<PasswordSession>> RenewHeldAsync(Did did, StoredPasswordSession stored, PasswordSession? session, string origin, string password,
        string hash)
    {
        var result = session is null ? new SessionResult(null, null, IsFinal: true) : await client.RefreshAsync(did, session, CancellationToken.None);
        if (result.Answer is null && result.IsFinal)
        {
            if (time.GetUtcNow() < stored.Presented + betweenPasswords)
            {
                await table.ReleaseAsync(did, holder, CancellationToken.None);
                return CredentialStore.Unavailable($"the app password of `{did}` was presented less than a minute "
                    + $"ago{(result.Problem is null ? "" : ", and ")}{result.Problem}");
            }
            await table.PresentAsync(did, holder, CancellationToken.None);
            result = await client.CreateAsync(did, origin, password, CancellationToken.None);
        }
        if (result.Answer is not { } answer)
        {
            await table.ReleaseAsync(did, holder, CancellationToken.None);
            return CredentialStore.Unavailable($"no session of `{did}`: {result.Problem}");
        }
        var now = time.GetUtcNow();
        var next = new PasswordSession(origin, hash, new(answer.AccessToken), new(answer.RefreshToken), now, answer.Expires is { } expires && expires > now
            ? expires : now + unknownLife);
        await table.KeepAsync(did, stored.Version, next, holder, CancellationToken.None);
        return next;
    }

    /// <summary>Read each time, since a file may have changed.</summary>
    private static bool TryRead(CredentialOptions options, out string password, out string? problem)
    {
        password = "";
        if (!new ClientSecret(options.File, options.EnvironmentVariable).TryRead(out var text, out problem)) return false;
        if (!AppPasswordForm.Matches(text)) problem = "the secret is not an app password";
        else password = text!;
        return problem is null;
    }
}
