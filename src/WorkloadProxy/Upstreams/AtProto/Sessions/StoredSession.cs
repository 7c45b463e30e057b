using WorkloadProxy.Secrets;
using WorkloadProxy.Upstreams.AtProto.Client;
using WorkloadProxy.Upstreams.AtProto.Dpop;
using WorkloadProxy.Upstreams.AtProto.Identity;

namespace WorkloadProxy.Upstreams.AtProto.Sessions;

/// <summary>What of a session is secret: the two tokens, and the key that they are bound to.</summary>
internal sealed record SessionSecrets(Secret AccessToken, Secret RefreshToken, DpopKey Key);

/// <summary>
/// An account's session as the store has it. <see cref="Version"/> rises with each change; <see cref="Secrets"/> is null once it has ended, and
/// <see cref="Ended"/> says why. <see cref="ClientKeyId"/> is the client's key that the session began with, null for the development client.
/// </summary>
internal sealed record StoredSession(Did Did, long Version, string Issuer, string? ClientKeyId, IReadOnlyList<string> Scopes, string Account)
{
    /// <summary>A session that no request uses is renewed this often, for its refresh token has an end too.</summary>
    private static readonly TimeSpan idleRenewal = TimeSpan.FromDays(7);

    public SessionSecrets? Secrets { get; init; }
    public DateTimeOffset Connected { get; init; }
    public DateTimeOffset Refreshed { get; init; }
    /// <summary>Of the access token.</summary>
    public DateTimeOffset Expires { get; init; }
    public string? Ended { get; init; }
    /// <summary>Somebody is refreshing it until then.</summary>
    public DateTimeOffset LeaseUntil { get; init; }
    /// <summary>Nobody tries again before: the last <see cref="Failures"/> refreshes in a row have failed.</summary>
    public DateTimeOffset RestUntil { get; init; }
    public int Failures { get; init; }

    public bool IsUsable(DateTimeOffset now) => Secrets is not null && now < Expires;

    /// <summary>Whether a refresh may begin.</summary>
    public bool MayRefresh(DateTimeOffset now) => Secrets is not null && LeaseUntil <= now && RestUntil <= now;

    /// <summary>At 80 % of the token's life where requests use it, otherwise weekly.</summary>
    public bool IsDue(DateTimeOffset now, bool isUsed) =>
        Secrets is not null && ((isUsed && now >= Refreshed + (Expires - Refreshed) * 0.8) || now >= Refreshed + idleRenewal);

    /// <summary>Of <paramref name="asked"/>, those that the authorization server has left out.</summary>
    public IReadOnlyList<string> Missing(IEnumerable<string> asked) => [.. asked.Except(Scopes, StringComparer.Ordinal)];

    /// <summary>What somebody should know and do about it, or null.</summary>
    public string? Warning(IEnumerable<string> asked, DateTimeOffset now)
    {
        if (Ended is not null) return $"the session has ended: {Ended}";
        if (Failures > 0)
            return now < Expires ? "refreshing the session has failed so far" : "the session's token has expired, and refreshing it has failed so far";
        return Missing(asked) is { Count: > 0 } missing
            ? $"the authorization server left out {string.Join(", ", missing.Select(scope => $"`{scope}`"))}" : null;
    }

    /// <summary>The next version, from the answer to a refresh. The key stays.</summary>
    public StoredSession Renew(TokenGrant grant, DateTimeOffset now) => this with
    {
        Version = Version + 1,
        Scopes = grant.Scopes,
        Secrets = new SessionSecrets(new(grant.AccessToken), new(grant.RefreshToken), Secrets!.Key),
        Refreshed = now,
        Expires = now + grant.Lifetime,
        LeaseUntil = default,
        RestUntil = default,
        Failures = 0,
    };
}
