using System.Collections.Immutable;
using System.Text;
using WorkloadProxy.Policies.Deciding;
using WorkloadProxy.Policies.Parameters;
using WorkloadProxy.Policies.Rules;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies;

/// <summary>The smallest HCL that would permit a denied request: <paramref name="Text"/> says where it goes, or what is to be taken away.</summary>
public sealed record Remedy(string Text, string Hcl)
{
    internal static Remedy? For(PolicySet set, ImmutableArray<Role> active, RuleIndex index, AccessRequest request, Claims claims, Decision decision)
    {
        var needed = Grants.NeededBy(request);
        var bound = index.Bind(claims);
        var deciding = index.FindPermits(request.Target, bound);
        var deny = index.Groups.SelectMany(group => group.Denies).FirstOrDefault(use => use.Rule.Range == decision.Rule);
        if (deny is not null)
        {
            // The exact path is more specific than any wildcard; but on an own path, or against a deny of this very pattern, no permit helps.
            if (request.Target.IsOwnPath || deny.Rule.Pattern.LiteralPrefix.Length == deny.Rule.Pattern.Key.Length) return new Remedy($"to permit it, take the `deny` at {deny.Rule.Place} away", "");
            return new Remedy($"to permit it in spite of the `deny` at {deny.Rule.Place}, add to {deny.Rule.Range.File}:", Block(Literal(request.Target), needed, Values(null, request, claims), set.Context, request.Target));
        }
        if (request.Target.Path == OwnPaths.Issue && !MayBeMinted(set.Context, request.Body)) return new Remedy("no policy can permit it: a minted token's `sub` begins with `actx:{actx}:`, and its `aud` is a context", "");
        if (active.IsEmpty)
        {
            return new Remedy("to permit it, add a role for the token and a policy for the request:", $"{RoleBlock(set, claims)}\n{Block(Literal(request.Target), needed, Values(null, request, claims), set.Context, request.Target)}");
        }
        if (deciding is null)
        {
            var file = active.SelectMany(role => role.Policies).FirstOrDefault()?.File ?? "a policy of the role";
            return new Remedy($"to permit it, add to {file}:", Block(Literal(request.Target), needed, Values(null, request, claims), set.Context, request.Target));
        }
        if (deciding.MayBeShadowed && index.FindShadow(deciding, request.Target, bound)?.Permits[0].Rule is { } shadow)
        {
            return new Remedy($"to permit it, send the path as `{shadow.Path}` ({shadow.Place}) spells it; to permit this spelling too, add to {shadow.Range.File}:",
                Block(Literal(request.Target), needed, Values(shadow, request, claims), set.Context, request.Target));
        }
        var closest = deciding.Permits.FirstOrDefault(use => use.Rule.Range == decision.Rule)?.Rule ?? deciding.Permits[0].Rule;
        var lacks = deciding.Permits.FirstOrDefault(use => !Capabilities.Grants(use.Rule.Granted, needed) && Permits(use.Rule, request, claims))?.Rule;
        if (lacks is not null && !lacks.Pattern.ReachesOwnPaths)
            return new Remedy($"to permit it, write at {lacks.Place}:", $"capabilities = [{string.Join(", ", lacks.Capabilities.Append(Capabilities.Name(needed)).Select(HclText.Quote))}]\n");
        return new Remedy($"to permit it, add to {closest.Range.File}:", Block(closest.Path, needed, Values(closest, request, claims), set.Context, request.Target));
    }

    private static bool Permits(PolicyRule rule, in AccessRequest request, Claims claims)
    {
        StepBudget? steps = null;
        return RuleCheck.Check(rule, request, claims, ref steps).Verdict == RuleVerdict.Grants;
    }

    private static bool MayBeMinted(AuthContext context, RequestBody? body)
        => body is { Form: null, Json.ValueKind: System.Text.Json.JsonValueKind.Object }
            && ParameterValue.Of(body) is var value && value.TryMember("sub", out var sub) && value.TryMember("aud", out var aud)
            && sub.AsString is { } subject && subject.StartsWith($"actx:{context.Id}:", StringComparison.Ordinal) && AuthContext.TryParse(aud.AsString, out _);

    /// <summary>The path as an exact pattern; a wildcard character in it has no other way than to be one.</summary>
    private static string Literal(RequestTarget target) => target.Path;

    private static string Block(string path, Capability needed, string? allowed, AuthContext context, RequestTarget target)
    {
        var text = new StringBuilder();
        text.Append("path ").Append(HclText.Quote(path)).Append(" {\n");
        var names = Enum.GetValues<Capability>().Where(one => one != Capability.None && (needed & one) != 0).Select(one => HclText.Quote(Capabilities.Name(one)));
        text.Append("  capabilities = [").AppendJoin(", ", names).Append("]\n");
        // The id goes back to `{actx}` where minting is permitted, so that the rule serves in every context.
        if (allowed is not null) text.Append("  allowed_parameters = ").Append(target.Path == OwnPaths.Issue ? allowed.Replace(context.Id, "{actx}", StringComparison.Ordinal) : allowed).Append('\n');
        return text.Append("}\n").ToString();
    }

    /// <summary>What <paramref name="rule"/> says where it holds, and the request's own values elsewhere; null when nothing need be said.</summary>
    private static string? Values(PolicyRule? rule, AccessRequest request, Claims claims)
    {
        var body = request.Body is { IsAbsent: false } read && ParameterValue.Of(read) is { IsObject: true } value ? value : default;
        if (rule is null && request.Target.Path != OwnPaths.Issue) return null;
        if (rule is { Allowed: null, Denied: null }) return null;
        if (request.Body is { IsAbsent: false } && !body.IsObject) return null;
        var members = Members(rule?.Allowed?.Body, body, claims);
        var query = Members(rule?.Allowed?.Query, ParameterValue.Of(request.Target.Query), claims);
        return HclText.Object(query.Count == 0 ? members : members.Append(("?", HclText.Object(query))));
    }

    private static List<(string, string)> Members(ObjectConstraint? constraint, ParameterValue value, Claims claims)
    {
        var members = new List<(string, string)>();
        foreach (var member in constraint?.Members ?? [])
        {
            if (!value.IsObject || !value.TryMember(member.Name, out var found))
            {
                if (member.IsOptional && !member.Value.ClaimNames.Any()) members.Add((member.Name, member.Hcl));
                continue;
            }
            members.Add((member.Name, member.Value.Check(found, claims) is null ? member.Hcl : HclText.Literal(found)));
        }
        if (!value.IsObject) return members;
        if (constraint is { OthersPermitted: true }) members.Add(("*", "[]"));
        else members.AddRange(value.Members.Where(member => constraint?.Lists(member.Name) != true).Select(member => (member.Name, HclText.Literal(member.Value))));
        return members;
    }

    private static string RoleBlock(PolicySet set, Claims claims)
    {
        var issuer = claims.String("iss");
        var text = new StringBuilder("role \"NAME\" {\n");
        if (issuer is not null && issuer != set.Options.OwnIssuer) text.Append("  iss      = ").Append(HclText.Quote(issuer)).Append('\n');
        text.Append("  aud      = ").Append(HclText.Quote((claims.String("aud") ?? set.Context.ToString()).Replace(set.Context.Id, "{actx}", StringComparison.Ordinal))).Append('\n');
        if (claims.String("sub") is { } subject) text.Append("  sub      = ").Append(HclText.Quote(subject)).Append('\n');
        return text.Append("  policies = [\"NAME\"]\n}\n").ToString();
    }
}
