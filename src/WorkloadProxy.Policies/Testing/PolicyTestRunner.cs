using System.Collections.Immutable;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies;

/// <summary>Runs the tests that live beside the policies. The same decision as for a request, from the same raw target.</summary>
public static class PolicyTestRunner
{
    /// <summary>
    /// Runs all of a set's tests; <paramref name="now"/> is the time of those that name none. Throws <see cref="OperationCanceledException"/> soon after it is
    /// cancelled.
    /// </summary>
    public static PolicyTestReport Run(PolicySet set, DateTimeOffset now, CancellationToken cancellationToken = default)
    {
        var reached = new HashSet<SourceRange>();
        var results = set.Tests.Select(test =>
        {
            cancellationToken.ThrowIfCancellationRequested();
            return Run(set, test, now, reached);
        }).ToImmutableArray();
        return new PolicyTestReport(results, [.. set.Policies.SelectMany(policy => policy.Rules).Where(rule => !reached.Contains(rule.Range))]);
    }

    private static PolicyTestResult Run(PolicySet set, PolicyTest test, DateTimeOffset now, HashSet<SourceRange> reached)
    {
        var decision = Decide(set, test, test.Now ?? now);
        if (decision.Rule is { } rule) reached.Add(rule);
        var allowed = decision.Outcome == DecisionOutcome.Allow;
        var by = decision.Rule is { } place ? $" by {place}" : "";
        if (allowed != test.ExpectsAllow)
        {
            return new PolicyTestResult(test, false,
                allowed ? $"expected a denial, but it is permitted{by}" : $"expected to be permitted, but it is denied{by}: {decision.Reason}");
        }
        if (!allowed && test.Reason is { } reason && !decision.Reason.Contains(reason, StringComparison.Ordinal))
        {
            return new PolicyTestResult(test, false, $"expected a denial for `{reason}`, but it is denied{by} for `{decision.Reason}`");
        }
        return new PolicyTestResult(test, true, allowed ? $"permitted{by}" : $"denied{by}: {decision.Reason}");
    }

    private static Decision Decide(PolicySet set, PolicyTest test, DateTimeOffset now)
    {
        if (test.McpServer is { } server)
        {
            if (RequestGate.AddressesAnother(set.Context, test.Claims)) return Denied("the token is for another context");
            var access = set.MatchRoles(test.Claims).Mcp(server, now);
            return test.McpKind == McpKind.Method ? access.DecideMethod(test.McpName) : access.Decide(new McpRequest
                { Kind = test.McpKind, Name = test.McpName, Method = McpNames.MethodOf(test.McpKind), Now = now, Arguments = test.Body });
        }
        if (RequestGate.Settle(set.Options, test.Claims, test.Method, test.RawTarget, out var target) is { } settled) return settled;
        var grants = set.MatchRoles(test.Claims);
        var request = new AccessRequest { Method = test.Method, Target = target!, Now = now };
        var decision = grants.Decide(request);
        if (decision.Outcome != DecisionOutcome.BodyNeeded) return decision;
        if (!RequestBody.TryParse(test.Body, [test.ContentType], null, out var body, out _, out var error)) return Denied(error ?? "the body can't be read");
        decision = grants.Decide(request with { Body = body });
        return decision.Outcome == DecisionOutcome.BodyNeeded ? Denied("the body can't be read") : decision;
    }

    private static Decision Denied(string reason) => new(DecisionOutcome.Deny, null, null, reason, null);
}
