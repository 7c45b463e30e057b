using WorkloadProxy.Configuration;

namespace WorkloadProxy.Tokens;

/// <summary>When keys are made, published, used and dropped (docs: operations, rotation). All of it follows from <c>Tokens</c>.</summary>
internal sealed class KeySchedule(TokenOptions options)
{
    // a VM's provisioning token is the longest-lived that any key of ours signs, unless MaxLifetime is longer
    private static readonly TimeSpan provisioningLifetime = TimeSpan.FromHours(1);
    private static readonly TimeSpan foreignClockSkew = TimeSpan.FromMinutes(5);

    /// <summary>How long before its first use the schedule publishes a key.</summary>
    public TimeSpan ScheduledLead { get; } = Shorter(TimeSpan.FromHours(1), options.KeyRotation / 2);

    /// <summary>How long a verifier may keep our JWKS: always well within the time for which a key is published before its use.</summary>
    public TimeSpan CacheLifetime { get; } = Shorter(TimeSpan.FromMinutes(5), options.KeyRotation / 4);

    /// <summary>
    /// How long before its first use <c>keys rotate</c> publishes a key: what a verifier may have cached has run out, with a fifth to spare for a reply on its
    /// way.
    /// </summary>
    public TimeSpan RotateLead => CacheLifetime * 1.2;

    /// <summary>How long a key stays published once the next one signs: until the last token it signed has expired, by a slow clock.</summary>
    public TimeSpan Overlap { get; } = (options.MaxLifetime > provisioningLifetime ? options.MaxLifetime : provisioningLifetime) + foreignClockSkew;

    /// <summary>
    /// When the key after <paramref name="newest"/> is to sign, if it is time to publish it; null if not yet. A new algorithm is a reason at
    /// <paramref name="starting"/> only: replicas that are configured differently for a while would otherwise outdo each other.
    /// </summary>
    public DateTimeOffset? NextSignsFrom(SigningKey? newest, DateTimeOffset now, bool starting)
    {
        if (newest is null) return now;
        if (starting && newest.Algorithm != options.Algorithm) return now + RotateLead;
        var due = newest.SignsFrom + options.KeyRotation;
        if (now < due - ScheduledLead) return null;
        var earliest = now + RotateLead;
        return due > earliest ? due : earliest;
    }

    /// <summary>Those of <paramref name="keys"/> (in the order in which they sign) that verify a token which may still be alive, or will.</summary>
    public IEnumerable<SigningKey> StillNeeded(IReadOnlyList<SigningKey> keys, DateTimeOffset now) =>
        keys.Where((_, i) => i == keys.Count - 1 || now < keys[i + 1].SignsFrom + Overlap);

    private static TimeSpan Shorter(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
