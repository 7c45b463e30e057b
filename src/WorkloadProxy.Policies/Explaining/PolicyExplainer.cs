using System.Collections.Immutable;
using WorkloadProxy.Policies.Deciding;
using WorkloadProxy.Policies.Explaining;
using WorkloadProxy.Policies.Patterns;
using WorkloadProxy.Policies.Rules;

namespace WorkloadProxy.Policies;

/// <summary>Why a request is decided as it is: by the very functions that decide it, and then by looking at each role and rule.</summary>
public static class PolicyExplainer
{
    /// <summary>Explains one request of a caller with these claims.</summary>
    public static Explanation Explain(PolicySet set, Claims claims, ExplainedRequest request)
    {
        var roles = set.Roles.Select(role => role.Explain(claims, request.Now)).ToImmutableArray();
        if (RequestGate.Settle(set.Options, claims, request.Method, request.RawTarget, out var target) is { } settled)
            return new Explanation(settled, roles, [], null);

        var grants = set.MatchRoles(claims);
        var (body, bodyFault, tooLarge) = ((RequestBody?)null, (Decision?)null, request.Body.Length > RequestBody.MaxLength);
        if (tooLarge) bodyFault = Refused(DecisionOutcome.Deny, "the body is over 1 MiB, and a rule constrains it");
        else if (!RequestBody.TryParse(request.Body, [request.ContentType], null, out body, out var problem, out var error))
            bodyFault = Refused(problem == RequestBody.Problem.Malformed ? DecisionOutcome.BadRequest : DecisionOutcome.UnsupportedMediaType, error!);
        var asked = new AccessRequest { Method = request.Method, Target = target!, Upgrade = request.Upgrade, Now = request.Now };
        var decision = grants.Decide(asked);
        if (decision.Outcome == DecisionOutcome.BodyNeeded)
        {
            decision = bodyFault is { } fault ? decision with { Outcome = fault.Outcome, Reason = fault.Reason } : grants.Decide(asked with { Body = body });
        }

        var active = grants.ActiveRoles(request.Now);
        var index = set.RuleIndexes.Get(active);
        var rules = Rules(index, asked with { Body = body }, claims, decision);
        return new Explanation(decision, roles, rules, decision.Outcome == DecisionOutcome.Deny
            && !tooLarge ? Remedy.For(set, grants, index, asked with { Body = body }, claims, decision) : null);
    }

    private static ImmutableArray<RuleExplanation> Rules(RuleIndex index, in AccessRequest request, Claims claims, in Decision decision)
    {
        var rules = ImmutableArray.CreateBuilder<RuleExplanation>();
        var bound = index.Bind(claims);
        var deciding = index.FindPermits(request.Target, bound);
        var needed = Grants.NeededBy(request);
        var shadow = deciding is { MayBeShadowed: true } ? index.FindShadow(deciding, request.Target, bound) : null;
        var path = request.Target.MatchPath;
        foreach (var group in index.Groups.Reverse())
        {
            var pattern = group.Pattern.Bind(claims);
            var deny = DenyPattern.Of(group.Pattern, claims);
            var denies = deny.Holds(path) || (PathSpelling.WithAsciiLetters(path) is { } plain && deny.Holds(plain));
            foreach (var use in group.Denies) rules.Add(ExplainDeny(use.Rule, denies, request, claims, decision));
            foreach (var use in group.Permits)
            {
                if (group == shadow) rules.Add(new(use.Rule, RuleStanding.Refuses, "decides: the path is what its pattern matches, in another spelling", []));
                else rules.Add(Explain(use.Rule, pattern, group == deciding && shadow is null, request, needed, claims, path));
            }
        }
        return [.. rules.OrderByDescending(rule => rule.Standing)];
    }

    private static RuleExplanation ExplainDeny(PolicyRule rule, bool matches, in AccessRequest request, Claims claims, in Decision decision)
    {
        StepBudget? steps = null;
        if (!matches) return new(rule, RuleStanding.NoMatch, "the pattern does not match the path", []);
        if (RuleCheck.IsActive(rule, request, claims, ref steps) == false)
            return new(rule, RuleStanding.Outranked, "the `deny` is inactive: it has expired, or its `when` is false", []);
        return decision.Rule == rule.Range && decision.Policy == rule.Policy
            ? new(rule, RuleStanding.Denies, "decides, and denies", [])
            : new(rule, RuleStanding.Outranked, "a more specific pattern decides", []);
    }

    private static RuleExplanation Explain(PolicyRule rule, PathPattern? pattern, bool decides, in AccessRequest request, Capability needed, Claims claims,
        string path)
    {
        if (pattern is null) return new(rule, RuleStanding.NoMatch, "the token does not have a claim that the pattern needs, or it can't appear in a path", []);
        if (!pattern.Permits(path)) return new(rule, RuleStanding.NoMatch, "the pattern does not match the path", []);
        if (request.Target.IsOwnPath && !rule.Pattern.ReachesOwnPaths)
            return new(rule, RuleStanding.Outranked, "the proxy's own paths are permitted only by patterns that name them", []);
        if (!decides) return new(rule, RuleStanding.Outranked, "a more specific pattern decides", []);
        if (needed == Capability.None) return new(rule, RuleStanding.Refuses, "decides, but no rule can permit this method", []);
        if (!Capabilities.Grants(rule.Granted, needed))
            return new(rule, RuleStanding.Refuses, $"decides, and does not grant `{Capabilities.Name(needed)}`", []);
        StepBudget? steps = null;
        var finding = RuleCheck.Check(rule, request, claims, ref steps);
        var parameters = ParameterTable.Of(rule, request.Target, request.Body, claims);
        return finding.Verdict switch
        {
            RuleVerdict.Grants => new(rule, RuleStanding.Permits, "decides, and permits", parameters),
            RuleVerdict.BodyNeeded => new(rule, RuleStanding.Refuses, "decides, but the body can't be inspected", parameters),
            _ => new(rule, RuleStanding.Refuses, $"decides, and refuses: {finding.Reason}", parameters),
        };
    }

    private static Decision Refused(DecisionOutcome outcome, string reason) => new(outcome, null, null, reason, null);
}
