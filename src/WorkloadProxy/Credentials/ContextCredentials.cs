using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Credentials;

/// <summary>An entry of <c>Credentials</c> with what was made of it.</summary>
internal sealed record ContextCredential(CredentialOptions Options, IContextCredential Credential)
{
    /// <summary>
    /// Whether the entry is what a role names: all of <c>For</c> is, and whatever else the role names goes into the entry's own templates. A role that asks for
    /// one project's credential never gets one that knows nothing of projects.
    /// </summary>
    public bool Fits(RoleCredential named)
    {
        foreach (var (name, value) in Options.For)
        {
            if (named.Members.GetValueOrDefault(name) != value) return false;
        }
        return named.Members.Keys.All(name => Options.For.ContainsKey(name) || Takes(name));
    }

    private bool Takes(string name) => Options.Kind switch
    {
        CredentialKind.GitHubApp => name is RoleCredentialReading.Repositories or RoleCredentialReading.Permissions,
        CredentialKind.Exchange => Options.Exchange!.Names.Contains(name),
        _ => false,
    };
}

/// <summary>The credentials of one context: one for roles that name none, and any number that roles pick by name.</summary>
internal sealed class ContextCredentials(IReadOnlyList<ContextCredential> entries)
{
    private readonly IContextCredential? unnamed = entries.FirstOrDefault(entry => entry.Options.For.Count == 0)?.Credential;

    public IEnumerable<IContextCredential> All => entries.Select(entry => entry.Credential);

    /// <summary>The entry that fits with the most of <c>For</c>; null when none does, or when two do equally well.</summary>
    public IContextCredential? Find(RoleCredential? named)
    {
        if (named is null) return unnamed;
        ContextCredential? best = null;
        var tied = false;
        foreach (var entry in entries)
        {
            if (!entry.Fits(named)) continue;
            tied = best is not null && best.Options.For.Count == entry.Options.For.Count;
            if (best is null || entry.Options.For.Count > best.Options.For.Count) best = entry;
        }
        return tied ? null : best?.Credential;
    }
}
