using WorkloadProxy.Policies;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Provisioning;

/// <summary>
/// A droplet that was created with a provisioning token. <paramref name="HostKey"/> is the one that it first proved itself with, null until then.
/// </summary>
internal sealed record ProvisionedDroplet(AuthContext Context, string Id, string TokenHash, string Subject, DateTimeOffset Expires, string? HostKey)
{
    /// <summary>The <c>sub</c> of its tokens.</summary>
    public string FullSubject => $"actx:{Context.Id}:{Subject}";
}
