using System.Text.Json;
using WorkloadProxy.Issuing;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Hosted;

namespace WorkloadProxy.Cli.Input;

/// <summary>What the server refuses before it asks the policies, and <c>policy explain</c> must therefore refuse too.</summary>
internal static class ExplainChecks
{
    /// <summary>Where a reader of the proxy itself needs no token, and the upstream is never reached.</summary>
    internal static readonly string[] PublicPaths =
        ["/", "/health", "/health/live", "/health/ready", Discovery.ConfigurationPath, Discovery.JwksPath, Discovery.JwksPath + ".json"];

    public static Explanation Explain(PolicySet set, Claims claims, ExplainedRequest request, bool encodedSlash)
    {
        var target = RequestTarget.TryParse(request.RawTarget, out var parsed, out _, out _) ? parsed : null;
        if (target is not null && PublicPaths.Contains(target.Path) && request.Method is ("GET" or "HEAD"))
            return Answer(DecisionOutcome.Allow, "the proxy itself answers at this path, whoever asks: no policy is asked");
        if (Refusal(set.Context, claims, request.Method, target, encodedSlash) is { } refusal) return Answer(DecisionOutcome.Deny, refusal);
        if (request.Body.Length <= RequestBody.MaxLength) return PolicyExplainer.Explain(set, claims, request);
        var unread = PolicyExplainer.Explain(set, claims, request with { Body = default });
        return target is not null && set.MatchRoles(claims).Decide(new AccessRequest { Method = request.Method, Target = target, Now = request.Now }).Outcome == DecisionOutcome.BodyNeeded
            ? Answer(DecisionOutcome.Deny, "the body is over 1 MiB, and a rule constrains it") : unread;

        Explanation Answer(DecisionOutcome outcome, string reason) => new(new Decision(outcome, null, null, reason, null), [.. set.Roles.Select(role => role.Explain(claims, request.Now))], [], null);
    }

    private static string? Refusal(AuthContext context, Claims claims, string method, RequestTarget? target, bool encodedSlash)
    {
        if (target is not null && PublicPaths.Contains(target.Path)) return "the proxy itself answers at this path, to GET and HEAD only: no policy is asked";
        if (target is not null && GitPath.TryParse(target.Path, out var git) && git.Upstream is null) return "this path is git's at the server's root, where an API token picks the context: no policy is asked";
        if (AddressesAnother(context, claims)) return "the token is for another context";
        if (target is null) return null;
        if (!encodedSlash && target.HasEncodedSlash) return "the path holds an encoded slash, which the upstream does not take (with `--encoded-slash` it does)";
        return OwnPaths.Refusal(context, method, target);
    }

    // such a token would be judged by the other context's policies
    private static bool AddressesAnother(AuthContext context, Claims claims)
    {
        if (!claims.Root.TryGetProperty("aud", out var audience)) return false;
        var audiences = audience.ValueKind == JsonValueKind.Array ? audience.EnumerateArray().ToList() : [audience];
        return audiences.Any(item => item.ValueKind == JsonValueKind.String && AuthContext.TryParse(item.GetString(), out var other) && other != context);
    }
}
