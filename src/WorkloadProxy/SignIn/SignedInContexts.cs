using Dapper;
using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Hosted.Repositories;
using WorkloadProxy.Storage;

namespace WorkloadProxy.SignIn;

/// <summary>
/// The contexts whose teams have signed in. One without a configured source gets a hosted repository, on every replica and across restarts; a configured one
/// keeps its source.
/// </summary>
internal sealed class SignedInContexts(ProxyOptions options, Database database, HostedRepositories repositories, TimeProvider time)
{
    /// <summary>Of <see cref="StoreChanges"/>; the subject is the context.</summary>
    public const string Topic = "signed_in_contexts";

    public async Task AddAsync(AuthContext context, CancellationToken cancellationToken)
    {
        await database.WriteAsync(async (connection, transaction) =>
        {
            var row = new { context = context.ToString(), since = time.GetUtcNow().ToUnixTimeSeconds() };
            if (await connection.ExecuteAsync("INSERT INTO signed_in_contexts (context, since) VALUES (@context, @since) ON CONFLICT (context) DO NOTHING", row,
                transaction) > 0)
                await database.NotifyAsync(connection, transaction, Topic, row.context);
        }, cancellationToken);
        if (IsToBeHosted(context)) await repositories.AddAsync(context, new HostedGitOptions(), cancellationToken);
    }

    /// <summary>Hosts what the store lists: one context, or all.</summary>
    public async Task ReadAsync(string? context, CancellationToken cancellationToken)
    {
        var listed = await database.RunAsync(connection => connection.QueryAsync<string>(
            "SELECT context FROM signed_in_contexts" + (context is null ? "" : " WHERE context = @context"), new { context }), cancellationToken);
        var contexts = listed.Select(text => AuthContext.TryParse(text, out var parsed) ? parsed : null).OfType<AuthContext>().Where(IsToBeHosted).ToList();
        await repositories.AddAsync(contexts, new HostedGitOptions(), cancellationToken);
    }

    /// <summary>A team that can no longer sign in has no source any more, and a context without one trusts nobody.</summary>
    private bool IsToBeHosted(AuthContext context) =>
        options.Upstreams.GetValueOrDefault(context.Upstream)?.Admits(context.Id) == true
        && options.Policies.All(source => source.Context != context) && repositories.Find(context) is null;
}
