using System.Collections.Frozen;
using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Credentials;

/// <summary>The credential of each context. A secret in a file is read again when the file changes; nothing is sent without one.</summary>
internal sealed class CredentialStore(ProxyOptions options, ILogger<CredentialStore> logger)
{
    private readonly FrozenDictionary<AuthContext, CredentialSource> sources =
        options.Credentials.ToFrozenDictionary(credential => credential.Context, credential => new CredentialSource(credential, logger));

    public Result<Credential> Get(AuthContext context)
    {
        if (sources.TryGetValue(context, out var source) && source.Current() is { } credential) return credential;
        return new Failure(ErrorId.CredentialUnavailable, "the credential for this upstream can't be had, so nothing was sent")
        {
            Detail = source is null ? $"no entry of `Credentials` names `{context}`" : source.Problem,
        };
    }
}
