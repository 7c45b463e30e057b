using System.Collections.Immutable;
using WorkloadProxy.Policies.Conditions;
using WorkloadProxy.Policies.Deciding;
using WorkloadProxy.Policies.Rules;

namespace WorkloadProxy.Policies.Mcp;

/// <summary>All rules of one name pattern over a caller's policies. Of several that match, the greatest <paramref name="Rank"/> decides.</summary>
internal sealed record McpGroup(McpKind Kind, int Rank, McpPattern Pattern, McpPattern? Permit, McpPattern Deny, ImmutableArray<McpRule> Permits,
    ImmutableArray<McpRule> Denies);

/// <summary>The rules that one caller has for one server, its claims substituted. Immutable.</summary>
internal sealed class McpView
{
    private const string OrdinaryCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-";
    private static readonly System.Buffers.SearchValues<char> ordinary = System.Buffers.SearchValues.Create(OrdinaryCharacters);

    private readonly string server;
    private readonly Claims claims;
    private readonly ImmutableArray<McpGroup> groups;
    /// <summary>By the exact name that they are for, in any letter case.</summary>
    private readonly Dictionary<string, List<McpGroup>> exact = new(StringComparer.OrdinalIgnoreCase);
    private readonly ImmutableArray<McpGroup> patterns;

    public McpView(string server, IEnumerable<Policy> policies, Claims claims)
    {
        (this.server, this.claims) = (server, claims);
        var blocks = policies.SelectMany(policy => policy.Mcp).Where(block => block.Server == server || block.Server == "*").ToList();
        Client = blocks.Aggregate(McpClient.None, (all, block) => all | block.Client);
        Tasks = blocks.Any(block => block.Tasks);
        groups = [.. blocks.SelectMany(block => block.Rules).GroupBy(rule => (rule.Kind, Exact: rule.Server != "*", rule.Pattern.Key))
            .OrderBy(group => group.Key.Exact).ThenBy(group => group.First().Pattern)
            .Select((group, rank) => new McpGroup(group.Key.Kind, rank, group.First().Pattern, group.First().Pattern.Bind(claims, deny: false),
                group.First().Pattern.Bind(claims, deny: true)!,
                [.. group.Where(rule => !rule.IsDeny)], [.. group.Where(rule => rule.IsDeny)]))];
        foreach (var group in groups.Where(group => group.Pattern.IsExact))
        {
            if (!exact.TryGetValue(group.Pattern.LiteralPrefix, out var same)) exact[group.Pattern.LiteralPrefix] = same = [];
            same.Add(group);
        }
        patterns = [.. groups.Where(group => !group.Pattern.IsExact).Reverse()];
    }

    /// <summary>What the server may ask of the caller.</summary>
    public McpClient Client { get; }

    /// <summary>Whether the caller may use tasks.</summary>
    public bool Tasks { get; }

    /// <summary>By rank.</summary>
    public ImmutableArray<McpGroup> Groups => groups;

    /// <summary>Whether some rule grants the caller anything at this server: then it may speak to it at all.</summary>
    public bool MayConnect(DateTimeOffset now) => groups.Any(group => group.Permit is not null && group.Permits.Any(rule => Counts(rule, now)));

    public Decision Decide(McpRequest request)
    {
        if (request.Kind == McpKind.Resource && McpUri.Fault(request.Name) is { } fault) return new(DecisionOutcome.Deny, null, null, fault, null);
        var permit = FindPermit(request, out var twin);
        McpRule? denying = null;
        var denyRank = -1;
        foreach (var group in Denying(request))
        {
            if (group.Rank <= denyRank) continue;
            foreach (var rule in group.Denies)
            {
                if (!McpRuleCheck.IsActive(rule, server, request, claims)) continue;
                (denying, denyRank) = (rule, group.Rank);
                break;
            }
        }
        if (denying is not null && (permit is null || denyRank >= permit.Rank))
            return Say(DecisionOutcome.Deny, denying, $"denied by policy `{denying.Policy}` ({denying.Place})");
        if (permit is null) return new(DecisionOutcome.Deny, null, null, $"no rule matches this {McpNames.Of(request.Kind)}", null);
        // the server may take the two for one, and the more specific rule may constrain what this one leaves free
        if (twin is not null)
            return Say(DecisionOutcome.Deny, twin.Permits[0],
                $"the name differs only in letter case from that of a more specific rule ({twin.Permits[0].Place})");
        return Decide(permit, request);
    }

    /// <summary>Whether a list of resource templates shows this one: whether some URI of it may be permitted.</summary>
    public bool ShowsTemplate(string template, DateTimeOffset now)
    {
        var brace = template.IndexOf('{');
        var start = brace < 0 ? template : template[..brace];
        return groups.Any(group => group.Kind == McpKind.Resource && group.Permit is { } pattern && group.Permits.Any(rule => Counts(rule, now))
            && (pattern.LiteralPrefix.StartsWith(start, StringComparison.Ordinal)
                || (!pattern.IsExact && start.StartsWith(pattern.LiteralPrefix, StringComparison.Ordinal))));
    }

    /// <summary>The group whose permits decide; <paramref name="twin"/> is a more specific one that would match in another letter case.</summary>
    public McpGroup? FindPermit(McpRequest request, out McpGroup? twin)
    {
        McpGroup? best = null;
        twin = null;
        foreach (var group in Candidates(request))
        {
            if (group.Permits.IsEmpty || group.Permit is not { } pattern || (best is not null && best.Rank > group.Rank)) continue;
            if (pattern.Permits(request.Name)) best = group;
        }
        if (best is null) return null;
        foreach (var group in Candidates(request))
        {
            if (group.Rank > best.Rank && !group.Permits.IsEmpty && group.Permit is { } pattern && pattern.Denies(request.Name)) twin = group;
        }
        return best;
    }

    private Decision Decide(McpGroup group, McpRequest request)
    {
        McpRule? closest = null;
        RuleFinding closestFinding = default;
        foreach (var rule in group.Permits)
        {
            var finding = McpRuleCheck.Check(rule, server, request, claims);
            if (finding.Verdict == RuleVerdict.Grants) return Say(DecisionOutcome.Allow, rule, rule.Permission);
            if (closest is null || finding.Closeness > closestFinding.Closeness) (closest, closestFinding) = (rule, finding);
        }
        return Say(closestFinding.Verdict == RuleVerdict.BadRequest ? DecisionOutcome.BadRequest : DecisionOutcome.Deny, closest!,
            $"{closestFinding.Reason} ({closest!.Place})");
    }

    /// <summary>Whether it grants something to somebody who may ask: what depends on the request counts as true.</summary>
    private bool Counts(McpRule rule, DateTimeOffset now) =>
        (rule.Expires is not { } expires || expires > now) && rule.ParameterClaims.All(name => ClaimText.Of(claims, name) is not null)
        && (rule.When is not { } when || when.ReadsRequest || when.Evaluate(new ConditionInput { Claims = claims, Now = now }).IsTrue);

    private IEnumerable<McpGroup> Denying(McpRequest request)
    {
        foreach (var group in Candidates(request, denies: true))
        {
            if (group.Denies.IsEmpty) continue;
            if (group.Deny.Denies(request.Name) || (request.Kind == McpKind.Resource && group.Deny.Denies(McpUri.Decoded(request.Name)))) yield return group;
        }
    }

    private IEnumerable<McpGroup> Candidates(McpRequest request, bool denies = false)
    {
        if (exact.TryGetValue(request.Name, out var named)) foreach (var group in named) if (group.Kind == request.Kind) yield return group;
        if (denies && request.Kind == McpKind.Resource && request.Name.Contains('%') && exact.TryGetValue(McpUri.Decoded(request.Name), out named))
            foreach (var group in named) if (group.Kind == request.Kind) yield return group;
        // what a server makes of other characters (a fold, a cut at NUL, a homograph) can't be known: such a name must be written out to be permitted
        if (!denies && request.Kind != McpKind.Resource && request.Name.AsSpan().ContainsAnyExcept(ordinary)) yield break;
        foreach (var group in patterns) if (group.Kind == request.Kind) yield return group;
    }

    private static Decision Say(DecisionOutcome outcome, McpRule rule, string reason) => new(outcome, rule.Policy, rule.Range, reason, null);
}
