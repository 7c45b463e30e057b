using System.Collections.Immutable;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Conditions;
using WorkloadProxy.Policies.Roles;
using WorkloadProxy.Policies.Sets;

namespace WorkloadProxy.Policies;

/// <summary>A role: which tokens it matches, and the policies that these get. Immutable.</summary>
public sealed class Role
{
    private readonly string ownSubjects;
    private readonly string ownSource;
    private readonly bool constrainsDroplet;
    private readonly bool constrainsSource;
    private SourceRange range;

    internal Role(CompileOptions options, ImmutableArray<RoleClaim> claims)
    {
        Options = options;
        Claims = claims;
        ownSubjects = $"actx:{options.Context.Id}:";
        ownSource = options.Context.ToString();
        constrainsSource = claims.Any(claim => claim.Name == "actx_source" && !claim.Constraint.IsBare);
        constrainsDroplet = claims.Any(claim => claim.Name == "droplet_id");
    }

    /// <summary>The block's label, unique in the set.</summary>
    public required string Name { get; init; }
    /// <summary>The block's header.</summary>
    public required SourceRange Range { get => range; init => range = value; }
    /// <summary>What it is for, in its author's words.</summary>
    public string? Description { get; init; }
    /// <summary>The exact issuers named in <c>iss</c>; empty: this proxy.</summary>
    public ImmutableArray<string> Issuers { get; init; } = [];
    /// <summary>All claim constraints but <c>iss</c>, in the order written. All must hold.</summary>
    public ImmutableArray<RoleClaim> Claims { get; }
    /// <summary>In the order written, each once.</summary>
    public ImmutableArray<Policy> Policies { get; private set; } = [];
    /// <summary>False switches the role off.</summary>
    public bool Enabled { get; init; } = true;
    /// <summary>The role ends then; null: never.</summary>
    public DateTimeOffset? Expires { get; init; }
    /// <summary>The longest life in seconds of a token minted through the role.</summary>
    public int? MaxTtl { get; init; }
    /// <summary>Which credential its requests go out with; null: it says nothing of that.</summary>
    public RoleCredential? Credential { get; init; }
    /// <summary>Must be true at each request; null: always is.</summary>
    public Condition? When { get; init; }
    /// <summary>What a caller is told when only <see cref="When"/> refuses.</summary>
    public string? Reason { get; init; }
    /// <summary>Whether its file lies under <c>droplet-roles/</c>.</summary>
    public bool IsDropletRole => Range.File.StartsWith("droplet-roles/", StringComparison.Ordinal);

    /// <summary><c>when</c> as written.</summary>
    public string? WhenText { get; init; }

    internal CompileOptions Options { get; }
    /// <summary>The <c>when</c> of <c>set.hcl</c>, which every role of the set needs to be true.</summary>
    internal SetCondition? SetWhen { get; private set; }
    internal ImmutableArray<IssuerReference> IssuerRanges { get; init; } = [];
    internal ImmutableArray<PolicyReference> PolicyNames { get; init; } = [];

    /// <summary>Whether it is for tokens of this proxy.</summary>
    public bool IsOwn => Issuers.IsEmpty;

    /// <summary>Whether every claim constraint holds. Time and <c>when</c> are left to the request.</summary>
    public bool Matches(Claims claims)
    {
        if (!IssuerHolds(claims) || !SourceHolds(claims) || !DropletHolds(claims)) return false;
        foreach (var claim in Claims) if (!claim.Holds(claims)) return false;
        return true;
    }

    /// <summary>The names of the claims that keep it from a token, if nothing does but their letter case; else none.</summary>
    internal IReadOnlyList<string> SpelledOtherwise(Claims claims)
    {
        if (!IssuerHolds(claims) || !SourceHolds(claims) || !DropletHolds(claims)) return [];
        var failing = Claims.Where(claim => !claim.Holds(claims)).ToList();
        return failing.TrueForAll(claim => claim.FailsByLetterCase(claims)) ? [.. failing.Select(claim => claim.Name)] : [];
    }

    /// <summary>Why it matches a token at a time or doesn't, constraint by constraint. For the policy's author: it shows expected values.</summary>
    public RoleExplanation Explain(Claims claims, DateTimeOffset now) => RoleExplanation.Of(this, claims, now);

    /// <summary>The names of what keeps it from a token of its issuer at a time.</summary>
    internal IEnumerable<string> FailuresOf(Claims claims, DateTimeOffset now)
    {
        foreach (var claim in Claims) if (!claim.Holds(claims)) yield return claim.Name;
        if (!SourceHolds(claims)) yield return "actx_source";
        if (!DropletHolds(claims)) yield return "droplet_id";
        if (!Enabled) yield return "enabled";
        if (IsExpired(now)) yield return "expires";
        if (!IsTrue(When, claims, now) || !IsTrue(SetWhen?.When, claims, now)) yield return "when";
    }

    /// <summary>Enabled, not expired, and <c>when</c> is true.</summary>
    internal bool IsActive(Claims claims, DateTimeOffset now)
        => Enabled && !IsExpired(now) && IsTrue(When, claims, now) && IsTrue(SetWhen?.When, claims, now);

    private static bool IsTrue(Condition? condition, Claims claims, DateTimeOffset now)
        => condition is null || condition.Evaluate(new ConditionInput { Claims = claims, Now = now }).IsTrue;

    internal bool IsExpired(DateTimeOffset now) => Expires is { } end && now >= end;

    internal bool IssuerHolds(Claims claims)
    {
        var issuer = claims.String("iss");
        if (issuer is null) return false;
        return IsOwn ? issuer == Options.OwnIssuer : Issuers.Contains(issuer);
    }

    /// <summary>
    /// Two upstreams may have a context of one id. A token of ours whose subject begins with this context's id must come from this very context, or the
    /// other one's owner could mint it. If it begins with an id that several others have, the role must say which of them is meant.
    /// </summary>
    internal bool SourceHolds(Claims claims)
    {
        if (!IsOwn || claims.String("sub") is not { } subject) return true;
        if (subject.StartsWith(ownSubjects, StringComparison.Ordinal)) return claims.String("actx_source") == ownSource;
        return constrainsSource || !Options.Contexts.HasNamesakes(subject);
    }

    /// <summary>Whoever may create a VM chooses its subject by a tag; so a VM's token gets only what was meant for VMs.</summary>
    internal bool DropletHolds(Claims claims) => !IsOwn || IsDropletRole || constrainsDroplet || !claims.Has("droplet_id"u8);

    /// <summary>
    /// Whether a VM that is created with <paramref name="claims"/> (all of its token's but <c>droplet_id</c>, which no one knows yet) could get the role: it is
    /// for VMs, switched on, not expired, and every other constraint holds. <c>when</c> is left to the requests.
    /// </summary>
    internal bool AwaitsDroplet(Claims claims, DateTimeOffset now)
    {
        if (!IsOwn || !Enabled || IsExpired(now) || !(IsDropletRole || constrainsDroplet)) return false;
        if (!IssuerHolds(claims) || !SourceHolds(claims)) return false;
        foreach (var claim in Claims) if (claim.Name != "droplet_id" && !claim.Holds(claims)) return false;
        return true;
    }

    /// <summary>The same role in another file.</summary>
    internal Role At(string file)
    {
        var moved = (Role)MemberwiseClone();
        moved.range = Range with { File = file };
        return moved;
    }

    /// <summary>The same role with the policies of a set. Only the names are known while a file is compiled.</summary>
    internal Role Bind(ImmutableArray<Policy> policies, SetCondition? setWhen)
    {
        var bound = (Role)MemberwiseClone();
        bound.SetWhen = setWhen;
        bound.Policies = policies;
        return bound;
    }
}

/// <summary>A policy's name in a role, and where it is.</summary>
internal readonly record struct PolicyReference(string Name, SourceRange Range);
