using System.Text;
using Microsoft.AspNetCore.Http.Features;
using WorkloadProxy.Issuing;

namespace WorkloadProxy.SignIn;

/// <summary>The parameters of a page's address.</summary>
internal static class SignInQuery
{
    /// <summary>False if two readers could disagree about them: a name given twice, a broken escape. Without any, <paramref name="query"/> is null.</summary>
    public static bool TryRead(HttpContext http, out OAuthForm? query)
    {
        query = null;
        var target = TargetOf(http);
        if (target.AsSpan().ContainsAnyExceptInRange('!', '~')) return false;
        var text = TextOf(target);
        return text.Length == 0 || OAuthForm.TryParse(Encoding.ASCII.GetBytes(text), "application/x-www-form-urlencoded", out query, out _);
    }

    /// <summary>As it was sent, with its question mark; empty without one.</summary>
    public static string RawOf(HttpContext http) => TextOf(TargetOf(http)) is { Length: > 0 } text ? "?" + text : "";

    private static string TargetOf(HttpContext http) => http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;

    private static string TextOf(string target) => target.IndexOf('?') is >= 0 and var question ? target[(question + 1)..] : "";
}
