using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Roles;

namespace WorkloadProxy.Policies.Lints;

/// <summary>Warnings that one role alone shows: it compiles, but hardly says what its author meant.</summary>
internal static class RoleLints
{
    public static void Check(Role role, HclBlock block, ICollection<Diagnostic> diagnostics)
    {
        foreach (var attribute in block.Body.Attributes)
        {
            if (attribute.Name is "iss" or "sub" or "aud" or "claims" || RoleReader.Reserved.Contains(attribute.Name)) continue;
            if (NameSuggestion.Nearest(attribute.Name, [.. RoleReader.Reserved, "claims"]) is { } reserved)
                diagnostics.Add(RoleDiagnostics.LooksReserved(attribute.Name, reserved, attribute.NameRange));
        }
        foreach (var claim in role.Claims)
        {
            for (var i = 0; i < claim.Texts.Count; i++) ForeignSyntax.CheckClaim(claim.Texts[i].Written, claim.RangeOf(i), diagnostics);
        }
        CheckAudience(role, diagnostics);
        if (!role.IsOwn) CheckNamespace(role, diagnostics);
        if (!role.IsOwn) CheckAccount(role, diagnostics);
        if (role.IsOwn) CheckSource(role, diagnostics);
        else if (role.Issuers.All(issuer => issuer == SharedIssuer.GitHub)) GitHubLints.Check(role, diagnostics);
    }

    /// <summary>Kubernetes: `system:serviceaccount:NAMESPACE:NAME`.</summary>
    private static void CheckNamespace(Role role, ICollection<Diagnostic> diagnostics)
    {
        const string Prefix = "system:serviceaccount:";
        if (role.Claims.FirstOrDefault(claim => claim.Name == "sub") is not { Texts: var texts } subject) return;
        for (var i = 0; i < texts.Count; i++)
        {
            var literal = texts[i].Pattern.LiteralPrefix;
            if (texts[i].Pattern.IsLiteral || !literal.StartsWith(Prefix, StringComparison.Ordinal) || literal[Prefix.Length..].Contains(':')) continue;
            diagnostics.Add(RoleDiagnostics.AnyNamespace(texts[i].Written, subject.RangeOf(i)));
        }
    }

    /// <summary>
    /// Harness has issuers for one account, and one for all workloads of a deployment whose claims are not known for certain: a warning, not a refusal.
    /// </summary>
    private static void CheckAccount(Role role, ICollection<Diagnostic> diagnostics)
    {
        if (role.Claims.Any(claim => claim.Name is "account_id" && claim.Texts is { Count: > 0 } texts && texts.All(text => text.Pattern.IsLiteral))) return;
        foreach (var (issuer, range) in role.IssuerRanges)
        {
            if (!Uri.TryCreate(issuer, UriKind.Absolute, out var url) || url.AbsolutePath.Contains("/account/", StringComparison.Ordinal)) continue;
            if (url.Host == "harness.io" || url.Host.EndsWith(".harness.io", StringComparison.Ordinal))
                diagnostics.Add(RoleDiagnostics.AccountUnknown(role.Name, issuer, range));
        }
    }

    private static void CheckAudience(Role role, ICollection<Diagnostic> diagnostics)
    {
        if (role.Claims.FirstOrDefault(claim => claim.Name == "aud") is not { Texts: { Count: > 0 } texts } audience) return;
        var context = role.Options.Context;
        if (!texts.All(text => text.Pattern.IsLiteral && AuthContext.TryParse(text.Pattern.LiteralPrefix, out var other) && other != context)) return;
        diagnostics.Add(RoleDiagnostics.NeverMatches(role.Name, $"its `aud` is another context than `{context}`",
            $"write `aud = \"api://{context.Upstream}?actx={{actx}}\"`, or move the role to the policies of its own context", audience.Range));
    }

    private static void CheckSource(Role role, ICollection<Diagnostic> diagnostics)
    {
        if (role.Claims.FirstOrDefault(claim => claim.Name == "actx_source") is not { Texts: { Count: > 0 } sources } source) return;
        if (role.Claims.FirstOrDefault(claim => claim.Name == "sub") is not { Texts: var subjects }) return;
        var context = role.Options.Context;
        if (!subjects.All(subject => subject.Pattern.LiteralPrefix.StartsWith($"actx:{context.Id}:", StringComparison.Ordinal))) return;
        if (sources.Any(text => text.Pattern.Matches(context.ToString()))) return;
        diagnostics.Add(RoleDiagnostics.NeverMatches(role.Name, $"a `sub` with the id of this context is taken only from `{context}` itself",
            "leave `actx_source` out, or write the other context's id in `sub`", source.Range));
    }
}
