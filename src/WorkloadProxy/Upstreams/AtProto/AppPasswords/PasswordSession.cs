using WorkloadProxy.Credentials;
using WorkloadProxy.Secrets;

namespace WorkloadProxy.Upstreams.AtProto.AppPasswords;

/// <summary>
/// What an app password gave at one server. <paramref name="Password"/> is a hash of it: with another password, or at another server, a session has to be
/// recreated.
/// </summary>
internal sealed record PasswordSession(string Origin, string Password, Secret AccessToken, Secret RefreshToken, DateTimeOffset Refreshed,
    DateTimeOffset Expires)
{
    public Credential Credential { get; } = Credential.FromBearer(AccessToken.Reveal());

    /// <summary>At 80 % of its life.</summary>
    public DateTimeOffset RefreshAt => Refreshed + (Expires - Refreshed) * 0.8;
}
