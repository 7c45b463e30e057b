using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery;
using WorkloadProxy.PolicyDelivery.Hosted.Repositories;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Web;

namespace WorkloadProxy.SignIn;

/// <summary>Collects what the team's page says: how its credential and its policy are doing.</summary>
internal sealed class TeamView(ProxyOptions options, PolicySources sources, PolicySetStore sets, HostedRepositories repositories)
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
            Notice = session.Notice?.Words(kind.Subject, kind.Choice.Name).Text,
            NoticeTone = session.Notice?.Words(kind.Subject, kind.Choice.Name).Tone ?? PageTone.Good,
            Credential = new(PageTone.Good, "configured"),
            CredentialFacts = [("Source", "the operator's configuration")],
            Policy = policy?.Version is null ? new(PageTone.Bad, "none in force")
                : policy.LastError is not null ? new(PageTone.Warn, "update refused")
                : set is { Roles.IsEmpty: true } ? new(PageTone.Warn, "permits nothing yet")
                : new(PageTone.Good, "in force"),
            PolicyFacts = policy is null ? [] : [.. FactsOf(policy, set)],
            PolicyError = policy?.LastError?.Text,
            CloneUrl = repositories.Find(context) is null ? null : $"{options.PublicUrl}/_rbac/{context.Upstream}/{context.Id}",
            Subject = kind.Subject,
            TokenCommand = kind.TokenCommand,
            GitTokenPath = kind.GitTokenPath is { } gitToken ? Local(gitToken) : null,
        };
        if (options.Credentials.Any(entry => entry.Context == context && !entry.IsSignedIn)) return page;
        if (kind.Credential(context) is not { } credential)
            return page with { Credential = new(PageTone.Bad, "not connected"), CredentialFacts = [], Connect = kind.Choice };
        return page with
        {
            Credential = credential.State,
            CredentialFacts = credential.Facts,
            Connect = credential.NeedsConnecting ? kind.Choice : null,
            DisconnectPath = Local(kind.DisconnectPath),
        };
    }

    private static IEnumerable<(string, string)> FactsOf(PolicySourceStatus policy, PolicySet? set)
    {
        yield return ("Source", policy.Source == HostedPolicy.Source ? "the repository below" : policy.Source);
        if (set is not null) yield return ("Contents", $"{Count(set.Roles.Length, "role", "roles")}, {Count(set.Policies.Length, "policy", "policies")}");
        if (policy.Version is { } version) yield return ("Version", version.Length > 12 ? version[..12] : version);
        if (policy.Since is { } since) yield return ("In force since", CredentialView.At(since));
    }

    private static string Count(int count, string one, string many) => $"{count} {(count == 1 ? one : many)}";

    /// <summary>Forms name a path, so that they are sent to the origin that the page came from: <c>form-action 'self'</c> permits no other.</summary>
    private string Local(string path) => new Uri(options.PublicUrl).AbsolutePath.TrimEnd('/') + path;
}
