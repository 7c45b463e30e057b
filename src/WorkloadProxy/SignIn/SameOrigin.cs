using WorkloadProxy.Issuing;
using WorkloadProxy.Requests;

namespace WorkloadProxy.SignIn;

/// <summary>
/// A form changes something only if a page of this origin sent it, with the session's anti-forgery value in it: either alone would do, and neither is relied on
/// alone.
/// </summary>
/// <param name="urls">Under which the pages are reached.</param>
internal sealed class SameOrigin(params string[] urls)
{
    private readonly string[] origins = [.. urls.Select(url => new Uri(url).GetLeftPart(UriPartial.Authority))];

    /// <summary>Null when the form may do what it asks for.</summary>
    public async Task<Failure?> CheckAsync(HttpContext http, Session session)
    {
        var sent = http.Request.Headers.Origin;
        // browsers send `Origin` with every form that is posted; one that does not must at least say that the sites are the same
        if (sent.Count > 0 ? sent.Count > 1 || !origins.Contains(sent[0]) : http.Request.Headers["Sec-Fetch-Site"] != "same-origin")
            return new Failure(ErrorId.Forbidden, "the form was not sent by a page of this server");
        if (!(await BodyReader.ReadFormAsync(http)).Succeeded(out var body, out var unreadable)) return unreadable;
        if (!OAuthForm.TryParse(body, http.Request.ContentType, out var form, out var malformed)) return new Failure(ErrorId.BadRequest, malformed);
        return SecretText.Same(form["csrf"], session.AntiForgery)
            ? null : new Failure(ErrorId.Forbidden, "the form does not belong to this session; reload the page and try again");
    }
}
