using System.Collections.Frozen;
using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Credentials;

/// <summary>Makes the credential of an entry of <c>Credentials</c>, for a kind that needs more than the entry.</summary>
internal delegate IContextCredential OpenCredential(CredentialOptions options);

/// <summary>The credential of each context: nothing is sent without one.</summary>
internal sealed class CredentialStore : IAsyncDisposable
{
    private readonly FrozenDictionary<AuthContext, ContextCredentials> configured;
    private readonly Func<AuthContext, IContextCredential?> signedIn;

    /// <param name="options">The configuration; <c>Credentials</c> of it.</param>
    /// <param name="logger">Told of a secret that can't be read.</param>
    /// <param name="kinds">How kinds are made that need more than their entry: a store, an upstream to ask, the clock.</param>
    /// <param name="signedIn">The credential of a context that has no entry, because its owner signed in; it answers at once.</param>
    public CredentialStore(
        ProxyOptions options, ILogger<CredentialStore> logger,
        IReadOnlyDictionary<CredentialKind, OpenCredential>? kinds = null, Func<AuthContext, IContextCredential?>? signedIn = null)
    {
        configured = options.Credentials.GroupBy(entry => entry.Context)
            .ToFrozenDictionary(entries => entries.Key,
                entries => new ContextCredentials([.. entries.Select(entry => new ContextCredential(entry, Open(entry, logger, kinds)))]));
        this.signedIn = signedIn ?? (_ => null);
    }

    /// <summary>All that the configuration made.</summary>
    public IEnumerable<IContextCredential> Configured => configured.Values.SelectMany(context => context.All);

    /// <summary>
    /// The credential for a caller's requests: its context's, or that one of its context's which its roles name. A failure is the caller's answer.
    /// </summary>
    public Failure? Find(Caller caller, TimeProvider time, out IContextCredential source)
    {
        var context = caller.Token.Context;
        RoleCredential? named = null;
        source = null!;
        if (caller.Grants.NamesCredential && !caller.Grants.TryCredentialAt(time.GetUtcNow(), out named, out var disagreement))
            return new Failure(ErrorId.Forbidden, disagreement!);
        var found = configured.GetValueOrDefault(context)?.Find(named) ?? (named is null && !configured.ContainsKey(context) ? signedIn(context) : null);
        if (found is null) return Missing(context, named);
        source = found;
        return null;
    }

    /// <summary>
    /// After something was waited for: null when <paramref name="source"/> is still the credential of the caller's requests. Other roles, of another set or at
    /// another time, may name another one.
    /// </summary>
    /// <param name="source">What <see cref="Find"/> gave.</param>
    /// <param name="before">The caller as it was then.</param>
    /// <param name="now">The caller as it is admitted now.</param>
    /// <param name="time">The clock that decides which roles count.</param>
    public Failure? FindAgain(IContextCredential source, Caller before, Caller now, TimeProvider time)
    {
        if (!before.Grants.NamesCredential && now.Grants == before.Grants) return null;
        if (Find(now, time, out var current) is { } failure) return failure;
        return current == source ? null : Unavailable("the role's credential has changed meanwhile");
    }

    /// <summary>The credential for a request that the proxy itself makes to the context's upstream: the one that no role names.</summary>
    public ValueTask<Result<Credential>> GetAsync(AuthContext context, CancellationToken cancellationToken)
    {
        var found = configured.TryGetValue(context, out var entries) ? entries.Find(null) : signedIn(context);
        return found?.GetAsync(new CredentialUse(context), cancellationToken) ?? new(Missing(context, null));
    }

    /// <summary>The answer to a caller when a credential is not there; why is for the audit.</summary>
    public static Failure Unavailable(string? detail) =>
        new(ErrorId.CredentialUnavailable, "the credential for this upstream is unavailable, so nothing was sent") { Detail = detail };

    public async ValueTask DisposeAsync()
    {
        foreach (var credential in Configured.OfType<IAsyncDisposable>()) await credential.DisposeAsync();
    }

    private static Failure Missing(AuthContext context, RoleCredential? named) =>
        Unavailable(named is null ? $"no entry of `Credentials` names `{context}`, or each is for roles that name it"
            : $"no entry of `Credentials` for `{context}` fits the role's credential {named.Text}");

    private static IContextCredential Open(CredentialOptions entry, ILogger logger, IReadOnlyDictionary<CredentialKind, OpenCredential>? kinds) =>
        entry.Kind switch
    {
        CredentialKind.Bearer or CredentialKind.Header or CredentialKind.Basic or CredentialKind.Query => new SecretCredential(entry, logger),
        CredentialKind.None => new NoCredential(),
        _ when kinds?.GetValueOrDefault(entry.Kind) is { } open => open(entry),
        _ => throw new InvalidOperationException($"the configuration let a credential of kind {entry.Kind} through, and nothing here makes one"),
    };
}
