using Microsoft.AspNetCore.Server.Kestrel.Core;
using Sandbox.AtProto.OAuth;
using Sandbox.Recording;

namespace Sandbox.AtProto;

/// <summary>
/// One personal data server and the authorization server beside it, on the same origin. Its public address is <c>http://localhost:PORT</c>, as a real one's is
/// without TLS.
/// </summary>
public sealed class PersonalDataServer : IAsyncDisposable
{
    private WebApplication? app;
    private int port;

    internal PersonalDataServer(AtProtoNetwork network, TimeProvider time)
    {
        Network = network;
        Nonces = new(time);
        Proofs = new(Nonces, time);
        Faults = new(Nonces);
        Passwords = new(time);
        OAuth = new(this, time);
        AuthorizationServer = this;
    }

    public AtProtoNetwork Network { get; }
    public string Url => $"http://localhost:{port}";
    public string Did => $"did:web:localhost%3A{port}";
    public RequestLog Requests { get; } = new();
    public NonceSource Nonces { get; }
    public AtProtoFaults Faults { get; }
    public PasswordSessions Passwords { get; }
    public Firehose Firehose { get; } = new();

    /// <summary>Its own authorization server.</summary>
    public AuthorizationServer OAuth { get; }

    /// <summary>Whose authorization server it names, and takes tokens of: its own unless told otherwise.</summary>
    public PersonalDataServer AuthorizationServer { get; set; }

    /// <summary>A request that this returns true for was answered by it and goes no further.</summary>
    public Func<HttpContext, Task<bool>>? Intercept { get; set; }

    internal DpopCheck Proofs { get; }

    /// <summary>The account of a DID or handle that lives here, or null.</summary>
    public AtProtoAccount? Find(string? identifier) => Network.Accounts.FirstOrDefault(account => account.Server == this && account.Is(identifier));

    /// <summary>Starts, on the same port as before if it was stopped. Nonces are others then; sessions and records are as they were.</summary>
    public async Task StartAsync(CancellationToken cancellation = default)
    {
        Nonces.Change();
        app = Loopback.Build((port, HttpProtocols.Http1));
        app.UseWebSockets();
        app.Use(Requests.Record);
        app.Use(async (context, next) =>
        {
            if (Intercept is not { } intercept || !await intercept(context)) await next(context);
        });
        app.Use(Faults.Meet);
        var xrpc = new Xrpc(this);
        xrpc.MapAll();
        app.Use(xrpc.Run);
        app.UseRouting();
        app.MapOAuthServer(this);
        app.MapFallback(() => Xrpc.Error(404, "NotFound", "Not Found"));
        await app.StartAsync(cancellation);
        port = new Uri(app.Urls.First()).Port;
    }

    public async Task StopAsync()
    {
        if (app is null) return;
        await app.DisposeAsync();
        app = null;
    }

    /// <summary>Whose request it is, or the refusal. A request with DPoP always gets the next nonce.</summary>
    internal (XrpcCaller? Caller, IResult? Refused) Authenticate(HttpContext context)
    {
        var authorization = context.Request.Headers.Authorization.ToString();
        if (authorization.StartsWith("Bearer ", StringComparison.Ordinal))
        {
            var (session, error) = Passwords.Find(authorization["Bearer ".Length..]);
            return session is null ? (null, Xrpc.Error(400, error!, error == "ExpiredToken" ? "Token has expired" : "Token could not be verified"))
                : Here(session.Account, null);
        }
        if (!authorization.StartsWith("DPoP ", StringComparison.Ordinal)) return (null, Xrpc.Error(401, "AuthMissing", "Authentication Required"));
        context.Response.Headers["DPoP-Nonce"] = Nonces.Current;
        var token = authorization["DPoP ".Length..];
        var (thumbprint, wrong) = Proofs.Check(context.Request, Url, token);
        if (wrong is not null) return (null, Challenge(context, wrong));
        var (grant, gone) = AuthorizationServer.OAuth.Find(token);
        if (grant is null) return (null, Challenge(context, new("invalid_token", gone!)));
        return grant.KeyThumbprint == thumbprint
            ? Here(grant.Account, grant.Scopes) : (null, Challenge(context, new("invalid_dpop_proof", "DPoP key mismatch")));
    }

    private (XrpcCaller?, IResult?) Here(AtProtoAccount account, IReadOnlyList<string>? scopes) =>
        account.Server == this ? (new(account, scopes), null) : (null, Xrpc.Error(403, "AccountNotFound", "Account not found"));

    private static IResult Challenge(HttpContext context, DpopError error)
    {
        context.Response.Headers.WWWAuthenticate =
            $"""DPoP algs="RS256 ES256", error="{error.Error}", error_description="{error.Description.Replace('"', '\'')}" """.TrimEnd();
        return Xrpc.Error(401, error.Error, error.Description);
    }

    public async ValueTask DisposeAsync() => await StopAsync();
}
