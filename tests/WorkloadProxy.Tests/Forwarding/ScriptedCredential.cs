using System.Net;
using WorkloadProxy.Credentials;
using WorkloadProxy.Requests;
using WorkloadProxy.Secrets;

namespace WorkloadProxy.Tests.Forwarding;

/// <summary>A kind that signs each attempt with its number, and takes a 401 for a sign that the next number is wanted.</summary>
internal sealed class ScriptedCredential(string secret = "secret") : IContextCredential
{
    public List<CredentialUse> Uses { get; } = [];

    public bool Judges => true;

    public ValueTask<Result<Credential>> GetAsync(CredentialUse use, CancellationToken cancellationToken)
    {
        Uses.Add(use);
        return new(Numbered(use.Attempts));
    }

    public ValueTask<CredentialVerdict> JudgeAsync(CredentialUse use, Credential used, HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        Uses.Add(use);
        return new(answer.StatusCode == HttpStatusCode.Unauthorized ? new CredentialVerdict(Again: Numbered(use.Attempts)) : default);
    }

    private Credential Numbered(int number) => Credential.FromHeaders(
        [$"{secret}-{number}"], new CredentialHeader("Authorization", new Secret($"DPoP {secret}-{number}")),
        new CredentialHeader("DPoP", new Secret($"proof-{number}")));
}
