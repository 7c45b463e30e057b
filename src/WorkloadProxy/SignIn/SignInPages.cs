using System.Globalization;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Web;

namespace WorkloadProxy.SignIn;

/// <summary>How signing in answers: with a page for a browser, with the error as JSON for anything else.</summary>
internal sealed class SignInPages(string publicUrl)
{
    public string PublicUrl => publicUrl;

    public async Task<Failure?> RefuseAsync(HttpContext http, RequestRecord record, string title, Failure failure, Html help, bool formsLeave = false)
    {
        if (!Page.IsWanted(http)) return failure;
        var answer = ErrorResponse.From(failure);
        record.Reason = failure.Reason;
        record.Error = answer.Id;
        if (failure.RetryAfter is { } wait) http.Response.Headers.RetryAfter = Math.Max(1, (int)wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        await Page.WriteAsync(http, record, $"{title} · WorkloadProxy", Pages.Message(publicUrl, title, Sentence(failure.Message), help), answer.Status, formsLeave);
        return null;
    }

    /// <summary>A form that must not do what it asks for.</summary>
    public Task<Failure?> RefuseFormAsync(HttpContext http, RequestRecord record, Failure failure) =>
        RefuseAsync(http, record, "The form was refused", failure, Pages.Link($"{publicUrl}/", "Back to your team"));

    public static Failure? Redirect(HttpContext http, RequestRecord record, string address, string reason)
    {
        record.Decision = RequestOutcome.Allow;
        record.Reason = reason;
        // 303: whatever the method was, a GET follows
        record.Status = http.Response.StatusCode = 303;
        http.Response.Headers.Location = address;
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers["Referrer-Policy"] = "no-referrer";
        http.Response.ContentLength = 0;
        return null;
    }

    /// <summary>An error text as people expect it on a page.</summary>
    private static string Sentence(string text) => $"{char.ToUpperInvariant(text[0])}{text.AsSpan(1)}{(text.EndsWith('.') ? "" : ".")}".Replace("`", "", StringComparison.Ordinal);
}
