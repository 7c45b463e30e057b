using System.Runtime.InteropServices;
using System.Text.Json;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Tokens;

/// <summary>
/// The claims that our tokens carry beyond RFC 7519's. They are believed in tokens of our own only: whoever mints a foreign token may write anything into it.
/// </summary>
internal static class OwnClaims
{
    /// <summary>RFC 8693 §4.1: who presented the token that this one was exchanged for; nested, the latest outermost.</summary>
    public const string Actor = "act";
    /// <summary>The full context of the presented token.</summary>
    public const string Source = "actx_source";
    /// <summary>Revocation ids of the presented token and its ancestors, nearest first.</summary>
    public const string Ancestors = "actx_ancestors";
    /// <summary>When the chain began, in seconds since 1970.</summary>
    public const string ChainStart = "actx_chain";

    /// <summary>When the chain ends, where that is later than <c>MaxChain</c> after its beginning: when its first token does.</summary>
    public const string ChainEnd = "actx_chain_end";

    /// <summary>The run of the workload that presented the chain's first token.</summary>
    public const string Run = "run";

    /// <summary>How deep <c>act</c> may be nested: a token that was exchanged this often may not be again.</summary>
    public const int MaxActorDepth = 4;

    /// <summary>Whether a caller may give the minted token a claim of this name.</summary>
    public static bool MayBeSet(string name) =>
        !name.StartsWith("actx", StringComparison.OrdinalIgnoreCase)
        && name.ToLowerInvariant() is not ("iss" or "sub" or "aud" or "exp" or "nbf" or "iat" or "jti" or Actor or Run or "droplet_id");

    /// <summary>The <c>act</c> of a token of ours, by itself: it does not hold the rest of the claims.</summary>
    public static JsonElement? ActorOf(Claims claims) =>
        claims.Root.TryGetProperty(Actor, out var actor) ? JsonElement.Parse(JsonMarshal.GetRawUtf8Value(actor)) : null;

    /// <summary>The depth of <c>act</c> in a token of ours, 0 without one; null for an <c>act</c> that we would not have written.</summary>
    public static int? ActorDepthOf(Claims claims)
    {
        var actor = claims.Root;
        var depth = 0;
        for (; actor.TryGetProperty(Actor, out actor); depth++)
        {
            if (actor.ValueKind != JsonValueKind.Object || depth == MaxActorDepth) return null;
        }
        return depth;
    }

    /// <summary>
    /// When the chain that <paramref name="token"/> belongs to began: what it says of itself if it is ours, else its <c>iat</c>, or now if that is absent or
    /// later.
    /// </summary>
    public static long ChainStartOf(VerifiedToken token, long now)
    {
        var start = token.IsOwn && Seconds(token, ChainStart) is { } own ? own : Seconds(token, "iat");
        return start is { } seconds && seconds < now ? seconds : now;
    }

    /// <summary>
    /// When the chain that <paramref name="token"/> belongs to ends: <paramref name="maxChain"/> after it began, or when its first token does if that is later,
    /// for until then that one could be exchanged anew anyway.
    /// </summary>
    public static long ChainEndOf(VerifiedToken token, long start, TimeSpan maxChain)
    {
        var end = start + (long)maxChain.TotalSeconds;
        var own = token.IsOwn && Seconds(token, ChainStart) is not null;
        return Math.Max(end, own ? Seconds(token, ChainEnd) ?? end : token.Expires.ToUnixTimeSeconds());
    }

    /// <summary>How long after its own end the chain of an expired token of ours goes on, as the token says.</summary>
    public static TimeSpan ChainAfter(JwtDocument jwt)
    {
        var left = JsonElement.Parse(jwt.Claims).TryGetProperty(ChainEnd, out var end) && end.ValueKind == JsonValueKind.Number
            && end.TryGetInt64(out var seconds) ? seconds - jwt.Expires.ToUnixTimeSeconds() : 0;
        return TimeSpan.FromSeconds(Math.Clamp(left, 0, 1_000_000_000));
    }

    // a NumericDate may have a fraction (RFC 7519 §2)
    private static long? Seconds(VerifiedToken token, string name) =>
        token.Claims.Root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var seconds)
            ? (long)Math.Clamp(Math.Floor(seconds), -1e12, 1e12)
            : null;
}
