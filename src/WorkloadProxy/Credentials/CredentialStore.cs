using System.Collections.Frozen;
using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Credentials;

/// <summary>Makes the credential of an entry of <c>Credentials</c>, for a kind that needs more than the entry.</summary>
internal delegate IContextCredential OpenCredential(CredentialOptions options);

/// <summary>The credential of each context: nothing is sent without one.</summary>
internal sealed class CredentialStore
{
    private readonly FrozenDictionary<AuthContext, IContextCredential> configured;
    private readonly Func<AuthContext, IContextCredential?> signedIn;

    /// <param name="options">The configuration; <c>Credentials</c> of it.</param>
    /// <param name="logger">Told of a secret that can't be read.</param>
    /// <param name="kinds">How kinds are made that need more than their entry: a store, an upstream to ask, the clock.</param>
    /// <param name="signedIn">The credential of a context that has no entry, because its owner signed in; it answers at once.</param>
    public CredentialStore(
        ProxyOptions options, ILogger<CredentialStore> logger,
        IReadOnlyDictionary<CredentialKind, OpenCredential>? kinds = null, Func<AuthContext, IContextCredential?>? signedIn = null)
    {
        configured = options.Credentials.ToFrozenDictionary(entry => entry.Context, entry => Open(entry, logger, kinds));
        this.signedIn = signedIn ?? (_ => null);
    }

    /// <summary>The context's credential, or null when it has none.</summary>
    public IContextCredential? Find(AuthContext context) => configured.GetValueOrDefault(context) ?? signedIn(context);

    /// <summary>The credential for a request that the proxy itself makes to the context's upstream.</summary>
    public ValueTask<Result<Credential>> GetAsync(AuthContext context, CancellationToken cancellationToken) =>
        Find(context) is { } found ? found.GetAsync(new CredentialUse(context), cancellationToken) : new(Missing(context));

    /// <summary>The answer where <see cref="Find"/> finds nothing.</summary>
    public static Failure Missing(AuthContext context) => Unavailable($"no entry of `Credentials` names `{context}`");

    /// <summary>The answer to a caller when a credential is not there; why is for the audit.</summary>
    public static Failure Unavailable(string? detail) =>
        new(ErrorId.CredentialUnavailable, "the credential for this upstream is unavailable, so nothing was sent") { Detail = detail };

    private static IContextCredential Open(CredentialOptions entry, ILogger logger, IReadOnlyDictionary<CredentialKind, OpenCredential>? kinds) => entry.Kind switch
    {
        CredentialKind.Bearer or CredentialKind.Header or CredentialKind.Basic or CredentialKind.Query => new SecretCredential(entry, logger),
        CredentialKind.None => new NoCredential(),
        _ when kinds?.GetValueOrDefault(entry.Kind) is { } open => open(entry),
        _ => throw new InvalidOperationException($"the configuration let a credential of kind {entry.Kind} through, and nothing here makes one"),
    };
}
