using System.Security.Cryptography;

namespace Sandbox.AtProto;

/// <summary><c>com.atproto.server.*</c>: sessions of app passwords, and what tells a caller who it is.</summary>
internal static class SessionMethods
{
    public static void Map(Xrpc xrpc, PersonalDataServer server)
    {
        xrpc.Procedure("com.atproto.server.createSession", async context =>
        {
            var body = await Xrpc.Body(context);
            if (!server.Passwords.MayTry()) return Xrpc.Error(429, "RateLimitExceeded", "Rate Limit Exceeded");
            var account = server.Find(body?["identifier"]?.ToString());
            var password = body?["password"]?.ToString();
            if (account is null || (password != account.AppPassword && password != account.Password))
                return Xrpc.Error(401, "AuthenticationRequired", "Invalid identifier or password");
            return Session(account, server.Passwords.Open(account));
        });
        xrpc.Procedure("com.atproto.server.refreshSession", context =>
        {
            var token = context.Request.Headers.Authorization.ToString().Split(' ').Last();
            var (renewed, error) = server.Passwords.Refresh(token);
            return Task.FromResult<IResult?>(renewed is null ? Xrpc.Error(400, error!, "Token could not be verified") : Session(renewed.Account, renewed));
        });
        xrpc.Query("com.atproto.server.getSession",
            Xrpc.Private(server, (_, caller) => Xrpc.Answer(new { handle = caller.Account.Handle, did = caller.Account.Did, active = true })));
        xrpc.Query("com.atproto.server.getServiceAuth",
            Xrpc.Private(server, (_, caller) => Task.FromResult<IResult?>(caller.Scopes is null || caller.Scopes.Contains("transition:generic")
            ? Results.Json(new { token = "service_" + RandomNumberGenerator.GetHexString(32, lowercase: true) })
            : Xrpc.Error(403, "ScopeMissingError", "Missing required scope \"rpc:*?aud=*\""))));
    }

    private static IResult Session(AtProtoAccount account, PasswordSession session) =>
        Results.Json(new { accessJwt = session.Access, refreshJwt = session.Refresh, handle = account.Handle, did = account.Did, didDoc = account.Document(),
            active = true });
}
