using System.Net;
using Microsoft.AspNetCore.WebUtilities;

namespace Sandbox.OAuth;

/// <summary><c>/v1/oauth/…</c>: the consent page, and the endpoints that a client calls.</summary>
internal static class OAuthEndpoints
{
    public const string Prefix = "/v1/oauth/";

    public static void MapOAuth(this WebApplication app, OAuthServer server, SandboxOptions options)
    {
        app.MapGet(Prefix + "authorize", (HttpRequest request) => server.Check(request.Query) is { } error
            ? Error(400, "invalid_request", error) : Results.Content(Page(server, request), "text/html"));
        app.MapPost(Prefix + "authorize", async (HttpRequest request) =>
        {
            if (server.Check(request.Query) is { } error) return Error(400, "invalid_request", error);
            var form = await request.ReadFormAsync();
            var answer = new Dictionary<string, string?> { ["state"] = request.Query["state"] };
            if (form["consent"] == "yes") answer["code"] = server.Consent(request.Query);
            else (answer["error"], answer["error_description"]) = ("access_denied", "The resource owner or authorization server denied the request.");
            return Results.Redirect(QueryHelpers.AddQueryString(request.Query["redirect_uri"]!, answer));
        });
        app.MapPost(Prefix + "token", context => TokenAsync(context, server));
        app.MapGet(Prefix + "token/info", (HttpRequest request) => Info(server, options, Bearer(request)));
        app.MapPost(Prefix + "revoke", async (HttpRequest request) =>
        {
            var form = request.HasFormContentType ? await request.ReadFormAsync() : FormCollection.Empty;
            if (Bearer(request) is not { } token || form["token"] != token) return Error(401, "unauthorized", "Unable to authenticate you");
            server.Revoke(token);
            return Results.Json(new { });
        });
        app.MapPut("/_sandbox/oauth/faults", (string[] names) =>
        {
            server.Order(names.Select(name => Enum.Parse<OAuthFault>(name.Replace("_", ""), ignoreCase: true)));
            return Results.NoContent();
        });
    }

    private static async Task TokenAsync(HttpContext context, OAuthServer server)
    {
        var fault = server.NextFault();
        switch (fault)
        {
            case OAuthFault.Slow:
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
                return;
            case OAuthFault.ServerError:
                await Results.Text("<h1>We're sorry, but something went wrong.</h1>", "text/html", statusCode: 500).ExecuteAsync(context);
                return;
            case OAuthFault.NotJson:
                await Results.Text("<!doctype html><title>Maintenance</title>", "text/html").ExecuteAsync(context);
                return;
        }
        // a secret in a query ends in logs: what isn't in the form is not seen
        var form = context.Request.HasFormContentType && context.Request.Query.Count == 0 ? await context.Request.ReadFormAsync() : FormCollection.Empty;
        var (grant, error) = server.Redeem(form, keepRefreshToken: fault == OAuthFault.NoRefreshToken);
        if (grant is null)
        {
            await Error(error == "invalid_client" ? 401 : 400, error!,
                "The provided authorization grant is invalid, expired, revoked, or was issued to another client.").ExecuteAsync(context);
            return;
        }
        if (fault == OAuthFault.HeldAnswer)
        {
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
            return;
        }
        if (fault == OAuthFault.LostAnswer)
        {
            context.Abort();
            return;
        }
        var answer = new Dictionary<string, object?>
        {
            ["access_token"] = grant.AccessToken,
            ["token_type"] = fault == OAuthFault.OtherTokenType ? "mac" : "bearer",
            ["expires_in"] = (long)(grant.Expires - server.Time.GetUtcNow()).TotalSeconds,
            ["refresh_token"] = grant.RefreshToken,
            ["scope"] = string.Join(' ', grant.Scopes),
            ["info"] = new { name = grant.Account.Name, email = grant.Account.Email, uuid = "b6fr89dbf6d9156cace5f3c78dc9851d957381ef",
                team_uuid = grant.Account.TeamUuid, team_name = grant.Account.TeamName },
        };
        if (fault == OAuthFault.NoTokenType) answer.Remove("token_type");
        if (fault == OAuthFault.NoRefreshToken || !server.GivesRefreshTokens) answer.Remove("refresh_token");
        if (fault == OAuthFault.NoInfo) answer.Remove("info");
        context.Response.Headers.CacheControl = "no-store";
        await Results.Json(answer).ExecuteAsync(context);
    }

    /// <summary>Scopes are told of the account's own tokens too.</summary>
    private static IResult Info(OAuthServer server, SandboxOptions options, string? token)
    {
        if (token is not null && server.Find(token) is { } grant)
            return Results.Json(new { scopes = grant.Scopes, expires_in = (long)(grant.Expires - server.Time.GetUtcNow()).TotalSeconds });
        if (token is not null && (token == options.TeamToken || token == options.UserToken)) return Results.Json(new { scopes = new[] { "read", "write" } });
        return token is not null && token == options.ReadOnlyToken
            ? Results.Json(new { scopes = new[] { "read" } }) : Error(401, "unauthorized", "Unable to authenticate you");
    }

    private static string? Bearer(HttpRequest request) =>
        request.Headers.Authorization.ToString() is { } value && value.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? value[7..] : null;

    private static IResult Error(int status, string error, string description) =>
        Results.Json(new { error, error_description = description }, statusCode: status);

    private static string Page(OAuthServer server, HttpRequest request) => $"""
        <!doctype html>
        <html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>Authorize application</title><link rel="icon" href="data:,">
        <body style="font: 16px system-ui; max-width: 30rem; margin: 3rem auto; padding: 0 1rem">
        <h1>Authorize application</h1>
        <p>An application asks for <b>{WebUtility.HtmlEncode(request.Query["scope"].ToString())}</b> access to team <b>{WebUtility.HtmlEncode(server.Account.TeamName)}</b>.</p>
        <form method="post">
        <button name="consent" value="yes">Authorize application</button>
        <button name="consent" value="no">Cancel</button>
        </form></body></html>
        """;
}
