using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Cli;

/// <summary>What the server refuses before it asks the policies, and <c>policy explain</c> must therefore refuse too.</summary>
internal static class ExplainChecks
{
    private const int MaxBody = 1024 * 1024;

    public static Explanation Explain(PolicySet set, Claims claims, ExplainedRequest request, bool encodedSlash)
    {
        if (AddressesAnother(set.Context, claims)) return Refused("the token is for another context");
        if (RequestTarget.TryParse(request.RawTarget, out var target, out _, out _))
        {
            if (!encodedSlash && target.HasEncodedSlash) return Refused("the path holds an encoded slash, which the upstream does not take (with `--encoded-slash` it does)");
            if (OwnPaths.Refusal(set.Context, request.Method, target) is { } refusal) return Refused(refusal);
        }
        if (request.Body.Length <= MaxBody) return PolicyExplainer.Explain(set, claims, request);
        var unread = PolicyExplainer.Explain(set, claims, request with { Body = default });
        return RequestTarget.TryParse(request.RawTarget, out target, out _, out _)
            && set.MatchRoles(claims).Decide(new AccessRequest { Method = request.Method, Target = target, Now = request.Now }).Outcome == DecisionOutcome.BodyNeeded
            ? Refused("the body is over 1 MiB, and a rule constrains it") : unread;

        Explanation Refused(string reason) => new(new Decision(DecisionOutcome.Deny, null, null, reason, null), [.. set.Roles.Select(role => role.Explain(claims, request.Now))], [], null);
    }

    // such a token would be judged by the other context's policies
    private static bool AddressesAnother(AuthContext context, Claims claims)
    {
        if (!claims.Root.TryGetProperty("aud", out var audience)) return false;
        var audiences = audience.ValueKind == JsonValueKind.Array ? audience.EnumerateArray().ToList() : [audience];
        return audiences.Any(item => item.ValueKind == JsonValueKind.String && AuthContext.TryParse(item.GetString(), out var other) && other != context);
    }
}
