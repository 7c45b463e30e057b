using System.Text.Json;

namespace WorkloadProxy.Policies.Explaining;

/// <summary>A way around a denial that the policy already has: a token for another role, which the caller may exchange its own for.</summary>
internal static class ExchangeRoute
{
    private const int MostSubjects = 100;

    /// <summary>
    /// The name behind <c>actx:ID:</c> in the <c>sub</c> of a token that the caller may get and that permits the request; null when there is none.
    /// </summary>
    public static string? Find(PolicySet set, Grants grants, AccessRequest request, Claims claims)
    {
        if (request.Target.IsOwnPath || set.Options.OwnIssuer is not { Length: > 0 } issuer) return null;
        var own = $"actx:{set.Context.Id}:";
        var subjects = set.Roles.Where(role => role is { Enabled: true, IsOwn: true }).SelectMany(role => role.Claims).Where(claim => claim.Name == "sub")
            .SelectMany(claim => claim.Texts ?? [])
            .Where(text => text.Pattern.IsLiteral && text.Pattern.LiteralPrefix.StartsWith(own, StringComparison.Ordinal))
            .Select(text => text.Pattern.LiteralPrefix);
        foreach (var subject in subjects.Distinct().Where(subject => subject != claims.String("sub")).Take(MostSubjects))
        {
            if (!MayExchange(grants, set.Context, subject, request.Now)) continue;
            var minted = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string>
            {
                ["iss"] = issuer, ["aud"] = set.Context.ToString(), ["sub"] = subject, ["actx_source"] = set.Context.ToString(),
            });
            if (set.MatchRoles(Claims.Parse(minted)).Decide(request).Outcome == DecisionOutcome.Allow) return subject[own.Length..];
        }
        return null;
    }

    private static bool MayExchange(Grants grants, AuthContext context, string subject, DateTimeOffset now)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string> { ["aud"] = context.ToString(), ["sub"] = subject });
        if (!RequestBody.TryParseJson(json, out var body, out _)) return false;
        var exchange = new AccessRequest { Method = "POST", Target = RequestTarget.OfPath(OwnPaths.Issue), Body = body, Now = now };
        if (grants.Decide(exchange).Outcome == DecisionOutcome.Allow) return true;
        // The rule may want a `ttl`: the one that it names, or any.
        return grants.Decide(exchange with { Body = body.WithNumber("ttl", grants.SingleTtl(exchange) ?? 60) }).Outcome == DecisionOutcome.Allow;
    }
}
