using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies.Roles;

/// <summary>Every error and warning about roles and about a set as a whole. Codes are stable.</summary>
internal static class RoleDiagnostics
{
    private const string OwnHelp =
        "begin `sub` with `actx:{actx}:` for tokens minted from this context, or with `actx:ID:` for another's; name an `iss` for another issuer's";

    public static Diagnostic UnknownBlock(string type, string expected, SourceRange range)
        => Error("unknown-block", $"unknown block `{type}`, expected `{expected}`", DidYouMean(type, [expected]), range);

    public static Diagnostic NestedBlock(string type, string block, SourceRange range)
        => Error("unknown-block", $"unknown block `{type}` in a {block}", $"a {block} has attributes only: write `{type} = {{ … }}`", range);

    public static Diagnostic AttributeOutside(string name, string block, SourceRange range)
        => Error("unknown-attribute", $"unknown attribute `{name}` outside of a `{block}` block", $"put it into `{block} \"NAME\" {{ … }}`", range);

    public static Diagnostic UnknownAttribute(string name, string block, IEnumerable<string> known, SourceRange range)
        => Error("unknown-attribute", $"unknown attribute `{name}` in `{block}`",
            DidYouMean(name, known) ?? $"known are {string.Join(", ", known.Select(other => $"`{other}`"))}", range);

    public static Diagnostic Labels(string block, int found, SourceRange range)
        => Error("block-labels", $"`{block}` has {found} labels, expected one, its name", $"write `{block} \"NAME\" {{ … }}`", range);

    public static Diagnostic BadName(string block, SourceRange range)
        => Error("bad-name", $"the name of a `{block}` is empty or holds control characters", $"write `{block} \"NAME\" {{ … }}`", range);

    public static Diagnostic Duplicate(string block, string name, SourceRange first, SourceRange range)
        => Error($"duplicate-{block}", $"{block} `{name}` is already defined at {first}", "names are unique in a set: rename one", range);

    public static Diagnostic SecondBlock(string block, SourceRange first, SourceRange range)
        => Error("second-block", $"a second `{block}` in one file, the first is at {first}", "put both into one", range);

    public static Diagnostic Unlabelled(string block, SourceRange range)
        => Error("block-labels", $"`{block}` has a label, expected none", $"write `{block} {{ … }}`", range);

    public static Diagnostic Missing(string block, string name, string attribute, string? lookalike, string help, SourceRange range)
        => Error("missing-attribute", $"{block} `{name}` has no `{attribute}`", lookalike is null
            ? help : $"did you mean `{attribute}` by `{lookalike}`?", range);

    public static Diagnostic WrongType(string name, HclValue found, string expected, SourceRange range)
        => Error("wrong-type", $"`{name}` is {ValueText.Kind(found)}, expected {expected}", null, range);

    public static Diagnostic BadTime(string name, string found, SourceRange range)
        => Error("bad-time", $"`{name}` is `{found}`, expected a time with an offset (RFC 3339)", "for instance `2026-12-31T23:59:59Z`", range);

    public static Diagnostic BadTtl(string found, SourceRange range)
        => Error("bad-ttl", $"`max_ttl` is {found}, expected whole seconds, at least 1", "for instance `max_ttl = 300`, five minutes", range);

    public static Diagnostic BadCredential(string summary, SourceRange range)
        => Error("bad-credential", summary,
            "for instance `credential = { project = \"proj-a\" }`: the names are those of `Credentials` in the configuration, in `For` or between braces",
            range);

    public static Diagnostic UnknownPolicy(string name, string? nearest, SourceRange range)
        => Error("unknown-policy", $"unknown policy `{name}`",
            nearest is null ? $"a policy has its file's name: `policies/{name}.hcl`" : $"did you mean `{nearest}`?", range);

    public static Diagnostic EmptyConstraint(string name, HclValue found, SourceRange range)
        => Error("empty-constraint",
            $"`{name}` is {(found.Kind switch { HclValueKind.Null => "null", HclValueKind.Tuple => "an empty list", _ => "an empty object" })}, expected what "
                + "the claim must be",
            "leave it out if the claim doesn't matter", range);

    public static Diagnostic BadConstraint(string name, HclValue found, SourceRange range)
        => Error("wrong-type", $"`{name}` holds {ValueText.Kind(found)} in a list, expected a string, number, bool or object",
            found.Kind == HclValueKind.Tuple ? "write the values of both in one list" : "leave it out", range);

    public static Diagnostic DuplicateClaim(string name, SourceRange first, SourceRange range)
        => Error("duplicate-claim", $"claim `{name}` is constrained already at {first}", "for one of several values write a list", range);

    public static Diagnostic IssuerWildcard(string found, SourceRange range)
        => Error("issuer-wildcard", $"`iss` is `{found}`, expected exact issuers: `*` is not one", "write each issuer, as a list if there are several", range);

    public static Diagnostic IssuerUrl(string found, SourceRange range)
        => Error("issuer-url", $"`iss` is `{found}`, expected an absolute https URL without user, query and fragment",
            "write it exactly as the tokens' `iss` claim has it", range);

    public static Diagnostic OwnIssuer(string found, SourceRange range)
        => Error("own-issuer", $"`iss` is `{found}`, which is this proxy", "leave `iss` out: without it, the role is for tokens of this proxy", range);

    public static Diagnostic Unconstrained(string role, string issuer, SourceRange range)
        => Error("unconstrained-role", $"role `{role}` accepts every token that `{issuer}` issues for its `aud`",
            "constrain a claim that tells the workload, such as `sub`", range);

    public static Diagnostic AnyAudience(string role, string issuer, SourceRange range)
        => Error("any-audience", $"role `{role}` accepts tokens that `{issuer}` issued for any service",
            "write each `aud` that is meant: the server sends this context every token of that issuer (`\"Audience\": \"*\"`)", range);

    public static Diagnostic PassThroughIssuer(string found, SourceRange range)
        => Error("pass-through-issuer", $"`iss` is `{found}`, whose tokens pass through unverified",
            "take it out of the upstream's `PassThroughIssuers`, or remove the role: a token is either verified here or left to the upstream", range);

    public static Diagnostic AnyNamespace(string found, SourceRange range)
        => Warning("any-namespace", $"`sub` is `{found}`, which a service account of any namespace matches",
            "name the namespace: `system:serviceaccount:NAMESPACE:NAME`; whoever may create an account in any namespace could take the role", range);

    public static Diagnostic AccountUnknown(string role, string issuer, SourceRange range)
        => Warning("harness-account", $"`{issuer}` may serve every account of Harness, and role `{role}` does not constrain `account_id`",
            "add `account_id = \"ACCOUNT\"`, or use the account's own issuer `…/ng/api/oidc/account/ACCOUNT`", range);

    public static Diagnostic Unpinned(string role, SharedIssuer shared, UnpinnedText? text, SourceRange issuer)
        => Error("unpinned-tenant",
            $"role `{role}` is open to every tenant of `{shared.Issuer}`{(text is null ? "" : $": `{text.Claim} = {text.Value}` pins none")}",
            $"pin the tenant: write the owner's name in full, without `*` before the delimiter that follows it, in {shared.ClaimNames}: `{shared.Example}`",
            text?.Range ?? issuer);

    public static Diagnostic OwnUnpinned(string role, string? found, SourceRange range)
        => Error("unpinned-tenant", found is null ? $"role `{role}` has neither `iss` nor `sub`: it is open to every context that mints tokens here"
            : $"role `{role}` is open to every context that mints tokens here: `sub` is `{found}`, expected a context's id before any wildcard",
            OwnHelp, range);

    public static Diagnostic TooManyIssuers(int most, SourceRange range)
        => Error("too-many-issuers", $"more than {most} issuers in one context",
            "keys of each are fetched and kept: use fewer issuers, or several contexts", range);

    public static Diagnostic TooManyFiles(int most, int found, SourceRange range)
        => Error("too-many-files", $"{found} files, expected at most {most}", "put several roles into one file, or give the upstream several contexts", range);

    public static Diagnostic IssuerSpelling(string found, string exact, SourceRange range)
        => Warning("issuer-spelling", $"`iss` is `{found}`, but its tokens say `{exact}`", "issuers are compared exactly: no token will match", range);

    public static Diagnostic Namesakes(string role, string id, IEnumerable<string> contexts, SourceRange range)
        => Warning("namesake-context",
            $"several contexts have the id `{id}`, and role `{role}` does not say which one it means: it matches none of their tokens",
            $"add `actx_source` with one of {string.Join(", ", contexts.Select(context => $"`{context}`"))}", range);

    public static Diagnostic NoPolicies(string role, SourceRange range)
        => Warning("no-policies", $"role `{role}` has no policies: it permits nothing", "name one, or remove the role", range);

    public static Diagnostic UnusedPolicy(string policy, SourceRange range)
        => Warning("unused-policy", $"no role uses policy `{policy}`", "name it in the `policies` of a role, or remove the file", range);

    public static Diagnostic LooksReserved(string found, string reserved, SourceRange range)
        => Warning("misspelt-attribute", $"`{found}` is taken for a claim",
            $"did you mean `{reserved}`? A claim of that name is written `claims = {{ \"{found}\" = … }}`", range);

    public static Diagnostic UnknownClaim(string found, string? known, string all, SourceRange range)
        => Warning("misspelt-claim", $"no token of that issuer has a claim `{found}`", known is null ? $"it sends {all}" : $"did you mean `{known}`?", range);

    public static Diagnostic NoTemplate(string claim, string found, SourceRange range)
        => Warning("no-template", $"`{claim}` is `{found}`: `{{claims.…}}` stands for itself in a role",
            "only paths and parameters of policies take claims; in a role use `when`", range);

    public static Diagnostic NeverMatches(string role, string why, string? help, SourceRange range)
        => Warning("role-never-matches", $"no token can match role `{role}`: {why}", help, range);

    public static Diagnostic GitHubOneForm(string found, bool isNew, SourceRange range)
        => Warning("github-sub-one-form", $"`sub` has only the {(isNew ? "newer" : "older")} form of GitHub's subjects: `{found}`",
            isNew ? "repositories that were neither made, renamed nor moved since 2026-07-15 say `repo:OWNER/REPO:…`: accept both in a list, or constrain "
                + "`repository_id`"
                : "repositories made, renamed or moved since 2026-07-15 say `repo:OWNER@ID/REPO@ID:…`: accept both in a list, or constrain `repository_id`",
                range);

    public static Diagnostic AdmitsPullRequests(string found, SourceRange range)
        => Warning("admits-pull-requests", $"`sub` is `{found}`, which pull requests match too",
            "name the ref or the environment: `repo:OWNER/REPO:ref:refs/heads/main`", range);

    public static Diagnostic SelfGranting(string role, string policy, SourceRange range)
        => Warning("self-granting-role", $"role `{role}` may update its own policy repository by policy `{policy}`: it can grant itself anything",
            "keep `update` on that path to a role that people review", range);

    public static Diagnostic UntaggableSubject(string role, SourceRange range)
        => Warning("untaggable-subject", $"no tag gives a VM the `sub` of role `{role}`",
            "write `sub = \"actx:{actx}:role:NAME\"`, for the tag `oidc-sub:role:NAME`, with letters, digits, `-` and `_`", range);

    public static Diagnostic UnmatchedExchange(string subject, string? nearest, AuthContext context, SourceRange range)
        => Warning("unmatched-exchange", $"no role matches a token with `sub` `{subject}`: whoever exchanges for it can do nothing with it",
            nearest is null ? "add a role with this `sub` and without `iss`"
                : $"did you mean `{nearest.Replace($"actx:{context.Id}:", "actx:{actx}:", StringComparison.Ordinal)}`?", range);

    /// <summary>Null when nothing is near.</summary>
    public static string? DidYouMean(string found, IEnumerable<string> known)
        => NameSuggestion.Nearest(found, known) is { } nearest ? $"did you mean `{nearest}`?" : null;

    public static Diagnostic Error(string code, string summary, string? help, SourceRange range) => new(DiagnosticSeverity.Error, code, summary, help, range);

    private static Diagnostic Warning(string code, string summary, string? help, SourceRange range) =>
        new(DiagnosticSeverity.Warning, code, summary, help, range);
}
