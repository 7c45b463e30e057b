using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Sandbox.AtProto;

/// <summary>Tokens that an app password gave.</summary>
public sealed record PasswordSession(AtProtoAccount Account, string Access, string Refresh, DateTimeOffset AccessExpires);

/// <summary>The sessions of app passwords at one server. A refresh token has a grace: a second use is forgiven.</summary>
public sealed class PasswordSessions(TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, PasswordSession> byAccess = [];
    private readonly Dictionary<string, PasswordSession> byRefresh = [];
    private readonly Queue<DateTimeOffset> tries = [];

    public TimeSpan Lifetime { get; set; } = TimeSpan.FromHours(2);

    /// <summary>How many sessions were made, and how many were refreshed.</summary>
    public int Created { get; private set; }
    public int Refreshed { get; private set; }

    /// <summary>Ends all of them, as their owner can in the settings.</summary>
    public void Clear()
    {
        lock (gate)
        {
            byAccess.Clear();
            byRefresh.Clear();
        }
    }

    /// <summary>Ends every access token before its time; refresh tokens stay good.</summary>
    public void EndAccessTokens()
    {
        lock (gate)
        {
            foreach (var session in byAccess.Values.ToList()) byAccess[session.Access] = session with { AccessExpires = default };
        }
    }

    /// <summary>30 in five minutes.</summary>
    internal bool MayTry()
    {
        lock (gate)
        {
            while (tries.TryPeek(out var first) && time.GetUtcNow() - first > TimeSpan.FromMinutes(5)) tries.Dequeue();
            if (tries.Count >= 30) return false;
            tries.Enqueue(time.GetUtcNow());
            return true;
        }
    }

    internal PasswordSession Open(AtProtoAccount account)
    {
        lock (gate)
        {
            Created++;
            return Add(account);
        }
    }

    internal (PasswordSession? Renewed, string? Error) Refresh(string token)
    {
        lock (gate)
        {
            if (!byRefresh.TryGetValue(token, out var session)) return (null, "ExpiredToken");
            Refreshed++;
            return (Add(session.Account), null);
        }
    }

    /// <summary>The session of an access token, or the error's name.</summary>
    internal (PasswordSession? Session, string? Error) Find(string token)
    {
        lock (gate)
        {
            if (!byAccess.TryGetValue(token, out var session)) return (null, "InvalidToken");
            return time.GetUtcNow() < session.AccessExpires ? (session, null) : (null, "ExpiredToken");
        }
    }

    private PasswordSession Add(AtProtoAccount account)
    {
        var expires = time.GetUtcNow() + Lifetime;
        var session = new PasswordSession(account, Token(account.Did, "com.atproto.appPass", expires),
            Token(account.Did, "com.atproto.refresh", time.GetUtcNow().AddDays(90)), expires);
        byAccess[session.Access] = session;
        byRefresh[session.Refresh] = session;
        return session;
    }

    /// <summary>Looks like a server's JWT: a client may read when it ends. Nobody checks its signature but the server, which remembers the whole.</summary>
    private string Token(string did, string scope, DateTimeOffset expires)
    {
        var claims = JsonSerializer.SerializeToUtf8Bytes(new
            { scope, sub = did, iat = time.GetUtcNow().ToUnixTimeSeconds(), exp = expires.ToUnixTimeSeconds(), jti = Guid.NewGuid() });
        return $"{Encode(Encoding.ASCII.GetBytes("""{"typ":"at+jwt","alg":"HS256"}"""))}.{Encode(claims)}.{Encode(RandomNumberGenerator.GetBytes(32))}";
    }

    private static string Encode(byte[] bytes) => System.Buffers.Text.Base64Url.EncodeToString(bytes);
}
