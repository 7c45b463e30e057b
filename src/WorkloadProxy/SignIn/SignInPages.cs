using System.Globalization;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Web;

namespace WorkloadProxy.SignIn;

/// <summary>How signing in answers: with a page for a browser, with the error as JSON for anything else.</summary>
internal sealed class SignInPages(string publicUrl)
{
    public string PublicUrl => publicUrl;

    public Task<Failure?> RefuseAsync(HttpContext http, RequestRecord record, string title, Failure failure, Html help, bool formsLeave = false)
    {
        if (!Page.IsWanted(http)) return Task.FromResult<Failure?>(failure);
        record.Because(failure.Reason);
        record.Fail(failure);
        if (failure.RetryAfter is { } wait) http.Response.Headers.RetryAfter = Math.Max(1, (int)wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        Page.Answer(http, record, $"{title} · WorkloadProxy", Pages.Message(publicUrl, title, Sentence(failure.Message), help),
            ErrorResponse.From(failure).Status, formsLeave);
        return Task.FromResult<Failure?>(null);
    }

    /// <summary>A form that must not do what it asks for.</summary>
    public Task<Failure?> RefuseFormAsync(HttpContext http, RequestRecord record, Failure failure) =>
        RefuseAsync(http, record, "The form was refused", failure, Pages.Link($"{publicUrl}/", "Back to your team"));

    public static Failure? Redirect(HttpContext http, RequestRecord record, string address, string reason)
    {
        record.Permit(reason);
        // 303: whatever the method was, a GET follows
        record.Reply(303, null, ReadOnlyMemory<byte>.Empty);
        http.Response.Headers.Location = address;
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers["Referrer-Policy"] = "no-referrer";
        return null;
    }

    /// <summary>An error text as people expect it on a page.</summary>
    private static string Sentence(string text) =>
        $"{char.ToUpperInvariant(text[0])}{text.AsSpan(1)}{(text.EndsWith('.') ? "" : ".")}".Replace("`", "", StringComparison.Ordinal);
}
