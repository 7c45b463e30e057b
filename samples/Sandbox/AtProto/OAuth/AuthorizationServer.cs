using System.Security.Cryptography;
using System.Text;

namespace Sandbox.AtProto.OAuth;

/// <summary>
/// The authorization server's state: sessions with a refresh token that serves once. A refresh ends the old access token at once, and a refresh token that
/// comes a second time ends the session.
/// </summary>
public sealed class AuthorizationServer
{
    private static readonly TimeSpan requestLifetime = TimeSpan.FromMinutes(5);
    private readonly Lock gate = new();
    private readonly TimeProvider time;
    private readonly Dictionary<string, PushedRequest> pushed = [];
    private readonly Dictionary<string, IssuedCode> codes = [];
    private readonly List<OAuthSession> sessions = [];
    private readonly Dictionary<string, OAuthSession> spent = [];

    internal AuthorizationServer(PersonalDataServer server, TimeProvider time)
    {
        this.time = time;
        Clients = new(server, time);
    }

    internal OAuthClients Clients { get; }

    public TimeSpan AccessLifetime { get; set; } = TimeSpan.FromMinutes(60);
    public TimeSpan RefreshLifetime { get; set; } = TimeSpan.FromDays(90);

    /// <summary>The scopes that are given whatever is asked for; null: those asked for that the server knows.</summary>
    public IReadOnlyList<string>? Scopes { get; set; }

    /// <summary>How often a refresh token was taken.</summary>
    public int Refreshes { get; private set; }

    public IReadOnlyList<OAuthSession> Sessions
    {
        get { lock (gate) return [.. sessions]; }
    }

    /// <summary>Ends every session of an account, as its owner can in the server's settings.</summary>
    public void EndSessions(AtProtoAccount account)
    {
        lock (gate) sessions.RemoveAll(session => session.Account == account);
    }

    /// <summary>Ends every access token before its time; sessions go on.</summary>
    public void EndAccessTokens()
    {
        lock (gate)
        {
            foreach (var session in sessions) session.AccessExpires = default;
        }
    }

    internal string Push(PushedRequest request)
    {
        var uri = "urn:ietf:params:oauth:request_uri:req-" + Hex(16);
        lock (gate) pushed[uri] = request with { Expires = time.GetUtcNow() + requestLifetime };
        return uri;
    }

    internal PushedRequest? FindRequest(string? uri, string? clientId)
    {
        lock (gate)
            return uri is not null && pushed.TryGetValue(uri, out var request) && request.ClientId == clientId && time.GetUtcNow() < request.Expires
                ? request : null;
    }

    /// <summary>The code for a consent, or null for a refusal. The request is spent either way.</summary>
    internal string? Decide(string uri, AtProtoAccount? account)
    {
        lock (gate)
        {
            if (!pushed.Remove(uri, out var request) || account is null) return null;
            var code = "cod-" + Hex(32);
            codes[code] = new(request, account, time.GetUtcNow().AddMinutes(1));
            return code;
        }
    }

    internal (OAuthSession? Session, OAuthFailure? Failure) Redeem(string code, string redirectUri, string verifier, OAuthClient client, string thumbprint)
    {
        lock (gate)
        {
            if (!codes.Remove(code, out var issued) || time.GetUtcNow() >= issued.Expires) return Invalid("Invalid code");
            var request = issued.Request;
            if (request.ClientId != client.Id || request.ClientKey != client.KeyId || request.RedirectUri != redirectUri)
                return Invalid("The code was issued to another client");
            if (request.KeyThumbprint != thumbprint) return Invalid("DPoP key mismatch");
            if (Convert.ToBase64String(SHA256.HashData(Encoding.ASCII.GetBytes(verifier))).TrimEnd('=').Replace('+', '-')
                .Replace('/', '_') != request.Challenge)
                return Invalid("Invalid code_verifier");
            var session = new OAuthSession(issued.Account, client.Id, client.KeyId, thumbprint, request.Scopes);
            sessions.Add(session);
            Renew(session);
            return (session, null);
        }
    }

    internal (OAuthSession? Session, OAuthFailure? Failure) Refresh(string token, OAuthClient client, string thumbprint)
    {
        lock (gate)
        {
            if (spent.TryGetValue(token, out var replayed))
            {
                sessions.Remove(replayed);
                return Invalid("Refresh token replayed");
            }
            if (sessions.Find(session => session.RefreshToken == token) is not { } found || time.GetUtcNow() >= found.RefreshExpires)
                return Invalid("Invalid refresh token");
            if (found.ClientId != client.Id || found.ClientKey != client.KeyId || found.KeyThumbprint != thumbprint)
            {
                sessions.Remove(found);
                return Invalid("The session was established with another key");
            }
            spent[token] = found;
            Refreshes++;
            Renew(found);
            return (found, null);
        }
    }

    internal void Revoke(string token)
    {
        lock (gate) sessions.RemoveAll(session => session.RefreshToken == token || session.AccessToken == token || spent.GetValueOrDefault(token) == session);
    }

    /// <summary>What a good access token stands for, or what is wrong with it.</summary>
    internal (OAuthSession? Session, string? Error) Find(string token)
    {
        lock (gate)
        {
            if (sessions.Find(session => session.AccessToken == token) is not { } found) return (null, "Invalid token");
            return time.GetUtcNow() < found.AccessExpires ? (found, null) : (null, $"Token expired at {found.AccessExpires:O}");
        }
    }

    private void Renew(OAuthSession session)
    {
        session.AccessToken = $"tok-{Hex(200)}";
        session.RefreshToken = $"ref-{Hex(64)}";
        session.AccessExpires = time.GetUtcNow() + AccessLifetime;
        session.RefreshExpires = time.GetUtcNow() + RefreshLifetime;
    }

    private static (OAuthSession?, OAuthFailure?) Invalid(string description) => (null, new("invalid_grant", description));

    private static string Hex(int length) => RandomNumberGenerator.GetHexString(length, lowercase: true);
}
