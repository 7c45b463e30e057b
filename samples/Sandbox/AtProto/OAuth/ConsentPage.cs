using System.Net;

namespace Sandbox.AtProto.OAuth;

/// <summary>Where an account's owner signs in and consents: a plain form, so that a script can do what a person does.</summary>
internal static class ConsentPage
{
    public static IResult Unknown =>
        Results.Content("<!doctype html><title>Unknown request</title><p>This request is unknown, or its time is over.</p>", "text/html", statusCode: 400);

    public static IResult Show(PushedRequest request, bool wrongPassword) => Results.Content($"""
        <!doctype html>
        <html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>Sign in</title><link rel="icon" href="data:,">
        <body style="font: 16px system-ui; max-width: 30rem; margin: 3rem auto; padding: 0 1rem">
        <h1>Sign in</h1>
        <p><b>{WebUtility.HtmlEncode(request.ClientId)}</b> asks for <b>{WebUtility.HtmlEncode(string.Join(' ', request.Scopes))}</b>.</p>
        {(wrongPassword ? "<p role=\"alert\">The identifier or the password is wrong.</p>" : "")}
        <form method="post">
        <p><label>Handle or DID <input name="identifier" value="{WebUtility.HtmlEncode(request.LoginHint)}" autocomplete="username"></label></p>
        <p><label>Password <input name="password" type="password" autocomplete="current-password"></label></p>
        <button name="consent" value="yes">Authorize</button>
        <button name="consent" value="no">Deny access</button>
        </form></body></html>
        """, "text/html", statusCode: wrongPassword ? 401 : 200);
}
