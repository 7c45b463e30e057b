using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using WorkloadProxy.Stages;

namespace WorkloadProxy.Web;

/// <summary>Answers with a whole page: no script, one style sheet that the policy names by its hash, nothing from elsewhere, no frames, no caching.</summary>
internal static class Page
{
    private const string Icon =
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' height='32' rx='7' fill='%230b5cad'/%3E%3Cpath "
            + "d='M8 16h16M18 10l6 6-6 6' fill='none' stroke='white' stroke-width='3'/%3E%3C/svg%3E";

    private static readonly Lazy<string> policy = new(() =>
        $"default-src 'none'; style-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style.Text)))}'; img-src data:; form-action "
            + $"{{0}}; base-uri 'none'; frame-ancestors 'none'");

    private static readonly Lazy<string> ownForms = new(() => string.Format(CultureInfo.InvariantCulture, policy.Value, "'self'"));

    // the one text that is not escaped: it is a constant of ours
    private static readonly string style = $"<style>{Style.Text}</style>";

    public static bool IsWanted(HttpContext http) => http.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase);

    /// <param name="http">The request.</param>
    /// <param name="record">Its record.</param>
    /// <param name="title">Of the window.</param>
    /// <param name="body">What is in it.</param>
    /// <param name="status">The status code.</param>
    /// <param name="formsLeave">A form of the page leads, by a redirect, to another server; browsers ask the policy about that too.</param>
    public static void Answer(HttpContext http, RequestRecord record, string title, Html body, int status = 200, bool formsLeave = false)
    {
        var headers = http.Response.Headers;
        headers.ContentSecurityPolicy = formsLeave ? string.Format(CultureInfo.InvariantCulture, policy.Value, "*") : ownForms.Value;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers.CacheControl = "no-store";
        headers.Vary = "Accept, Cookie";
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        var page = Encoding.UTF8.GetBytes(Text(title, body));
        record.Reply(status, "text/html; charset=utf-8", page);
    }

    private static string Text(string title, Html body)
    {
        var head = Html.Of($"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>{title}</title>
            <link rel="icon" href="{Icon}">

            """);
        var rest = Html.Of($"""

            </head>
            <body>
            <a class="skip" href="#main">Skip to content</a>
            {body}
            <footer><p>WorkloadProxy: workloads get short-lived tokens; the credential stays here.</p></footer>
            </body>
            </html>

            """);
        return string.Concat(head.ToString(), style, rest.ToString());
    }
}
