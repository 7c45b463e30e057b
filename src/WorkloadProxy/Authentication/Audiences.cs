using System.Collections.Frozen;
using System.Text.Json;
using WorkloadProxy.Configuration;
using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Requests;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Authentication;

/// <summary>
/// A token → the one auth context that it addresses: by an <c>aud</c> that is a context's name, or by the narrowest entry of <c>Audiences</c>. Texts are
/// compared exactly. What is read of the token is not verified yet: it only chooses whose roles will judge it.
/// </summary>
internal sealed class Audiences(ProxyOptions options, PolicySetStore sets)
{
    private readonly FrozenSet<AuthContext> bound = options.Policies.Select(source => source.Context).ToFrozenSet();
    private readonly ILookup<string, AudienceOptions> entries = options.Audiences.ToLookup(entry => entry.Audience, StringComparer.Ordinal);

    public Result<AuthContext> Resolve(JwtDocument jwt)
    {
        if (!FindNamed(jwt.Audiences).Succeeded(out var named, out var several)) return several;
        // our own tokens name their context; one for another service must not come back through an entry
        if (jwt.Issuer == options.PublicUrl) return Known(named.Context, jwt.Audiences);
        if (!FindMapped(jwt).Succeeded(out var mapped, out several)) return several;
        if (named.Context is not { } context) return Known(mapped.Context, jwt.Audiences);
        // also when one of the two is unknown here: which of them is meant is not ours to choose
        return mapped is { Context: { } other, TakesAny: false } && other != context ? Refusal.SeveralContexts : Known(context, jwt.Audiences);
    }

    /// <summary>The context, if it is one of this server's.</summary>
    public Result<AuthContext> Known(AuthContext? context, IReadOnlyList<string> audiences) =>
        context is not null && (bound.Contains(context) || sets.Has(context)) ? context : Refusal.UnknownContext(audiences);

    private static Result<Found> FindNamed(IReadOnlyList<string> audiences)
    {
        AuthContext? found = null;
        foreach (var audience in audiences)
        {
            if (!AuthContext.TryParse(audience, out var context)) continue;
            if (found is not null && found != context) return Refusal.SeveralContexts;
            found = context;
        }
        return new Found(found, TakesAny: false);
    }

    private Result<Found> FindMapped(JwtDocument jwt)
    {
        AudienceOptions? narrowest = null;
        var ambiguous = false;
        JsonElement? claims = null;
        foreach (var entry in jwt.Audiences.Where(audience => audience != AudienceOptions.Any).Append(AudienceOptions.Any)
            .SelectMany(audience => entries[audience]))
        {
            if (entry.Narrowness < narrowest?.Narrowness || (entry.Issuer is not null && entry.Issuer != jwt.Issuer)) continue;
            if (entry.Claims is { } constraints && !constraints.Hold(claims ??= JsonElement.Parse(jwt.Claims))) continue;
            ambiguous = entry.Narrowness == narrowest?.Narrowness && (ambiguous || entry.Context != narrowest.Context);
            narrowest = entry;
        }
        return ambiguous ? Refusal.SeveralContexts : new Found(narrowest?.Context, narrowest?.TakesAny == true);
    }

    private sealed record Found(AuthContext? Context, bool TakesAny);
}
