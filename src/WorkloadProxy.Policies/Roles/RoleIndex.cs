using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text.Json;
using WorkloadProxy.Policies.Patterns;

namespace WorkloadProxy.Policies.Roles;

/// <summary>
/// Finds the few roles that a token may match without looking at the others. By issuer; then each role is filed under that one of its claims whose values the
/// fewest roles share, by the whole literal value, or by the literal text before a wildcard. What has neither is looked at for each token of the issuer.
/// </summary>
internal sealed class RoleIndex
{
    private readonly ImmutableArray<Role> roles;
    private readonly FrozenDictionary<string, IssuerIndex> issuers;

    /// <summary>Roles that are switched off are not in it: they match nothing.</summary>
    public RoleIndex(ImmutableArray<Role> roles)
    {
        this.roles = roles;
        var byIssuer = new Dictionary<string, List<int>>(StringComparer.Ordinal);
        for (var i = 0; i < roles.Length; i++)
        {
            if (!roles[i].Enabled) continue;
            foreach (var issuer in roles[i].IsOwn ? [roles[i].Options.OwnIssuer] : roles[i].Issuers)
            {
                if (!byIssuer.TryGetValue(issuer, out var list)) byIssuer[issuer] = list = [];
                list.Add(i);
            }
        }
        issuers = byIssuer.ToFrozenDictionary(entry => entry.Key, entry => new IssuerIndex(roles, entry.Value), StringComparer.Ordinal);
    }

    /// <summary>For the same roles bound to other policies: what finds them stays.</summary>
    public RoleIndex(RoleIndex same, ImmutableArray<Role> roles)
    {
        this.roles = roles;
        issuers = same.issuers;
    }

    /// <summary>In the order of the set.</summary>
    public ImmutableArray<Role> Match(Claims claims)
    {
        if (claims.String("iss") is not { } issuer || !issuers.TryGetValue(issuer, out var index)) return [];
        var candidates = new SortedSet<int>();
        index.AddCandidates(claims, candidates);
        return [.. candidates.Select(candidate => roles[candidate]).Where(role => role.Matches(claims))];
    }

    /// <summary>One issuer's roles, by their place in the set.</summary>
    private sealed class IssuerIndex
    {
        private readonly int[] unindexed;
        private readonly FrozenDictionary<string, ClaimIndex> claims;

        public IssuerIndex(ImmutableArray<Role> roles, List<int> members)
        {
            // How many roles would be filed under a value if every role were filed under all of its values.
            var shared = new Dictionary<(string Claim, string Value), int>();
            foreach (var member in members) foreach (var claim in roles[member].Claims) foreach (var text in claim.Texts)
            {
                CollectionsMarshal.GetValueRefOrAddDefault(shared, (claim.Name, text.Pattern.LiteralPrefix), out _)++;
            }
            var without = new List<int>();
            var byClaim = new Dictionary<string, List<(TextPattern Pattern, int Role)>>(StringComparer.Ordinal);
            foreach (var member in members)
            {
                var best = roles[member].Claims.Where(IsIndexable).MinBy(claim => claim.Texts.Max(text => shared[(claim.Name, text.Pattern.LiteralPrefix)]));
                if (best is null)
                {
                    without.Add(member);
                    continue;
                }
                if (!byClaim.TryGetValue(best.Name, out var list)) byClaim[best.Name] = list = [];
                foreach (var text in best.Texts) list.Add((text.Pattern, member));
            }
            unindexed = [.. without];
            claims = byClaim.ToFrozenDictionary(entry => entry.Key, entry => new ClaimIndex(entry.Value), StringComparer.Ordinal);
        }

        public void AddCandidates(Claims token, SortedSet<int> candidates)
        {
            candidates.UnionWith(unindexed);
            if (claims.Count == 0) return;
            // By the token's claims, not by the index's: a token has few, whatever the roles name.
            foreach (var claim in token.Root.EnumerateObject()) if (claims.TryGetValue(claim.Name, out var index)) index.AddCandidates(claim.Value, candidates);
        }

        private static bool IsIndexable(RoleClaim claim)
            => claim.Texts is { Count: > 0 } texts && texts.All(text => text.Pattern.IsLiteral || text.Pattern.LiteralPrefix.Length > 0);
    }

    /// <summary>The values of one claim.</summary>
    private sealed class ClaimIndex
    {
        // Not frozen: a set is compiled anew for each change of one file, and freezing many thousands of keys costs more than all else.
        private readonly Dictionary<string, int[]> whole = new(StringComparer.Ordinal);
        private readonly Dictionary<string, int[]> prefixes = new(StringComparer.Ordinal);
        private readonly int[] prefixLengths;

        public ClaimIndex(List<(TextPattern Pattern, int Role)> entries)
        {
            // Sorted, so that the roles of one text are side by side.
            entries.Sort((a, b) => string.CompareOrdinal(a.Pattern.LiteralPrefix, b.Pattern.LiteralPrefix) is not 0 and var order
                ? order : a.Role.CompareTo(b.Role));
            for (var start = 0; start < entries.Count;)
            {
                var text = entries[start].Pattern.LiteralPrefix;
                var end = start + 1;
                while (end < entries.Count && entries[end].Pattern.LiteralPrefix == text) end++;
                Add(whole, text, entries[start..end], literal: true);
                Add(prefixes, text, entries[start..end], literal: false);
                start = end;
            }
            prefixLengths = [.. prefixes.Keys.Select(prefix => prefix.Length).Distinct().Order()];
        }

        public void AddCandidates(JsonElement claim, SortedSet<int> candidates)
        {
            if (claim.ValueKind == JsonValueKind.String) AddCandidates(claim.GetString()!, candidates);
            else if (claim.ValueKind == JsonValueKind.Array)
            {
                foreach (var element in claim.EnumerateArray()) if (element.ValueKind == JsonValueKind.String) AddCandidates(element.GetString()!, candidates);
            }
        }

        private void AddCandidates(string value, SortedSet<int> candidates)
        {
            if (whole.TryGetValue(value, out var roles)) candidates.UnionWith(roles);
            var byPrefix = prefixes.GetAlternateLookup<ReadOnlySpan<char>>();
            foreach (var length in prefixLengths)
            {
                if (length > value.Length) break;
                if (byPrefix.TryGetValue(value.AsSpan(0, length), out roles)) candidates.UnionWith(roles);
            }
        }

        private static void Add(Dictionary<string, int[]> index, string text, List<(TextPattern Pattern, int Role)> entries, bool literal)
        {
            int[] roles = [.. entries.Where(entry => entry.Pattern.IsLiteral == literal).Select(entry => entry.Role).Distinct()];
            if (roles.Length > 0) index.Add(text, roles);
        }
    }
}
