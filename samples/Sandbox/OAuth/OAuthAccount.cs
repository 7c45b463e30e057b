namespace Sandbox.OAuth;

/// <summary>The person who consents, and the team that they do it for.</summary>
public sealed record OAuthAccount(string TeamUuid, string TeamName = "My Team", string Name = "Sammy the Shark", string Email = "sammy@example.com");

/// <summary>What a consent gave: one access token and one refresh token at a time.</summary>
internal sealed class OAuthGrant(OAuthAccount account, IReadOnlyList<string> scopes)
{
    public OAuthAccount Account => account;
    public IReadOnlyList<string> Scopes => scopes;
    public string AccessToken { get; set; } = "";
    public string RefreshToken { get; set; } = "";
    public DateTimeOffset Expires { get; set; }
}

/// <summary>A code on its way from the consent to the token endpoint.</summary>
internal sealed record OAuthCode(OAuthGrant Grant, string RedirectUri, string? Challenge);
