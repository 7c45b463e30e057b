using WorkloadProxy.Policies.Conditions;
using WorkloadProxy.Policies.Parameters;
using WorkloadProxy.Policies.Rules;

namespace WorkloadProxy.Policies.Deciding;

internal enum RuleVerdict
{
    /// <summary>The default: what was not evaluated grants nothing.</summary>
    Refuses,
    Grants,
    /// <summary>It could grant, but must see the body first.</summary>
    BodyNeeded,
    /// <summary>Refused as ambiguous (400).</summary>
    BadRequest,
    /// <summary>The body is in another encoding than the rule reads (415).</summary>
    UnsupportedMediaType,
}

/// <summary>What one rule says of a request whose path and method it is for. <paramref name="Closeness"/> orders failures: the greatest came closest.</summary>
internal readonly record struct RuleFinding(RuleVerdict Verdict, string? Fault, Mismatch? Mismatch, int Closeness)
{
    public string Reason => Mismatch?.Text ?? Fault ?? "the rule was not evaluated";
}

/// <summary>The checks of one rule, in the order of what they cost: time, claims, query, condition, body.</summary>
internal static class RuleCheck
{
    private const int BodyPhase = 1000;
    private const string NotProtobuf = "the body is neither `application/proto` nor one uncompressed message of `application/grpc`, and a rule must read it";
    private static readonly RuleFinding TooCostly = new(RuleVerdict.Refuses, $"the decision takes more than {StepBudget.Steps} steps", null, -1);

    public static RuleFinding Check(PolicyRule rule, in AccessRequest request, Claims claims, ref StepBudget? steps)
    {
        if (rule.Expires is { } expires && expires <= request.Now) return new(RuleVerdict.Refuses, "the rule has expired", null, -4);
        foreach (var name in rule.ParameterClaims)
        {
            // The rule still decides for its pattern: a caller without the claim must not fall through to a wider one.
            if (ClaimText.Of(claims, name) is null)
                return new(RuleVerdict.Refuses, $"the rule needs the claim `{name}`, which the token does not have", null, -2);
        }
        if (CheckQuery(rule, request.Target, claims, ref steps) is { } inQuery) return Failed(inQuery, 0);
        if (rule.When is { ReadsBody: false } && CheckWhen(rule, request, claims, ref steps) is { } early) return early;
        if (!rule.ConstrainsBody)
            return request.Body is { } free && MethodOverride.Check(free, rule.Allowed) is { } changes
                ? Failed(changes, 0) : new(RuleVerdict.Grants, null, null, 0);
        if (request.Body is not { } body) return new(RuleVerdict.BodyNeeded, null, null, 0);
        if (rule.IsProtobuf != body.Protobuf is not null && !body.IsAbsent)
            return new(RuleVerdict.UnsupportedMediaType, rule.IsProtobuf ? NotProtobuf : RequestBody.NeitherJsonNorForm, null, -5);
        if (CheckBody(rule, body, claims, steps) is { } inBody) return steps is { IsSpent: true } ? TooCostly : Failed(inBody, BodyPhase);
        return rule.When is { ReadsBody: true } && CheckWhen(rule, request, claims, ref steps) is { } late ? late : new(RuleVerdict.Grants, null, null, 0);
    }

    /// <summary>
    /// Whether a <c>deny</c> holds now: true, false (expired, or its <c>when</c> is false), or null while that depends on the body. One that fails to evaluate
    /// holds.
    /// </summary>
    public static bool? IsActive(PolicyRule deny, in AccessRequest request, Claims claims, ref StepBudget? steps)
    {
        if (deny.Expires is { } expires && expires <= request.Now) return false;
        if (deny.When is not { } when) return true;
        if (when.ReadsBody && request.Body is null) return null;
        // it can't be evaluated
        if (when.ReadsBody && request.Body?.Protobuf is not null) return true;
        return !when.Evaluate(Input(request, claims, steps ??= new StepBudget())).IsFalse;
    }

    private static Mismatch? CheckQuery(PolicyRule rule, RequestTarget target, Claims claims, ref StepBudget? steps)
    {
        if (target.RawQuery.Length > 0 && (rule.Allowed is not null || rule.Denied is not null)) steps ??= new StepBudget();
        return rule.Denied?.CheckQuery(target, claims, alone: rule.Allowed is null, steps) ?? MethodOverride.Check(target, rule.Allowed)
            ?? rule.Allowed?.CheckQuery(target, claims, steps);
    }

    private static Mismatch? CheckBody(PolicyRule rule, RequestBody body, Claims claims, StepBudget? steps)
        => rule.Denied?.CheckBody(body, claims, alone: rule.Allowed is null, steps) ?? MethodOverride.Check(body, rule.Allowed)
            ?? rule.Allowed?.CheckBody(body, claims, steps);

    private static RuleFinding? CheckWhen(PolicyRule rule, in AccessRequest request, Claims claims, ref StepBudget? steps)
    {
        var result = rule.When!.Evaluate(Input(request, claims, steps ??= new StepBudget()));
        if (result.IsTrue) return null;
        return new(RuleVerdict.Refuses, result.IsError ? $"the rule's `when` can't be evaluated: {result.Error}"
            : rule.Reason is { } reason ? $"the rule's `when` is false: {reason}" : "the rule's `when` is false", null, -3);
    }

    private static ConditionInput Input(in AccessRequest request, Claims claims, StepBudget steps) => new()
    {
        Claims = claims,
        Now = request.Now,
        Method = request.Method,
        Path = request.Target.Path,
        Query = request.Target.Query,
        Body = request.Body is { Protobuf: null } body ? body.AsValue() : null,
        Steps = steps,
    };

    private static RuleFinding Failed(Mismatch mismatch, int phase)
        => new(mismatch.Kind == MismatchKind.Ambiguous ? RuleVerdict.BadRequest : RuleVerdict.Refuses, null, mismatch, phase + mismatch.Satisfied);
}
