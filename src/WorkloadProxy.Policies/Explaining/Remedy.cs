using System.Collections.Immutable;
using WorkloadProxy.Policies.Deciding;
using WorkloadProxy.Policies.Explaining;
using WorkloadProxy.Policies.Parameters;
using WorkloadProxy.Policies.Patterns;
using WorkloadProxy.Policies.Rules;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies;

/// <summary>
/// The smallest change that would permit a denied request: <paramref name="Text"/> says where <paramref name="Hcl"/> goes, or why nothing is proposed. It
/// widens the rule that has the capability by the values that were refused, and keeps the rule's other constraints and its <c>when</c>: advice is followed
/// without a second thought, so it must not open a hole.
/// </summary>
public sealed record Remedy(string Text, string Hcl)
{
    internal static Remedy? For(PolicySet set, Grants grants, RuleIndex index, AccessRequest request, Claims claims, Decision decision)
    {
        if (ExchangeRoute.Find(set, grants, request, claims) is { } name) return new Remedy($"after an exchange to `{name}` it is permitted", "");
        var needed = Grants.NeededBy(request);
        var bound = index.Bind(claims);
        var deciding = index.FindPermits(request.Target, bound);
        if (!PathPattern.CanName(request.Target.Path)) return new Remedy("no pattern names this path alone", "");
        if (request.Body is { IsAbsent: false, Form: null, Json: { ValueKind: System.Text.Json.JsonValueKind.Object } json } && json.GetPropertyCount() == 0
            && !request.Target.IsOwnPath)
            return For(set, grants, index, request with { Body = RequestBody.Absent }, claims, decision);
        var exact = ProposedRule.Block(request.Target.Path, needed, request, set.Context);
        var deny = index.Groups.SelectMany(group => group.Denies).FirstOrDefault(use => use.Rule.Range == decision.Rule);
        if (deny is not null)
        {
            // The exact path is more specific than any wildcard; but on an own path, or against a deny of this very pattern, no permit helps.
            if (request.Target.IsOwnPath || deny.Rule.Pattern.LiteralPrefix.Length == deny.Rule.Pattern.Key.Length)
                return new Remedy($"to permit it, remove the `deny` at {deny.Rule.Place}", "");
            return new Remedy($"to permit it despite the `deny` at {deny.Rule.Place}, add to {deny.Rule.Range.File}:", exact);
        }
        if (request.Target.Path == OwnPaths.Issue && !MayBeMinted(set.Context, request.Body))
            return new Remedy("no policy can permit it: the `sub` of a minted token begins with `actx:{actx}:`, and its `aud` is a context", "");
        var active = grants.ActiveRoles(request.Now);
        if (active.IsEmpty)
        {
            if (grants.RoleNames is [var inactive, ..])
                return new Remedy($"role `{inactive}` matches the token, but is disabled, has expired, or its `when` is false", "");
            if (set.Roles.Select(role => (role.Name, Claims: role.SpelledOtherwise(claims))).FirstOrDefault(role => role.Claims.Count > 0) is
                { Name: { } near, Claims: var spelled })
                return new Remedy($"role `{near}` differs from the token only in the letter case of "
                    + $"{string.Join(", ", spelled.Select(claim => $"`{claim}`"))}: write it as the token does", "");
            return new Remedy("to permit it, add a role for the token and a policy for the request:", $"{ProposedRule.Role(set, claims)}\n{exact}");
        }
        if (deciding is null)
            return new Remedy($"to permit it, add to {active.SelectMany(role => role.Policies).FirstOrDefault()?.File ?? "a policy of the role"}:", exact);
        if (deciding.MayBeShadowed && index.FindShadow(deciding, request.Target, bound)?.Permits[0].Rule is { } shadow)
            return new Remedy($"to permit it, spell the path as `{shadow.Path}` ({shadow.Place}) does; to permit this spelling too, add to "
                + $"{shadow.Range.File}:", exact);

        var rules = deciding.Permits.Select(use => use.Rule).ToList();
        var capable = rules.Where(rule => Capabilities.Grants(rule.Granted, needed)).ToList();
        if (capable.Count == 0) return WithCapability(rules, needed, set, request, claims);
        return Widened(capable.FirstOrDefault(rule => rule.Range == decision.Rule) ?? capable.MaxBy(rule => Check(rule, request, claims).Closeness)!, set,
            request, claims);
    }

    private static Remedy Widened(PolicyRule rule, PolicySet set, in AccessRequest request, Claims claims)
    {
        if (Check(rule, request, claims).Fault is { } fault) return new Remedy($"nothing to change in the rule at {rule.Place}: {fault}", "");
        var wider = rule.Allowed is null ? null : Widening.Of(rule.Allowed, request, claims);
        if (wider is null) return new Remedy($"no change of one value permits it: see the rule at {rule.Place}", "");
        var after = Check(rule.With(wider), request, claims);
        if (after.Verdict == RuleVerdict.Grants)
            return new Remedy($"to permit it, change in `allowed_parameters` of the rule at {rule.Place}:",
                ProposedRule.ForEveryContext(Widening.Changes(rule.Allowed!, wider), request, set.Context));
        return new Remedy($"no change of `allowed_parameters` permits it: {after.Reason} (rule at {rule.Place})", "");
    }

    private static Remedy WithCapability(List<PolicyRule> rules, Capability needed, PolicySet set, AccessRequest request, Claims claims)
    {
        // A rule without parameters would take any body with the new capability.
        var hasParameters = request.Body is { IsAbsent: false } || request.Target.RawQuery.Length > 0;
        foreach (var rule in rules.Where(rule => (rule.Allowed is not null || !hasParameters) && !rule.Pattern.ReachesOwnPaths))
        {
            if (Check(rule, request, claims).Verdict != RuleVerdict.Grants) continue;
            var capabilities = rule.Capabilities.Concat(Capabilities.NamesOf(needed)).Distinct().Select(HclText.Quote);
            return new Remedy($"to permit it, change the rule at {rule.Place}:", $"capabilities = [{string.Join(", ", capabilities)}]\n");
        }
        var closest = rules.MaxBy(rule => Check(rule, request, claims).Closeness)!;
        if (closest.When is not null && Check(closest.With(null), request, claims) is { Fault: { } fault })
            return new Remedy($"the rule at {closest.Place} lacks the capability, and {fault}", "");
        return new Remedy($"to permit it, add to {closest.Range.File}:", ProposedRule.Block(closest.Path, needed, request, set.Context, closest));
    }

    private static RuleFinding Check(PolicyRule rule, in AccessRequest request, Claims claims)
    {
        StepBudget? steps = null;
        return RuleCheck.Check(rule, request, claims, ref steps);
    }

    private static bool MayBeMinted(AuthContext context, RequestBody? body)
        => body is { Form: null, Json.ValueKind: System.Text.Json.JsonValueKind.Object }
            && ParameterValue.Of(body) is var value && value.TryMember("sub", out var sub) && value.TryMember("aud", out var aud)
            && sub.AsString is { } subject && subject.StartsWith($"actx:{context.Id}:", StringComparison.Ordinal) && AuthContext.TryParse(aud.AsString, out _);
}
