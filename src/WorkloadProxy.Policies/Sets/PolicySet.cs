using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Deciding;
using WorkloadProxy.Policies.Roles;
using WorkloadProxy.Policies.Sets;

namespace WorkloadProxy.Policies;

/// <summary>All roles and policies of one context, compiled. Immutable; swapped whole.</summary>
public sealed class PolicySet
{
    private readonly RoleIndex index;
    private readonly FrozenSet<string> issuers;

    internal PolicySet(
        CompileOptions options, string contentHash, ImmutableArray<Role> roles, ImmutableArray<Policy> policies, ImmutableArray<PolicyTest> tests,
        IReadOnlyDictionary<string, CompiledFile> files, IReadOnlyDictionary<ImmutableArray<Policy>, ImmutableArray<Diagnostic>> ruleWarnings, SetLocals locals,
        PolicySet? sameRoles)
    {
        Options = options;
        ContentHash = contentHash;
        Roles = roles;
        Policies = policies;
        Tests = tests;
        Files = files;
        RuleWarnings = ruleWarnings;
        Locals = locals;
        index = sameRoles is null ? new RoleIndex(roles) : new RoleIndex(sameRoles.index, roles);
        issuers = roles.Where(role => role.Enabled).SelectMany(role => role.Issuers).ToFrozenSet(StringComparer.Ordinal);
    }

    /// <summary>The context that the set governs.</summary>
    public AuthContext Context => Options.Context;

    /// <summary>What it was compiled for.</summary>
    public CompileOptions Options { get; }

    /// <summary>Lower-case hexadecimal SHA-256 over the files' paths and contents.</summary>
    public string ContentHash { get; }

    /// <summary>By file and place; those switched off too.</summary>
    public ImmutableArray<Role> Roles { get; }

    /// <summary>By file.</summary>
    public ImmutableArray<Policy> Policies { get; }

    /// <summary>The tests that live beside the policies, by file and place.</summary>
    public ImmutableArray<PolicyTest> Tests { get; }

    /// <summary>By path; what an unchanged file came to, for the next compilation.</summary>
    internal IReadOnlyDictionary<string, CompiledFile> Files { get; }

    /// <summary>By the policies that apply together, likewise.</summary>
    internal IReadOnlyDictionary<ImmutableArray<Policy>, ImmutableArray<Diagnostic>> RuleWarnings { get; }

    internal SetLocals Locals { get; }

    /// <summary>The merged rules of each distinct set of policies.</summary>
    internal RuleIndexCache RuleIndexes { get; } = new();

    /// <summary>Whether some enabled role names <paramref name="issuer"/> exactly in <c>iss</c>. The proxy's own issuer is not asked here.</summary>
    public bool TrustsIssuer(string issuer) => issuers.Contains(issuer);

    /// <summary>
    /// The roles whose claim constraints hold (conditions of time and <c>when</c> are left to <see cref="Grants.Decide"/>). Costs nothing by the number of
    /// roles.
    /// </summary>
    public Grants MatchRoles(Claims claims) => new(this, index.Match(claims), claims);

    /// <summary>Whether some role is for VMs with this <c>sub</c>, and switched on: without one, a VM's identity would be good for nothing.</summary>
    public bool HasDropletRole(string subject, DateTimeOffset now)
    {
        var claims = Claims.Parse(JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string>
        {
            ["iss"] = Options.OwnIssuer,
            ["aud"] = Context.ToString(),
            ["sub"] = subject,
            ["actx_source"] = Context.ToString(),
        }));
        return Roles.Any(role => role.AwaitsDroplet(claims, now));
    }
}
