using WorkloadProxy.Policies;

namespace WorkloadProxy.Credentials.OAuth;

/// <summary>
/// The tokens of one context as the store has them. <see cref="Version"/> rises with each change; <see cref="Credential"/> is null once they have ended, and
/// <see cref="Ended"/> says why.
/// </summary>
internal sealed record StoredToken(AuthContext Context, long Version, IReadOnlyList<string> Scopes, string Account)
{
    /// <summary>Pages and readiness warn this long before a token ends that has not been refreshed.</summary>
    public static readonly TimeSpan Notice = TimeSpan.FromDays(3);

    public Credential? Credential { get; init; }
    public string? RefreshToken { get; init; }
    public DateTimeOffset Connected { get; init; }
    public DateTimeOffset Refreshed { get; init; }
    /// <summary>Null: unknown.</summary>
    public DateTimeOffset? Expires { get; init; }
    public string? Ended { get; init; }
    /// <summary>A replica is refreshing it until then.</summary>
    public DateTimeOffset LeaseUntil { get; init; }

    /// <summary>The next version, from the answer to a refresh. An answer without a refresh token keeps the old one.</summary>
    public StoredToken Renew(TokenAnswer answer, DateTimeOffset now) => this with
    {
        Version = Version + 1,
        Credential = Credential.FromBearer(answer.AccessToken),
        RefreshToken = answer.RefreshToken ?? RefreshToken,
        Refreshed = now,
        Expires = EndOf(answer, now),
        LeaseUntil = default,
    };

    /// <summary>A token that can be refreshed and does not say how long it lives is renewed every hour.</summary>
    public static DateTimeOffset? EndOf(TokenAnswer answer, DateTimeOffset now) =>
        answer.Lifetime is { } life ? now + life : answer.RefreshToken is not null ? now.AddHours(1) : null;

    /// <summary>At 80 % of its life; never where that is unknown or nothing can renew it.</summary>
    public DateTimeOffset? RefreshAt => Expires is { } end && RefreshToken is not null && Ended is null ? Refreshed + (end - Refreshed) * 0.8 : null;

    public bool IsUsable(DateTimeOffset now) => Credential is not null && (Expires is not { } end || now < end);

    /// <summary>What somebody should know and do about it, or null.</summary>
    public string? Warning(DateTimeOffset now)
    {
        if (Ended is not null) return $"the credential has ended: {Ended}";
        if (Expires is not { } end) return null;
        if (end <= now) return "the credential has expired";
        var life = end - Refreshed;
        // a short-lived one is always near its end: it is late when its refresh is
        var near = life * 0.1 < Notice ? life * 0.1 : Notice;
        return end - now > near ? null : RefreshToken is null
            ? $"the credential ends at {end:yyyy-MM-dd HH:mm} UTC and can't be refreshed: sign in again before then"
            : $"the credential ends at {end:yyyy-MM-dd HH:mm} UTC, and refreshing it has failed so far";
    }
}
