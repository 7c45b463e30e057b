using System.Collections.Frozen;
using System.Text.RegularExpressions;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Roles;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies.Lints;

/// <summary>Warnings that take knowledge of GitHub's tokens: their claims, and the forms of their subjects.</summary>
internal static partial class GitHubLints
{
    private const int MostPairs = 10_000;

    private static readonly FrozenSet<string> Strings = FrozenSet.Create(StringComparer.Ordinal,
        "actor", "actor_id", "base_ref", "check_run_id", "enterprise", "enterprise_id", "environment", "environment_node_id", "event_name", "head_ref",
        "issuer_scope", "job_workflow_ref",
        "job_workflow_sha", "jti", "ref", "ref_protected", "ref_type", "repository", "repository_id", "repository_owner", "repository_owner_id",
        "repository_visibility", "run_attempt",
        "run_id", "run_number", "runner_environment", "sha", "sub", "workflow", "workflow_ref", "workflow_sha");

    private static readonly FrozenSet<string> Others = FrozenSet.Create(StringComparer.Ordinal, "aud", "iss", "exp", "iat", "nbf");

    /// <summary>An organization may have its repositories' custom properties in the token, each as a claim with this prefix.</summary>
    private const string CustomProperty = "repo_property_";

    /// <summary>What the same thing is called in workflow files, in other products, and in people's heads.</summary>
    private static readonly FrozenDictionary<string, string> OtherNames = new Dictionary<string, string>
    {
        ["branch"] = "ref", ["tag"] = "ref", ["ref_name"] = "ref", ["repo"] = "repository", ["owner"] = "repository_owner", ["org"] = "repository_owner",
        ["organization"] = "repository_owner",
        ["workflow_file"] = "job_workflow_ref", ["workflow_path"] = "workflow_ref", ["job_workflow"] = "job_workflow_ref", ["event"] = "event_name",
        ["env"] = "environment",
        ["actor_name"] = "actor", ["user"] = "actor", ["commit"] = "sha", ["subject"] = "sub", ["visibility"] = "repository_visibility",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>With one of these constrained, a role says itself which events it is for.</summary>
    private static readonly FrozenSet<string> TellEvents = FrozenSet.Create(StringComparer.Ordinal,
        "event_name", "ref", "ref_type", "ref_protected", "environment", "base_ref", "head_ref", "job_workflow_ref", "workflow_ref");

    public static void Check(Role role, ICollection<Diagnostic> diagnostics)
    {
        foreach (var claim in role.Claims)
        {
            if (!Strings.Contains(claim.Name) && !Others.Contains(claim.Name) && !claim.Name.StartsWith(CustomProperty, StringComparison.Ordinal))
            {
                diagnostics.Add(RoleDiagnostics.UnknownClaim(claim.Name, OtherNames.GetValueOrDefault(claim.Name)
                    ?? NameSuggestion.Nearest(claim.Name, Strings),
                    string.Join(", ", Strings.Order(StringComparer.Ordinal).Select(name => $"`{name}`")), claim.NameRange));
            }
            if (Strings.Contains(claim.Name) && claim.Constraint is ClaimConstraint.Number or ClaimConstraint.Bool)
            {
                diagnostics.Add(RoleDiagnostics.NeverMatches(role.Name, $"GitHub's `{claim.Name}` is a string",
                    $"write `{claim.Name} = \"{ValueText.Of(claim.Expected)}\"`", claim.Range));
            }
        }
        if (role.Claims.FirstOrDefault(claim => claim.Name == "sub") is not { Texts: { Count: > 0 } subjects } subject) return;
        CheckForms(subjects, subject, diagnostics);
        CheckEnds(role, subjects, subject, diagnostics);
        CheckRefs(subjects, subject, diagnostics);
        CheckRepository(role, subjects, diagnostics);
        if (!role.Claims.Any(claim => TellEvents.Contains(claim.Name) && !claim.Constraint.IsBare)) CheckPullRequests(subjects, subject, diagnostics);
    }

    private static void CheckForms(IReadOnlyList<ClaimConstraint.Text> subjects, RoleClaim subject, ICollection<Diagnostic> diagnostics)
    {
        var newer = subjects.FirstOrDefault(text => NewerForm().IsMatch(text.Pattern.LiteralPrefix));
        var older = subjects.FirstOrDefault(text => OlderForm().IsMatch(text.Pattern.LiteralPrefix));
        if (newer is null != older is null) diagnostics.Add(RoleDiagnostics.GitHubOneForm((newer ?? older)!.Written, newer is not null, subject.Range));
    }

    private static void CheckEnds(Role role, IReadOnlyList<ClaimConstraint.Text> subjects, RoleClaim subject, ICollection<Diagnostic> diagnostics)
    {
        if (!subjects.All(text => text.Pattern.IsLiteral && RepositoryOnly().IsMatch(text.Pattern.LiteralPrefix))) return;
        diagnostics.Add(RoleDiagnostics.NeverMatches(role.Name, "GitHub's subjects continue after the repository",
            "for instance `repo:OWNER/REPO:ref:refs/heads/main`", subject.Range));
    }

    private static void CheckRefs(IReadOnlyList<ClaimConstraint.Text> subjects, RoleClaim subject, ICollection<Diagnostic> diagnostics)
    {
        for (var i = 0; i < subjects.Count; i++)
        {
            if (ShortRef().Match(subjects[i].Pattern.LiteralPrefix) is not { Success: true, Groups: var groups }
                || (!subjects[i].Pattern.IsLiteral && "refs/".StartsWith(groups[1].Value, StringComparison.Ordinal)))
                continue;
            diagnostics.Add(ForeignSyntax.Warning($"`ref:{groups[1].Value}` matches no token of GitHub, whose refs begin with `refs/`",
                "write `ref:refs/heads/BRANCH` or `ref:refs/tags/TAG`", subject.RangeOf(i)));
        }
    }

    private static void CheckRepository(Role role, IReadOnlyList<ClaimConstraint.Text> subjects, ICollection<Diagnostic> diagnostics)
    {
        if (role.Claims.FirstOrDefault(claim => claim.Name == "repository") is not { Texts: { Count: > 0 } repositories } repository) return;
        if ((long)subjects.Count * repositories.Count > MostPairs) return;
        foreach (var text in subjects)
        {
            if (WholeRepository().Match(text.Pattern.LiteralPrefix) is not { Success: true } match) return;
            var name = $"{match.Groups[1].Value}/{match.Groups[2].Value}";
            if (repositories.Any(other => other.Pattern.Matches(name))) return;
        }
        diagnostics.Add(RoleDiagnostics.NeverMatches(role.Name, "`sub` and `repository` name different repositories", null, repository.Range));
    }

    private static void CheckPullRequests(IReadOnlyList<ClaimConstraint.Text> subjects, RoleClaim subject, ICollection<Diagnostic> diagnostics)
    {
        for (var i = 0; i < subjects.Count; i++)
        {
            var pattern = subjects[i].Pattern;
            // A pattern that names the very event is meant so.
            if (pattern.IsLiteral || OwnerAndMaybeRepository().Match(pattern.LiteralPrefix) is not { Success: true } match) continue;
            var repository = match.Groups[2].Success ? match.Value : $"{match.Groups[1].Value}/x:";
            if (pattern.Matches($"{repository}pull_request") && pattern.Matches($"{repository}ref:refs/heads/main"))
                diagnostics.Add(RoleDiagnostics.AdmitsPullRequests(subjects[i].Written, subject.RangeOf(i)));
        }
    }

    [GeneratedRegex(@"\Arepo:[^/@:]+@[0-9]+/")]
    private static partial Regex NewerForm();

    [GeneratedRegex(@"\Arepo:[^/@:]+/")]
    private static partial Regex OlderForm();

    [GeneratedRegex(@"\Arepo:[^/:]+/[^:]*\z")]
    private static partial Regex RepositoryOnly();

    [GeneratedRegex(@"\Arepo:([^/@:]+)(?:@[0-9]+)?/([^@:]+)(?:@[0-9]+)?:")]
    private static partial Regex WholeRepository();

    [GeneratedRegex(@"\A(repo:[^/:]+)/(?:([^:]+):)?")]
    private static partial Regex OwnerAndMaybeRepository();

    [GeneratedRegex(@"\Arepo:[^:]+:ref:(?!refs/)(.+)\z", RegexOptions.Singleline)]
    private static partial Regex ShortRef();
}
