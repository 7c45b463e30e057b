using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies.Diffing;

/// <summary>How the identities that a role matches change.</summary>
internal static class RoleDiff
{
    public static IEnumerable<AccessChange> Compare(Role was, Role now)
    {
        var old = Constraints(was);
        var current = Constraints(now);
        // which credential is the wider one is for the upstream to say
        if (!Equals(was.Credential, now.Credential))
            yield return new(AccessChangeKind.Changed, now.Name,
                $"role `{now.Name}` now names the credential `{now.Credential?.Text ?? "none"}`, was `{was.Credential?.Text ?? "none"}`");
        foreach (var name in old.Keys.Union(current.Keys))
        {
            var before = old.GetValueOrDefault(name);
            var after = current.GetValueOrDefault(name);
            if (before == after) continue;
            yield return before is null ? new(AccessChangeKind.Narrowed, now.Name, $"role `{now.Name}` now requires `{name} = {after}`")
                : after is null ? new(AccessChangeKind.Widened, now.Name, $"role `{now.Name}` no longer requires `{name} = {before}`")
                : new(AccessChangeKind.Changed, now.Name, $"role `{now.Name}` now requires `{name} = {after}`, was `{before}`");
        }
    }

    /// <summary>Everything that must hold for the role to match, and <c>max_ttl</c>, as written.</summary>
    public static OrderedDictionary<string, string> Constraints(Role role)
    {
        var constraints = new OrderedDictionary<string, string>(StringComparer.Ordinal);
        if (!role.IsOwn)
            constraints["iss"] = role.Issuers.Length == 1
                ? HclText.Quote(role.Issuers[0]) : $"[{string.Join(", ", role.Issuers.Order(StringComparer.Ordinal).Select(HclText.Quote))}]";
        foreach (var claim in role.Claims.OrderBy(claim => claim.Name, StringComparer.Ordinal)) constraints[claim.Name] = ValueText.Of(claim.Expected);
        if (role.IsDropletRole) constraints["droplet_id"] = constraints.GetValueOrDefault("droplet_id", "any VM's");
        if (role.Expires is { } expires) constraints["expires"] = HclText.Quote(expires.ToString("yyyy-MM-dd'T'HH:mm:ssK"));
        if (role.MaxTtl is { } maxTtl) constraints["max_ttl"] = maxTtl.ToString();
        if (role.WhenText is { } when) constraints["when"] = when;
        return constraints;
    }
}
