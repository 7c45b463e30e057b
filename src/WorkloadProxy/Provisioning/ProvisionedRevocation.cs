using System.Text;

namespace WorkloadProxy.Provisioning;

/// <summary>
/// Revokes what a VM holds beside its identity: a refresh token, with its family, and a provisioning token, with the identities of all VMs that were
/// created with it.
/// </summary>
internal sealed class ProvisionedRevocation(ProvisioningStore store, RefreshFamilies families)
{
    /// <summary>What was revoked, for the audit; null for a text that is neither.</summary>
    public async Task<string?> RevokeAsync(string token, CancellationToken cancellationToken)
    {
        if (RefreshToken.Parse(token) is { } refresh)
        {
            if (await families.FamilyOfAsync(refresh, cancellationToken) is { } family) await families.RevokeAsync(family, cancellationToken);
            return "a refresh token";
        }
        if (!token.StartsWith("eyJ", StringComparison.Ordinal) || !Ascii.IsValid(token)) return null;
        var hash = ProvisioningStore.HashOf(Encoding.ASCII.GetBytes(token));
        if (!await store.KnowsAsync(hash, cancellationToken)) return null;
        foreach (var family in await store.ForgetAsync(hash, cancellationToken)) await families.RevokeAsync(family, cancellationToken);
        return "a provisioning token";
    }
}
