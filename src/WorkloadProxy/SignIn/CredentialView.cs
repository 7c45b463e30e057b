using System.Globalization;
using WorkloadProxy.Credentials.OAuth;
using WorkloadProxy.Web;

namespace WorkloadProxy.SignIn;

/// <summary>
/// What the page of someone who is signed in says of the credential that was given. <paramref name="NeedsConnecting"/>: signing in again would help.
/// </summary>
internal sealed record CredentialView(PageState State, IReadOnlyList<(string Name, string Value)> Facts, bool NeedsConnecting)
{
    public static CredentialView Of(StoredToken token, DateTimeOffset now)
    {
        var warning = token.Warning(now);
        var state = warning is null ? new PageState(PageTone.Good, "connected") : token.IsUsable(now)
            ? new(PageTone.Warn, "expires soon") : new(PageTone.Bad, "ended");
        return new(state, [.. FactsOf(token, warning)], warning is not null);
    }

    public static string At(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);

    private static IEnumerable<(string, string)> FactsOf(StoredToken token, string? warning)
    {
        yield return ("Connected by", token.Account);
        yield return ("Since", At(token.Connected));
        yield return ("Scopes", string.Join(' ', token.Scopes));
        if (warning is not null) yield return ("Problem", warning);
        else if (token.RefreshAt is { } renewal) yield return ("Next renewal", At(renewal));
        else if (token.Expires is { } end) yield return ("Expires", At(end));
    }
}
