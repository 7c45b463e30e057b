using System.Collections.Frozen;
using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Requests;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Authentication;

/// <summary>A token's <c>aud</c> → the one auth context that it addresses. Texts are compared exactly.</summary>
internal sealed class Audiences(ProxyOptions options, PolicySetStore sets)
{
    private readonly FrozenSet<AuthContext> bound = options.Policies.Select(source => source.Context).ToFrozenSet();

    /// <summary>A context's own name wins over an entry of <c>Audiences</c> that spells another context's.</summary>
    private readonly FrozenDictionary<string, AuthContext> known = options.Policies.Select(source => (Audience: source.Context.ToString(), source.Context))
        .Concat(options.Audiences.Select(audience => (audience.Audience, audience.Context)))
        .DistinctBy(entry => entry.Audience)
        .ToFrozenDictionary(entry => entry.Audience, entry => entry.Context);

    public Result<AuthContext> Resolve(IReadOnlyList<string> audiences)
    {
        AuthContext? addressed = null;
        foreach (var audience in audiences)
        {
            if (!known.TryGetValue(audience, out var context) && !AuthContext.TryParse(audience, out context)) continue;
            // also when one of the two is unknown here: which of them is meant is not ours to choose
            if (addressed is not null && addressed != context) return Refusal.SeveralContexts;
            addressed = context;
        }

        return addressed is not null && (bound.Contains(addressed) || sets.Has(addressed)) ? addressed : Refusal.UnknownContext(audiences);
    }
}
