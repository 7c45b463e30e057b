using WorkloadProxy.Issuing;
using WorkloadProxy.Requests;

namespace WorkloadProxy.SignIn;

/// <summary>A form changes something only if it was sent by a page of this origin, with the session's own word in it: either alone would do, and neither is relied on alone.</summary>
internal sealed class SameOrigin(string publicUrl)
{
    private readonly string origin = new Uri(publicUrl).GetLeftPart(UriPartial.Authority);

    /// <summary>Null when the form may do what it asks for.</summary>
    public async Task<Failure?> CheckAsync(HttpContext http, Session session)
    {
        var sent = http.Request.Headers.Origin;
        // browsers name the origin of every form that is posted; one that names none must say that it is the same
        if (sent.Count > 0 ? sent.Count > 1 || sent[0] != origin : http.Request.Headers["Sec-Fetch-Site"] != "same-origin")
            return new Failure(ErrorId.Forbidden, "the form was not sent by a page of this server");
        if (!(await BodyReader.ReadFormAsync(http)).Succeeded(out var body, out var unreadable)) return unreadable;
        if (!OAuthForm.TryParse(body, http.Request.ContentType, out var form, out var malformed)) return new Failure(ErrorId.BadRequest, malformed);
        return SecretText.Same(form["csrf"], session.AntiForgery) ? null : new Failure(ErrorId.Forbidden, "the form is not one of this session");
    }
}
