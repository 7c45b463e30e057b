using System.Text.RegularExpressions;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Patterns;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies.Roles;

/// <summary>Whether a role says whose tokens it means. Without that, everyone whom the issuer serves could take the role.</summary>
internal static partial class Tenancy
{
    public static void Check(
        string role, SourceRange header, IReadOnlyList<IssuerReference> issuers, IReadOnlyList<RoleClaim> claims, bool hasCondition,
        CompileOptions options, ICollection<Diagnostic> diagnostics)
    {
        if (issuers.Count == 0)
        {
            CheckOwn(role, header, claims, options, diagnostics);
            return;
        }
        if (!hasCondition && claims.All(claim => claim.Name == "aud" || claim.Constraint.IsBare)
            && issuers.FirstOrDefault(issuer => !IsClient(issuer.Issuer, claims, options)) is { Issuer: { } open })
            diagnostics.Add(RoleDiagnostics.Unconstrained(role, open, header));
        CheckAudience(role, issuers, claims, options, diagnostics);
        foreach (var issuer in issuers)
        {
            if (SharedIssuer.Find(issuer.Issuer) is not { } shared) continue;
            if (shared.Issuer != issuer.Issuer) diagnostics.Add(RoleDiagnostics.IssuerSpelling(issuer.Issuer, shared.Issuer, issuer.Range));
            if (shared.Claims.Any(tenant => tenant.Pins(claims))) continue;
            diagnostics.Add(RoleDiagnostics.Unpinned(role, shared, WhatDoesNotPin(shared, claims), issuer.Range));
        }
    }

    /// <summary>Whether a subject of this proxy names the context that it was minted from.</summary>
    public static bool PinsContext(TextPattern subject, CompileOptions options)
    {
        var prefix = subject.LiteralPrefix;
        if (options.Contexts.Ids.Append(options.Context.Id).Any(id => prefix.StartsWith($"actx:{id}:", StringComparison.Ordinal))) return true;
        if (!OtherContext().IsMatch(prefix)) return false;
        // `actx:arn:*` names every context whose id begins so: of an id with colons only the whole pins, and only a server knows which ids those are.
        return subject.IsLiteral
            || !(NamesOfSchemes().IsMatch(prefix) || options.Contexts.Ids.Any(id => $"actx:{id}:".StartsWith(prefix, StringComparison.Ordinal)));
    }

    /// <summary>Whether the audience, written in full, is the client that the issuer gave the token to.</summary>
    private static bool IsClient(string issuer, IReadOnlyList<RoleClaim> claims, CompileOptions options)
        => options.ClientAudienceIssuers.Contains(issuer) && claims.FirstOrDefault(claim => claim.Name == "aud") is { Texts: { Count: > 0 } texts }
            && texts.All(text => text.Pattern.IsLiteral);

    /// <summary>Where every token of the issuer comes to this context, `*` would take those that it issued for other services too.</summary>
    private static void CheckAudience(string role, IReadOnlyList<IssuerReference> issuers, IReadOnlyList<RoleClaim> claims, CompileOptions options,
        ICollection<Diagnostic> diagnostics)
    {
        if (claims.FirstOrDefault(claim => claim.Name == "aud") is not { Constraint.IsBare: true } audience) return;
        foreach (var issuer in issuers)
            if (options.AnyAudienceIssuers.Contains(issuer.Issuer)) diagnostics.Add(RoleDiagnostics.AnyAudience(role, issuer.Issuer, audience.Range));
    }

    private static void CheckOwn(string role, SourceRange header, IReadOnlyList<RoleClaim> claims, CompileOptions options, ICollection<Diagnostic> diagnostics)
    {
        var subject = claims.FirstOrDefault(claim => claim.Name == "sub");
        if (subject is null)
        {
            diagnostics.Add(RoleDiagnostics.OwnUnpinned(role, null, header));
            return;
        }
        var saysSource = claims.Any(claim => claim.Name == "actx_source" && !claim.Constraint.IsBare);
        var texts = subject.Texts;
        if (texts.Count == 0) diagnostics.Add(RoleDiagnostics.OwnUnpinned(role, ValueText.Of(subject.Expected), subject.Range));
        for (var i = 0; i < texts.Count; i++)
        {
            if (!PinsContext(texts[i].Pattern, options)) diagnostics.Add(RoleDiagnostics.OwnUnpinned(role, texts[i].Written, subject.RangeOf(i)));
            else if (!saysSource && options.Contexts.NamesakesOf(texts[i].Pattern.LiteralPrefix) is [var first, ..] namesakes && first.Id != options.Context.Id)
                diagnostics.Add(RoleDiagnostics.Namesakes(role, first.Id, namesakes.Select(context => context.ToString()), subject.RangeOf(i)));
        }
    }

    private static UnpinnedText? WhatDoesNotPin(SharedIssuer shared, IReadOnlyList<RoleClaim> claims)
    {
        foreach (var tenant in shared.Claims)
        {
            if (claims.FirstOrDefault(claim => claim.Name == tenant.Name) is not { } claim) continue;
            var texts = claim.Texts;
            for (var i = 0; i < texts.Count; i++)
                if (!tenant.Pins(texts[i].Pattern)) return new UnpinnedText(claim.Name, $"\"{texts[i].Written}\"", claim.RangeOf(i));
            return new UnpinnedText(claim.Name, ValueText.Of(claim.Expected), claim.Range);
        }
        return null;
    }

    // The id of another context ends at the next colon; but a DID's (and a URN's) own first two colons belong to it: `actx:did:*` would name every DID.
    [GeneratedRegex(@"\Aactx:(?:(?i:did|urn):[^:\s]+:[^:\s]+|(?!(?i:did|urn):)[^:\s]+):")]
    private static partial Regex OtherContext();

    // Names of the kind that hold colons themselves.
    [GeneratedRegex(@"\Aactx:(?i:arn|crn|spiffe|tag|acct|oid|info|ni|mailto|https?):")]
    private static partial Regex NamesOfSchemes();
}

/// <summary>An issuer in <c>iss</c>, and where it is.</summary>
internal readonly record struct IssuerReference(string Issuer, SourceRange Range);

/// <summary>A value that looks as if it should pin a tenant, and doesn't.</summary>
internal sealed record UnpinnedText(string Claim, string Value, SourceRange Range);
