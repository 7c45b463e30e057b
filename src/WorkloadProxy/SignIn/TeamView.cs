using System.Globalization;
using WorkloadProxy.Configuration;
using WorkloadProxy.Credentials.OAuth;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery;
using WorkloadProxy.PolicyDelivery.Hosted.Repositories;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Web;

namespace WorkloadProxy.SignIn;

/// <summary>Collects what the team's page says: how its credential and its policy are doing.</summary>
internal sealed class TeamView(ProxyOptions options, OAuthTokens tokens, PolicySources sources, PolicySetStore sets, HostedRepositories repositories, TimeProvider time)
{
    public TeamPage Of(Session session, SignInKind kind, string signOutPath)
    {
        var context = session.Context;
        var policy = sources.Statuses.FirstOrDefault(status => status.Context == context);
        // null while it is deferred: nobody has asked for it yet
        var set = sets.Current(context)?.Set;
        var page = new TeamPage
        {
            PublicUrl = options.PublicUrl,
            Account = session.Account,
            Context = context.ToString(),
            AntiForgery = session.AntiForgery,
            SignOutPath = Local(signOutPath),
            Notice = session.Notice?.Words().Text,
            NoticeTone = session.Notice?.Words().Tone ?? PageTone.Good,
            Credential = new(PageTone.Good, "configured"),
            CredentialFacts = [("Source", "the operator's configuration")],
            Policy = policy?.Version is null ? new(PageTone.Bad, "none in force")
                : policy.LastError is not null ? new(PageTone.Warn, "update refused")
                : set is { Roles.IsEmpty: true } ? new(PageTone.Warn, "permits nothing yet")
                : new(PageTone.Good, "in force"),
            PolicyFacts = policy is null ? [] : [.. FactsOf(policy, set)],
            PolicyError = policy?.LastError?.Text,
            CloneUrl = repositories.Find(context) is null ? null : $"{options.PublicUrl}/_rbac/{context.Upstream}/{context.Id}",
            TokenCommand = kind.TokenCommand,
        };
        if (options.Credentials.Any(entry => entry.Context == context && entry.Kind != CredentialKind.OAuth)) return page;
        if (tokens.Find(context) is not { } token) return page with { Credential = new(PageTone.Bad, "not connected"), CredentialFacts = [], Connect = kind.Choice };
        var warning = token.Warning(time.GetUtcNow());
        return page with
        {
            Credential = warning is null ? new(PageTone.Good, "connected") : token.IsUsable(time.GetUtcNow()) ? new(PageTone.Warn, "expires soon") : new(PageTone.Bad, "ended"),
            CredentialFacts = [.. FactsOf(token, warning)],
            Connect = warning is null ? null : kind.Choice,
            DisconnectPath = Local(kind.DisconnectPath),
        };
    }

    private static IEnumerable<(string, string)> FactsOf(PolicySourceStatus policy, PolicySet? set)
    {
        yield return ("Source", policy.Source == HostedPolicy.Source ? "the repository below" : policy.Source);
        if (set is not null) yield return ("Contents", $"{Count(set.Roles.Length, "role", "roles")}, {Count(set.Policies.Length, "policy", "policies")}");
        if (policy.Version is { } version) yield return ("Version", version.Length > 12 ? version[..12] : version);
        if (policy.Since is { } since) yield return ("In force since", At(since));
    }

    private static IEnumerable<(string, string)> FactsOf(StoredToken token, string? warning)
    {
        yield return ("Connected by", token.Account);
        yield return ("Since", At(token.Connected));
        yield return ("Scopes", string.Join(' ', token.Scopes));
        if (warning is not null) yield return ("Problem", warning);
        else if (token.RefreshAt is { } renewal) yield return ("Next renewal", At(renewal));
        else if (token.Expires is { } end) yield return ("Expires", At(end));
    }

    private static string Count(int count, string one, string many) => $"{count} {(count == 1 ? one : many)}";

    private static string At(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);

    /// <summary>Forms name a path, so that they are sent to the origin that the page came from: <c>form-action 'self'</c> permits no other.</summary>
    private string Local(string path) => new Uri(options.PublicUrl).AbsolutePath.TrimEnd('/') + path;
}
