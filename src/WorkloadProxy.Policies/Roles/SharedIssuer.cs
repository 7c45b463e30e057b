using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.RegularExpressions;
using WorkloadProxy.Policies.Patterns;

namespace WorkloadProxy.Policies.Roles;

/// <summary>
/// An issuer that serves many tenants under one <c>iss</c>: a role that names it must say whose tokens it means, in a claim that the issuer itself fills
/// in. Issuers that belong to one organization (by path or host) are not in it.
/// </summary>
internal sealed partial record SharedIssuer(string Issuer, string Example, ImmutableArray<TenantClaim> Claims)
{
    public const string GitHub = "https://token.actions.githubusercontent.com";

    private const string BuddyExample = "sub = \"https://app.buddy.works/WORKSPACE/PROJECT\"";

    private static readonly ImmutableArray<SharedIssuer> All =
    [
        // A repository's owner may choose which claims make up `sub`, each written as its name and its value; so those that name the owner count as well,
        // and `environment:` or `job_workflow_ref:` do not: anyone has an environment `prod`, anyone may call a public workflow.
        new(GitHub, "sub = \"repo:OWNER/REPO:ref:refs/heads/main\"",
        [
            new("sub", Prefix: GitHubSubject(), Whole: GitHubOwnerSubject()),
            new("repository", Prefix: GitHubRepository()),
            new("repository_id", Whole: Word()),
            new("repository_owner", Whole: Word()),
            new("repository_owner_id", Whole: Word()),
            new("enterprise_id", Whole: Word()),
        ]),
        new("https://cloud.rwx.com/mint", "sub = \"org:SLUG:vault:NAME\"", [new("sub", Prefix: RwxSubject())]),
        new("https://gitlab.com", "project_path = \"GROUP/PROJECT\"",
        [
            new("sub", Prefix: GitLabSubject()),
            new("project_path", Prefix: FirstSegment()),
            new("project_id", Whole: Word()),
            new("namespace_path", Prefix: FirstSegment(), Whole: Word()),
            new("namespace_id", Whole: Word()),
        ]),
        // A pipeline's slug is unique within an organization only, so it pins nothing that the organization did not pin already.
        new("https://agent.buildkite.com", "organization_slug = \"ORGANIZATION\"",
        [
            new("sub", Prefix: BuildkiteSubject()),
            new("organization_slug", Whole: Word()),
            new("organization_id", Whole: Word()),
        ]),
        new("https://oidc.vercel.com", "sub = \"owner:TEAM:project:PROJECT:environment:production\"",
            [new("sub", Prefix: VercelSubject()), new("owner_id", Whole: Word())]),
        new("https://identity.depot.dev", "org_id = \"ORGANIZATION\"", [new("sub", Prefix: DepotSubject()), new("org_id", Whole: Word())]),
        new("https://oidc.circleci.com", "claims = { \"oidc.circleci.com/org-id\" = \"ORGANIZATION\" }",
            [new("oidc.circleci.com/org-id", Whole: Word()), new("sub", Prefix: CircleCiSubject())]),
        new("https://app.terraform.io", "terraform_organization_id = \"ORGANIZATION\"",
        [
            new("terraform_organization_id", Whole: Word()),
            new("terraform_organization_name", Whole: Word()),
            new("terraform_workspace_id", Whole: Word()),
            new("sub", Prefix: BuildkiteSubject()),
        ]),
        // not `scm_repo_url`: anyone may run a pipeline on a public repository
        new("https://oidc.codefresh.io", "account_id = \"ACCOUNT\"", [new("account_id", Whole: Word()), new("sub", Prefix: CodefreshSubject())]),
        // owners and repositories are counted by the platform that they lie on
        new("https://oidc.cirrus-ci.com", "sub = \"repo:github:OWNER/REPO\"",
        [
            new("sub", Prefix: CirrusSubject()),
            new("owner_id", Whole: Word(), Beside: "platform"),
            new("owner", Whole: Word(), Beside: "platform"),
            new("repository_id", Whole: Word(), Beside: "platform"),
        ]),
        new("https://api.pulumi.com/oidc", "sub = \"pulumi:deploy:org:ORGANIZATION:project:PROJECT:*\"",
            [new("sub", Prefix: PulumiSubject()), .. PulumiClaims()]),
        new("https://api.pulumi.com/oidc/v2", "claims = { \"https://pulumi.com/org_id\" = \"ORGANIZATION\" }", PulumiClaims()),
        new("https://oidc.modal.com", "workspace_id = \"WORKSPACE\"", [new("workspace_id", Whole: Word()), new("sub", Prefix: ModalSubject())]),
        new("https://oidc.buddyusercontent.com", BuddyExample, [new("sub", Prefix: BuddySubject())]),
        new("https://eu-oidc.buddyusercontent.com", BuddyExample, [new("sub", Prefix: BuddySubject())]),
        new("https://asia-oidc.buddyusercontent.com", BuddyExample, [new("sub", Prefix: BuddySubject())]),
        new("https://issuer.enforce.dev", "sub = \"ORGANIZATION/IDENTITY\"", [new("sub", Prefix: ChainguardSubject())]),
        // a subject is one agent's id, which no team chooses
        new("https://api.cursor.com", "team_id = \"TEAM\"", [new("team_id", Whole: Word())]),
        new("https://accounts.google.com", "email = \"NAME@PROJECT.iam.gserviceaccount.com\"",
            [new("sub", Whole: Word()), new("email", Whole: Email()), new("hd", Whole: Word())]),
    ];

    private static readonly FrozenDictionary<string, SharedIssuer> ByOrigin = All.ToFrozenDictionary(shared => IssuerUrl.Normalize(shared.Issuer),
        StringComparer.Ordinal);

    /// <summary>
    /// The entry that <paramref name="issuer"/> means, also when it is spelled with another case, a port or a slash at the end; null when it is no shared one.
    /// </summary>
    public static SharedIssuer? Find(string issuer) => ByOrigin.GetValueOrDefault(IssuerUrl.Normalize(issuer));

    /// <summary>The claims that may pin, as a text for people.</summary>
    public string ClaimNames => string.Join(", ", Claims.Select(claim => $"`{claim.Name}`"));

    [GeneratedRegex(@"\A(?:repo(?:sitory)?:[A-Za-z0-9_.-]+(?:@[0-9]+)?/"
        + @"|(?:repository_owner|repository_id|repository_owner_id|enterprise_id):[A-Za-z0-9_.-]+:)")]
    private static partial Regex GitHubSubject();

    [GeneratedRegex(@"\A(?:repository_owner|repository_id|repository_owner_id|enterprise_id):[A-Za-z0-9_.-]+\z")]
    private static partial Regex GitHubOwnerSubject();

    [GeneratedRegex(@"\A[A-Za-z0-9_.-]+/")]
    private static partial Regex GitHubRepository();

    [GeneratedRegex(@"\A(?:mint:[A-Za-z0-9-]+|org:[^:/\s]+):")]
    private static partial Regex RwxSubject();

    [GeneratedRegex(@"\Aproject_path:[^:/\s]+/")]
    private static partial Regex GitLabSubject();

    [GeneratedRegex(@"\A[^:/\s]+/")]
    private static partial Regex FirstSegment();

    [GeneratedRegex(@"\Aorganization:[^:/\s]+:")]
    private static partial Regex BuildkiteSubject();

    [GeneratedRegex(@"\Aowner:[^:/\s]+:")]
    private static partial Regex VercelSubject();

    private static ImmutableArray<TenantClaim> PulumiClaims() =>
        [new("https://pulumi.com/org_id", Whole: Word()), new("https://pulumi.com/org", Whole: Word())];

    [GeneratedRegex(@"\Aorg/[^:/\s]+/")]
    private static partial Regex CircleCiSubject();

    [GeneratedRegex(@"\Aaccount:[^:/\s]+:")]
    private static partial Regex CodefreshSubject();

    [GeneratedRegex(@"\Arepo:github:[^:/\s]+/")]
    private static partial Regex CirrusSubject();

    [GeneratedRegex(@"\Apulumi:[^:/\s]+:org:[^:/\s]+:")]
    private static partial Regex PulumiSubject();

    [GeneratedRegex(@"\Amodal:workspace_id:[^:/\s]+:")]
    private static partial Regex ModalSubject();

    [GeneratedRegex(@"\Ahttps://(?:[a-z0-9-]+\.)*buddy\.works/[^:/\s]+/")]
    private static partial Regex BuddySubject();

    [GeneratedRegex(@"\A[^:/\s]+/")]
    private static partial Regex ChainguardSubject();

    [GeneratedRegex(@"\Aspiffe://identity\.depot\.dev/org/[^:/\s]+/")]
    private static partial Regex DepotSubject();

    [GeneratedRegex(@"\A[^@\s]+@[^@\s]+\z")]
    private static partial Regex Email();

    [GeneratedRegex(@"\A\S+\z")]
    private static partial Regex Word();
}

/// <summary>
/// A claim that names the tenant: <paramref name="Prefix"/> must match in the literal text before any wildcard, or <paramref name="Whole"/> the whole of a text
/// without one. With <paramref name="Beside"/>, only where that claim has one value.
/// </summary>
internal sealed record TenantClaim(string Name, Regex? Prefix = null, Regex? Whole = null, string? Beside = null)
{
    /// <summary>Whether the role's constraints pin a tenant by it.</summary>
    public bool Pins(IReadOnlyList<RoleClaim> claims)
        => claims.Any(claim => claim.Name == Name && Pins(claim))
            && (Beside is null || claims.Any(claim => claim.Name == Beside && claim.Texts is [{ Pattern.IsLiteral: true }]));

    /// <summary>
    /// A string, or a list of nothing else, of which every element pins. Tenants' names and ids are strings in all these tokens: a number pins nothing.
    /// </summary>
    public bool Pins(RoleClaim claim) => claim.Texts is { Count: > 0 } texts && texts.All(text => Pins(text.Pattern));

    public bool Pins(TextPattern pattern)
        => Prefix?.IsMatch(pattern.LiteralPrefix) == true || (pattern.IsLiteral && Whole?.IsMatch(pattern.LiteralPrefix) == true);
}
