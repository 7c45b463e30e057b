namespace Sandbox.AtProto.OAuth;

/// <summary>What a sign-in gave: one access token and one refresh token at a time, bound to one DPoP key and one key of the client.</summary>
public sealed class OAuthSession
{
    internal OAuthSession(AtProtoAccount account, string clientId, string? clientKey, string keyThumbprint, IReadOnlyList<string> scopes) =>
        (Account, ClientId, ClientKey, KeyThumbprint, Scopes) = (account, clientId, clientKey, keyThumbprint, scopes);

    public AtProtoAccount Account { get; }
    public string ClientId { get; }
    public string? ClientKey { get; }
    public string KeyThumbprint { get; }
    public IReadOnlyList<string> Scopes { get; }
    public string AccessToken { get; internal set; } = "";
    public string RefreshToken { get; internal set; } = "";
    public DateTimeOffset AccessExpires { get; internal set; }
    public DateTimeOffset RefreshExpires { get; internal set; }
}
