using WorkloadProxy.Audit;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Web;

namespace WorkloadProxy.SignIn;

/// <summary>How the sign-in answers: a browser gets a page, anything else the error as JSON.</summary>
internal sealed class SignInPages(string publicUrl)
{
    public string PublicUrl => publicUrl;

    public async Task<Failure?> RefuseAsync(HttpContext http, AuditRecord record, string title, Failure failure, Html help)
    {
        if (!Page.IsWanted(http)) return failure;
        var answer = ErrorResponse.From(failure);
        record.Reason = failure.Reason;
        record.Error = answer.Id;
        if (failure.RetryAfter is { } wait) http.Response.Headers.RetryAfter = Math.Max(1, (int)wait.TotalSeconds).ToString();
        await Page.WriteAsync(http, record, title, Pages.Message(publicUrl, title, Sentence(failure.Message), help), answer.Status);
        return null;
    }

    public Html Again(string loginUrl) => Pages.Link(loginUrl, "Begin again");

    public static Failure? Redirect(HttpContext http, AuditRecord record, string address, string reason)
    {
        record.Decision = AuditDecision.Allow;
        record.Reason = reason;
        // 303: whatever it was, what follows is a GET
        record.Status = http.Response.StatusCode = 303;
        http.Response.Headers.Location = address;
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers["Referrer-Policy"] = "no-referrer";
        http.Response.ContentLength = 0;
        return null;
    }

    /// <summary>An error's text as a person reads it on a page.</summary>
    private static string Sentence(string text) => $"{char.ToUpperInvariant(text[0])}{text.AsSpan(1)}{(text.EndsWith('.') ? "" : ".")}".Replace("`", "", StringComparison.Ordinal);
}
