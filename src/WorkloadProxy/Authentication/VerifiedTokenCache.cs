using System.Collections.Concurrent;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Authentication;

/// <summary>A verified token, the key that verified it, and what it may do under the set that was in force when it was last asked.</summary>
internal sealed class CachedToken(VerifiedToken token, VerificationKey key)
{
    /// <summary>The roles under one policy set; goes with that set.</summary>
    public sealed record Match(PolicySetInForce InForce, Caller Caller);

    private Match? match;
    private long revocationsSeen = -1;

    /// <summary>About what it takes to keep it, in bytes: the claims' text, and all else (1 KB with its place in the cache).</summary>
    public int Weight => 1024 + token.Claims.Length;

    public VerifiedToken Token => token;
    public VerificationKey Key => key;
    public Match? LastMatch { get => Volatile.Read(ref match); set => Volatile.Write(ref match, value); }

    /// <summary>The revocation set's generation under which the token was last found not to be revoked.</summary>
    public long RevocationsSeen { get => Volatile.Read(ref revocationsSeen); set => Volatile.Write(ref revocationsSeen, value); }
}

/// <summary>
/// Verified tokens by their hash. Two generations: what is used moves to the young one, and when that is half the capacity, in tokens or in bytes, the old one
/// is let go, so that about the least recently used are forgotten without looking for them. A hit takes no lock. Only what verified gets in, so forged tokens
/// push nothing out.
/// </summary>
internal sealed class VerifiedTokenCache(TimeProvider time, int capacity = VerifiedTokenCache.DefaultCapacity,
    long maxWeight = VerifiedTokenCache.DefaultMaxWeight)
{
    public const int DefaultCapacity = 50_000;

    /// <summary>A flood of valid tokens of 16 KiB each fills this, and no more.</summary>
    public const long DefaultMaxWeight = 128 * 1024 * 1024;

    /// <summary>
    /// What was not used for this long, expired tokens above all, is let go even when there is room: verifying once again in minutes costs nothing beside it.
    /// </summary>
    private static readonly TimeSpan GenerationLife = TimeSpan.FromMinutes(2);

    private sealed class Generation(long started)
    {
        public readonly ConcurrentDictionary<TokenHash, CachedToken> Tokens = new();
        public readonly long Started = started;
        public int Count;
        public long Weight;
    }

    private readonly Lock gate = new();
    private Generation young = new(time.GetTimestamp());
    private Generation old = new(0);

    /// <summary>Tokens held; for tests and measurements.</summary>
    public int Count => Volatile.Read(ref young).Tokens.Count + Volatile.Read(ref old).Tokens.Count;

    public bool TryGet(TokenHash hash, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out CachedToken? token)
    {
        if (Volatile.Read(ref young).Tokens.TryGetValue(hash, out token)) return true;
        if (!Volatile.Read(ref old).Tokens.TryGetValue(hash, out token)) return false;
        Add(hash, token);
        return true;
    }

    public void Add(TokenHash hash, CachedToken token)
    {
        var generation = Volatile.Read(ref young);
        if (generation.Tokens.TryAdd(hash, token))
        {
            Interlocked.Increment(ref generation.Count);
            Interlocked.Add(ref generation.Weight, token.Weight);
        }
        if (Volatile.Read(ref generation.Count) >= capacity / 2 || Volatile.Read(ref generation.Weight) >= maxWeight / 2
            || time.GetElapsedTime(generation.Started) >= GenerationLife)
            Rotate(generation);
    }

    /// <summary>Whoever holds the token already judges it anew, so a removal that races with a use is no harm.</summary>
    public void Remove(TokenHash hash)
    {
        var generation = Volatile.Read(ref young);
        if (generation.Tokens.TryRemove(hash, out var removed))
        {
            Interlocked.Decrement(ref generation.Count);
            Interlocked.Add(ref generation.Weight, -removed.Weight);
        }
        Volatile.Read(ref old).Tokens.TryRemove(hash, out _);
    }

    private void Rotate(Generation full)
    {
        lock (gate)
        {
            if (!ReferenceEquals(young, full)) return;
            Volatile.Write(ref old, full);
            Volatile.Write(ref young, new Generation(time.GetTimestamp()));
        }
    }
}
