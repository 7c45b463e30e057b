using WorkloadProxy.Configuration;
using WorkloadProxy.Credentials;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Upstreams.GitHub;

/// <summary>What the configuration and a role make of a token's scope: the role's, where it names one, and never more than the configuration's.</summary>
internal static class GitHubScope
{
    private static readonly string[] levels = ["read", "write", "admin"];

    public static Result<GitHubTokenScope> Of(CredentialOptions options, RoleCredential? named)
    {
        // names that only pick the entry say nothing here
        var asked = (Repositories: Of(named, options, RoleCredentialReading.Repositories), Permissions: Of(named, options, RoleCredentialReading.Permissions));
        var repositories = options.Repositories.Select(NameOf).ToList();
        var owner = options.Repositories.Select(RoleCredentialReading.OwnerOf).FirstOrDefault(one => one is not null) ?? "";
        if (asked.Repositories is { } list)
        {
            var names = list.Split(',', StringSplitOptions.TrimEntries);
            foreach (var name in names)
            {
                if (!RoleCredentialReading.IsRepository(name)) return Refused($"`{name}` is not a repository");
                if (RoleCredentialReading.OwnerOf(name) is { } its && owner.Length > 0 && !its.Equals(owner, StringComparison.OrdinalIgnoreCase))
                    return Refused($"`{name}` is not of `{owner}`");
                if (repositories.Count > 0 && !repositories.Contains(NameOf(name), StringComparer.OrdinalIgnoreCase))
                    return Refused($"`{name}` is not among the `Repositories` of the configuration");
            }
            repositories = [.. names.Select(NameOf)];
        }
        var permissions = options.Permissions;
        if (asked.Permissions is { } text)
        {
            var wanted = new SortedDictionary<string, string>(StringComparer.Ordinal);
            foreach (var one in text.Split(',', StringSplitOptions.TrimEntries))
            {
                if (one.Split(':') is not [var name, var level] || !RoleCredentialReading.IsPermission(name, level) || !wanted.TryAdd(name, level))
                    return Refused($"`{one}` is not a permission such as `contents:read`, or appears twice");
                if (permissions.Count > 0 && Array.IndexOf(levels, level) > Array.IndexOf(levels, permissions.GetValueOrDefault(name)))
                    return Refused($"`{one}` is more than the `Permissions` of the configuration");
            }
            permissions = wanted;
        }
        return new GitHubTokenScope(owner, string.Join(',', repositories.Distinct(StringComparer.OrdinalIgnoreCase)),
            string.Join(',', permissions.Select(one => $"{one.Key}:{one.Value}")));
    }

    private static string? Of(RoleCredential? named, CredentialOptions options, string name) =>
        options.For.ContainsKey(name) ? null : named?.Members.GetValueOrDefault(name);

    private static string NameOf(string repository) => repository[(repository.IndexOf('/') + 1)..];

    private static Failure Refused(string why) => CredentialStore.Unavailable($"the role's credential: {why}");
}
