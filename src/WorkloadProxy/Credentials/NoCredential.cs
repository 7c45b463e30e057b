using WorkloadProxy.Requests;

namespace WorkloadProxy.Credentials;

/// <summary>Kind <c>None</c>: for an upstream that asks for nothing. The caller's own token still goes no further.</summary>
internal sealed class NoCredential : IContextCredential
{
    public bool Judges => false;

    public ValueTask<Result<Credential>> GetAsync(CredentialUse use, CancellationToken cancellationToken) => new(Credential.None);

    public ValueTask<CredentialVerdict> JudgeAsync(CredentialUse use, Credential used, HttpResponseMessage answer, CancellationToken cancellationToken) =>
        default;
}
