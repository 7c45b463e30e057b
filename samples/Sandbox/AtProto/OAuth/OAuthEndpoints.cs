using Microsoft.AspNetCore.WebUtilities;

namespace Sandbox.AtProto.OAuth;

/// <summary>The well-known documents, the endpoints that a client calls, and the page where an account's owner consents.</summary>
internal static class OAuthEndpoints
{
    private delegate IResult Handler(IFormCollection form, OAuthClient client, string thumbprint);

    public static void MapOAuthServer(this WebApplication app, PersonalDataServer server)
    {
        app.MapGet("/.well-known/oauth-protected-resource", () => Results.Json(ServerDocuments.Resource(server)));
        app.MapGet("/.well-known/oauth-authorization-server", () => Results.Json(ServerDocuments.AuthorizationServer(server)));
        app.MapPost("/oauth/par", (HttpContext context) => RunAsync(context, server, (form, client, thumbprint) => Push(server, form, client, thumbprint)));
        app.MapPost("/oauth/token", (HttpContext context) => RunAsync(context, server, (form, client, thumbprint) => Token(server, form, client, thumbprint)));
        app.MapPost("/oauth/revoke", (HttpContext context) => RunAsync(context, server, (form, _, _) =>
        {
            server.OAuth.Revoke(form["token"].ToString());
            return Results.Json(new { });
        }));
        app.MapGet("/oauth/authorize", (HttpRequest request) => server.OAuth.FindRequest(request.Query["request_uri"], request.Query["client_id"]) is { } pushed
            ? ConsentPage.Show(pushed, wrongPassword: false)
            : ConsentPage.Unknown);
        app.MapPost("/oauth/authorize", (HttpRequest request) => ConsentAsync(server, request));
    }

    public static IResult Error(OAuthFailure failure) =>
        Results.Json(new { error = failure.Error, error_description = failure.Description }, statusCode: failure.Error is "invalid_client" ? 401 : 400);

    /// <summary>In the order of real servers: the proof, then the client, then what is asked.</summary>
    private static async Task RunAsync(HttpContext context, PersonalDataServer server, Handler handler)
    {
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers["DPoP-Nonce"] = server.Nonces.Current;
        var form = context.Request.HasFormContentType ? await context.Request.ReadFormAsync(context.RequestAborted) : FormCollection.Empty;
        var (thumbprint, wrong) = server.Proofs.Check(context.Request, server.Url, null);
        if (wrong is not null)
        {
            await Error(new(wrong.Error, wrong.Description)).ExecuteAsync(context);
            return;
        }
        var (client, failure) = await server.OAuth.Clients.AuthenticateAsync(form);
        await (client is null ? Error(failure!) : handler(form, client, thumbprint!)).ExecuteAsync(context);
    }

    private static IResult Push(PersonalDataServer server, IFormCollection form, OAuthClient client, string thumbprint)
    {
        var redirect = form["redirect_uri"].ToString();
        var scopes = form["scope"].ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (form["response_type"] != "code") return Error(new("unsupported_response_type", "response_type must be code"));
        if (form["code_challenge_method"] != "S256" || form["code_challenge"].ToString().Length != 43)
            return Error(new("invalid_request", "PKCE with S256 is required"));
        if (!client.Document.Allows(redirect)) return Error(new("invalid_request", $"Invalid redirect_uri {redirect}"));
        if (!scopes.Contains("atproto")) return Error(new("invalid_scope", "The \"atproto\" scope is required"));
        if (scopes.FirstOrDefault(scope => !client.Document.Scopes.Contains(scope)) is { } undeclared)
            return Error(new("invalid_scope", $"Scope \"{undeclared}\" is not declared in the client metadata"));
        if (scopes.FirstOrDefault(scope => scope.StartsWith("include:", StringComparison.Ordinal)) is { } include)
            return Error(new("invalid_scope", $"\"{include}\" can't be resolved"));
        if (form["state"].ToString() is not { Length: > 0 } state) return Error(new("invalid_request", "state is required"));
        var hint = form["login_hint"].ToString();
        var granted = Scopes.Granted(server.OAuth.Scopes ?? scopes);
        var uri = server.OAuth.Push(new(client.Id, client.KeyId, thumbprint, redirect, state, form["code_challenge"].ToString(), granted,
            hint.Length > 0 ? hint : null, default));
        return Results.Json(new { request_uri = uri, expires_in = 299 }, statusCode: 201);
    }

    private static IResult Token(PersonalDataServer server, IFormCollection form, OAuthClient client, string thumbprint)
    {
        var (session, failure) = form["grant_type"].ToString() switch
        {
            "authorization_code" => server.OAuth.Redeem(form["code"].ToString(), form["redirect_uri"].ToString(), form["code_verifier"].ToString(), client,
                thumbprint),
            "refresh_token" => server.OAuth.Refresh(form["refresh_token"].ToString(), client, thumbprint),
            _ => (null, new OAuthFailure("unsupported_grant_type", "Unsupported grant_type")),
        };
        if (session is null) return Error(failure!);
        return Results.Json(new
        {
            access_token = session.AccessToken,
            token_type = "DPoP",
            refresh_token = session.RefreshToken,
            scope = string.Join(' ', session.Scopes),
            expires_in = (long)server.OAuth.AccessLifetime.TotalSeconds,
            sub = session.Account.Did,
        });
    }

    /// <summary>Any account of this server may sign in, whatever the hint: only <c>sub</c> tells which one it was.</summary>
    private static async Task<IResult> ConsentAsync(PersonalDataServer server, HttpRequest request)
    {
        var uri = request.Query["request_uri"].ToString();
        if (server.OAuth.FindRequest(uri, request.Query["client_id"]) is not { } pushed) return ConsentPage.Unknown;
        var form = await request.ReadFormAsync(request.HttpContext.RequestAborted);
        var answer = new Dictionary<string, string?> { ["iss"] = server.Url, ["state"] = pushed.State };
        if (form["consent"] == "yes")
        {
            var account = server.Network.Accounts.FirstOrDefault(account => account.Server.AuthorizationServer == server
                && account.Is(form["identifier"].ToString()));
            if (account is null || form["password"] != account.Password) return ConsentPage.Show(pushed, wrongPassword: true);
            answer["code"] = server.OAuth.Decide(uri, account);
        }
        else
        {
            server.OAuth.Decide(uri, null);
            (answer["error"], answer["error_description"]) = ("access_denied", "The user rejected the request");
        }
        return new SeeOther(QueryHelpers.AddQueryString(pushed.RedirectUri, answer));
    }

    private sealed class SeeOther(string location) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.StatusCode = StatusCodes.Status303SeeOther;
            httpContext.Response.Headers.Location = location;
            return Task.CompletedTask;
        }
    }
}
