using System.Collections.Concurrent;
using System.Collections.Immutable;
using WorkloadProxy.Policies.Mcp;
using WorkloadProxy.Policies.Parameters;
using WorkloadProxy.Policies.Protobuf;
using WorkloadProxy.Policies.Rules;

namespace WorkloadProxy.Policies.Deciding;

/// <summary>The merged rules of the roles that are active for one caller, and the decision by them.</summary>
internal sealed class GrantView(RuleIndex index, ImmutableArray<BoundGroup> bound, Claims claims, NamedCredential credential)
{
    private readonly ConcurrentDictionary<string, McpView> mcp = new(StringComparer.Ordinal);
    private static readonly Decision NoRule = new(DecisionOutcome.Deny, null, null, "no rule matches this path", null);

    /// <summary>What the roles say of the credential.</summary>
    public NamedCredential Credential => credential;

    public Decision Decide(in AccessRequest request, Capability needed)
    {
        if (credential.Disagreement is { } disagreement) return disagreement;
        var steps = request.Body?.Steps;
        steps?.Reset();
        var permits = index.FindPermits(request.Target, bound);
        var denies = new DenySearch(request, claims, steps);
        index.FindDenies(request.Target, bound, ref denies);

        // On an own path a deny holds whatever its priority; elsewhere the more specific pattern decides, and of one pattern the deny.
        var floor = request.Target.IsOwnPath || permits is null ? -1 : permits.Rank;
        if (denies.Active is { } active && denies.ActiveRank >= floor) return active.Deny;
        if (permits is null) return NoRule;
        if (permits.MayBeShadowed && index.FindShadow(permits, request.Target, bound) is { } shadow) return shadow.Permits[0].OtherSpelling;
        steps = denies.Steps;
        var decision = Decide(permits, request, needed, ref steps);
        if (denies.Pending is { } pending && denies.PendingRank >= floor && decision.Outcome == DecisionOutcome.Allow) return pending.BodyNeeded;
        return decision;
    }

    /// <summary>The rules that decide a path for callers who are let through so far: for questions about them.</summary>
    public RuleGroup? Deciding(RequestTarget target) => index.FindPermits(target, bound);

    /// <summary>The caller's rules for one MCP server; made at its first call.</summary>
    public McpView Mcp(string server) => mcp.GetOrAdd(server, name => new McpView(name, index.Policies.Select(use => use.Policy), claims));

    private Decision Decide(RuleGroup group, in AccessRequest request, Capability needed, ref StepBudget? steps)
    {
        if (group.HasProtobuf && request.Body is { IsAbsent: false, Form: null, Protobuf: null } json
            && ProtobufSpelling.Check(json.Json, group.ListedNames, steps) is { } spelling)
            return new Decision(spelling.Kind == MismatchKind.Ambiguous ? DecisionOutcome.BadRequest : DecisionOutcome.Deny, null, null, spelling.Text, null);
        RuleUse? granting = null, pending = null, closest = null;
        RuleFinding closestFinding = default;
        var ambiguous = false;
        int? maxTtl = null;
        foreach (var use in group.Permits)
        {
            if (!Capabilities.Grants(use.Rule.Granted, needed)) continue;
            var finding = RuleCheck.Check(use.Rule, request, claims, ref steps);
            switch (finding.Verdict)
            {
                case RuleVerdict.Grants:
                    granting ??= use;
                    if (use.MaxTtl is { } ttl) maxTtl = Math.Min(ttl, maxTtl ?? ttl);
                    if (!group.HasMaxTtl) return use.Allow;
                    break;
                case RuleVerdict.BodyNeeded:
                    // One with a smaller life for what it grants must be asked before another may answer for it.
                    if (pending is null || use.MaxTtl is not null) pending = use;
                    break;
                default:
                    var outranks = closest is null || (finding.Verdict == RuleVerdict.BadRequest && !ambiguous)
                        || (finding.Closeness > closestFinding.Closeness && ambiguous == (finding.Verdict == RuleVerdict.BadRequest));
                    if (outranks) (closest, closestFinding, ambiguous) = (use, finding, finding.Verdict == RuleVerdict.BadRequest);
                    break;
            }
        }
        if (granting is not null && pending?.MaxTtl is null) return granting.Allow with { MaxTtl = maxTtl };
        if (pending is not null) return pending.BodyNeeded;
        if (closest is not null)
        {
            var outcome = ambiguous ? DecisionOutcome.BadRequest : closestFinding.Verdict == RuleVerdict.UnsupportedMediaType
                ? DecisionOutcome.UnsupportedMediaType : DecisionOutcome.Deny;
            return new Decision(outcome, closest.Rule.Policy, closest.Rule.Range, $"{closestFinding.Reason} (rule at {closest.Rule.Place})", null);
        }
        var first = group.Permits[0].Rule;
        return new Decision(DecisionOutcome.Deny, first.Policy, first.Range,
            $"capability `{Capabilities.Name(needed)}` is not granted (rule at {first.Place})", null);
    }

    /// <summary>The most specific denies among those found: one that holds, and one that depends on the body.</summary>
    private ref struct DenySearch(in AccessRequest request, Claims claims, StepBudget? steps) : RuleNode.ISink
    {
        private readonly ref readonly AccessRequest request = ref request;
        private readonly Claims claims = claims;
        private StepBudget? steps = steps;

        public readonly StepBudget? Steps => steps;

        public RuleUse? Active { get; private set; }
        public int ActiveRank { get; private set; }
        public RuleUse? Pending { get; private set; }
        public int PendingRank { get; private set; }

        public void Found(RuleGroup group)
        {
            if (Active is not null && ActiveRank >= group.Rank) return;
            foreach (var use in group.Denies)
            {
                switch (RuleCheck.IsActive(use.Rule, request, claims, ref steps))
                {
                    case true:
                        (Active, ActiveRank) = (use, group.Rank);
                        return;
                    case null when Pending is null || PendingRank < group.Rank:
                        (Pending, PendingRank) = (use, group.Rank);
                        break;
                }
            }
        }
    }
}
