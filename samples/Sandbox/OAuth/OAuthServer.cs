using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace Sandbox.OAuth;

/// <summary>
/// The cloud's authorization server as DigitalOcean documents its own: authorization codes with PKCE, refresh tokens that serve once, and a refresh that ends
/// the old access token at once.
/// </summary>
public sealed class OAuthServer(SandboxOptions options)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, OAuthCode> codes = [];
    private readonly Dictionary<string, OAuthGrant> byAccessToken = [];
    private readonly Dictionary<string, OAuthGrant> byRefreshToken = [];
    private readonly ConcurrentQueue<OAuthFault> faults = new();

    /// <summary>Who consents from now on.</summary>
    public OAuthAccount Account { get; set; } = new(options.TeamUuid);

    /// <summary>Null: the application is a public client, which must use PKCE.</summary>
    public string? ClientSecret { get; set; } = options.OAuthClientSecret;

    /// <summary>The one address that a code is sent to; any when null.</summary>
    public string? RedirectUri { get; set; } = options.OAuthRedirectUri;

    /// <summary>Whether access tokens come with a refresh token.</summary>
    public bool GivesRefreshTokens { get; set; } = true;

    /// <summary>How long an access token lives.</summary>
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromDays(30);

    /// <summary>The scopes that are given whatever is asked for; null: those asked for.</summary>
    public IReadOnlyList<string>? Scopes { get; set; }

    public TimeProvider Time { get; set; } = TimeProvider.System;

    /// <summary>How many access tokens are good.</summary>
    public int LiveTokens { get { lock (gate) return byAccessToken.Count; } }

    /// <summary>How many refresh tokens have been spent.</summary>
    public int Refreshes { get; private set; }

    /// <summary>Has the next requests to the token endpoint go wrong, one each.</summary>
    public void Order(params IEnumerable<OAuthFault> ordered)
    {
        foreach (var fault in ordered) faults.Enqueue(fault);
    }

    internal OAuthFault? NextFault() => faults.TryDequeue(out var fault) ? fault : null;

    /// <summary>What is wrong with a request for consent; null if nothing is.</summary>
    internal string? Check(IQueryCollection query)
    {
        if (query["client_id"] != options.OAuthClientId) return "unknown client_id";
        if (query["response_type"] != "code") return "response_type is not code";
        if (!Uri.TryCreate(query["redirect_uri"], UriKind.Absolute, out _)) return "redirect_uri is not an absolute address";
        if (RedirectUri is { } registered && query["redirect_uri"] != registered) return "redirect_uri is not the registered one";
        if (query["code_challenge"].Count > 0 && query["code_challenge_method"] != "S256") return "code_challenge_method is not S256";
        return ClientSecret is null && query["code_challenge"].Count == 0 ? "a public client must send code_challenge" : null;
    }

    /// <summary>The code for a consent.</summary>
    internal string Consent(IQueryCollection query)
    {
        var asked = query["scope"].ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var grant = new OAuthGrant(Account, Scopes ?? (asked.Length > 0 ? asked : ["read"]));
        var code = Hex(32);
        lock (gate) codes[code] = new OAuthCode(grant, query["redirect_uri"]!, query["code_challenge"]);
        return code;
    }

    /// <summary>The grant that the form's code or refresh token stands for, with new tokens; or OAuth's error.</summary>
    internal (OAuthGrant? Grant, string? Error) Redeem(IFormCollection form, bool keepRefreshToken)
    {
        if (form["client_id"] != options.OAuthClientId || (ClientSecret is { } secret && form["client_secret"] != secret)) return (null, "invalid_client");
        lock (gate)
        {
            OAuthGrant? grant;
            if (form["grant_type"] == "authorization_code")
            {
                if (!codes.Remove(form["code"].ToString(), out var code)) return (null, "invalid_grant");
                if (form["redirect_uri"] != code.RedirectUri) return (null, "invalid_grant");
                if (!string.IsNullOrEmpty(code.Challenge) && Challenge(form["code_verifier"].ToString()) != code.Challenge) return (null, "invalid_grant");
                grant = code.Grant;
            }
            else if (form["grant_type"] == "refresh_token")
            {
                if (!byRefreshToken.TryGetValue(form["refresh_token"].ToString(), out grant)) return (null, "invalid_grant");
                Refreshes++;
            }
            else
            {
                return (null, "unsupported_grant_type");
            }
            byAccessToken.Remove(grant.AccessToken);
            byAccessToken[grant.AccessToken = "doo_v1_" + Hex(64)] = grant;
            if (!keepRefreshToken || grant.RefreshToken.Length == 0)
            {
                byRefreshToken.Remove(grant.RefreshToken);
                byRefreshToken[grant.RefreshToken = "dor_v1_" + Hex(64)] = grant;
            }
            grant.Expires = Time.GetUtcNow() + Lifetime;
            return (grant, null);
        }
    }

    /// <summary>What a good access token stands for.</summary>
    internal OAuthGrant? Find(string token)
    {
        lock (gate) return byAccessToken.TryGetValue(token, out var grant) && Time.GetUtcNow() < grant.Expires ? grant : null;
    }

    internal void Revoke(string token)
    {
        lock (gate)
        {
            if (byAccessToken.Remove(token, out var grant)) byRefreshToken.Remove(grant.RefreshToken);
        }
    }

    /// <summary>Ends every access token before its time; refresh tokens stay good.</summary>
    public void EndAccessTokens()
    {
        lock (gate) byAccessToken.Clear();
    }

    /// <summary>Ends every grant, as a user who removes the application does.</summary>
    public void RevokeAll()
    {
        lock (gate)
        {
            byAccessToken.Clear();
            byRefreshToken.Clear();
        }
    }

    private static string Hex(int length) => RandomNumberGenerator.GetHexString(length, lowercase: true);

    private static string Challenge(string verifier) =>
        Convert.ToBase64String(SHA256.HashData(Encoding.ASCII.GetBytes(verifier))).TrimEnd('=').Replace('+', '-').Replace('/', '_');
}
