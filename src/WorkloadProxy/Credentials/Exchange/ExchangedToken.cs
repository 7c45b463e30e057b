namespace WorkloadProxy.Credentials.Exchange;

/// <summary>Whose an exchanged credential is: what the caller's roles name, and its token's own id of revocation.</summary>
internal readonly record struct ExchangeKey(string Named, string Caller);

/// <summary>
/// A credential that was made at the upstream for one caller's token. <paramref name="Values"/> is what the templates were filled in with, and
/// <paramref name="UpstreamId"/> what deletion names it by.
/// </summary>
internal sealed record ExchangedToken(ExchangeKey Key, string Token, string? UpstreamId, IReadOnlyDictionary<string, string> Values,
    IReadOnlyList<string> RevocationIds, DateTimeOffset Expires)
{
    /// <summary>When the last token ends that was handed out for it; a request is not what it is needed for then.</summary>
    public DateTimeOffset HeldUntil { get; init; } = DateTimeOffset.UnixEpoch;

    public DateTimeOffset Ends => HeldUntil > Expires ? HeldUntil : Expires;

    public Credential Credential => field ??= Credential.FromBearer(Token);
}
