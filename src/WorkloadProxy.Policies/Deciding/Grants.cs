using System.Collections.Immutable;
using System.Text.Json;
using WorkloadProxy.Policies.Conditions;
using WorkloadProxy.Policies.Deciding;
using WorkloadProxy.Policies.Parameters;
using WorkloadProxy.Policies.Rules;

namespace WorkloadProxy.Policies;

/// <summary>What one token may do under one policy set: kept beside the token and used for each of its requests. Safe for concurrent use.</summary>
public sealed class Grants
{
    private static readonly Decision NoRole = new(DecisionOutcome.Deny, null, null, "no role matches this token", null);
    private static readonly Decision UnknownMethod = new(DecisionOutcome.MethodNotAllowed, null, null, "no rule can permit this method", null);

    private readonly ImmutableArray<Role> roles;
    private readonly Claims claims;
    /// <summary>Null when some role has conditions: then the roles are asked at each request.</summary>
    private readonly GrantView? always;
    private ConditionalView? last;
    private NearestRole? nearest;

    internal Grants(PolicySet set, ImmutableArray<Role> matched, Claims claims)
    {
        Set = set;
        RoleNames = [.. matched.Select(role => role.Name)];
        roles = matched;
        this.claims = claims;
        NamesCredential = matched.Any(role => role.Credential is not null);
        if (!matched.IsEmpty && matched.All(role => role is { Enabled: true, Expires: null, When: null, SetWhen: null })) always = ViewOf(matched);
    }

    /// <summary>The set that this came from.</summary>
    public PolicySet Set { get; }

    /// <summary>Names of the roles that match, whatever the time; empty when the token may do nothing.</summary>
    public ImmutableArray<string> RoleNames { get; }

    /// <summary>The decision on one request. Pure: no clock, no I/O.</summary>
    public Decision Decide(in AccessRequest request)
    {
        var needed = NeededBy(request);
        if (needed == Capability.None) return UnknownMethod;
        return (always ?? ActiveAt(request.Now))?.Decide(request, needed) ?? NoActiveRole(request.Now);
    }

    /// <summary>Whether some matching role names a credential: only then is there anything to ask <see cref="TryCredentialAt"/> for.</summary>
    public bool NamesCredential { get; }

    /// <summary>
    /// The credential that the roles name which count at a time; null when none does. False when they disagree: then every request is denied, for
    /// <paramref name="reason"/>.
    /// </summary>
    public bool TryCredentialAt(DateTimeOffset now, out RoleCredential? named, out string? reason)
    {
        (named, reason) = (null, null);
        if (!NamesCredential) return true;
        // no role counts any longer: without one the credential that no role names would be the wider one
        if ((always ?? ActiveAt(now)) is not { } view)
        {
            reason = "no role counts at this time";
            return false;
        }
        (named, reason) = (view.Credential.Named, view.Credential.Disagreement?.Reason);
        return reason is null;
    }

    /// <summary>
    /// The <c>ttl</c> that the exchange takes when the caller names none (<c>/v1/oidc/token</c>): the one number that a rule permits for it, with which
    /// <paramref name="request"/>, a <c>POST /v1/oidc/issue</c> whose body has no <c>ttl</c>, is permitted. Of several the smallest; null when there is none,
    /// and then the request stands or falls as it is.
    /// </summary>
    public int? SingleTtl(in AccessRequest request)
    {
        if (request.Body is not { IsAbsent: false, Form: null, Json.ValueKind: JsonValueKind.Object } body || body.Json.TryGetProperty("ttl", out _))
            return null;
        if ((always ?? ActiveAt(request.Now))?.Deciding(request.Target) is not { } group) return null;
        int? smallest = null;
        foreach (var use in group.Permits)
        {
            if (Single(use.Rule.Allowed) is not { } ttl || ttl >= smallest) continue;
            if (Decide(With(request, body.WithNumber("ttl", ttl))).Outcome == DecisionOutcome.Allow) smallest = ttl;
        }
        return smallest;
    }

    /// <summary>
    /// The one <c>sub</c> with which an exchange for <paramref name="audience"/> is permitted: written out in a rule, without a wildcard. Null when there is
    /// none or more than one.
    /// </summary>
    public string? SingleSubject(in AccessRequest request, string audience, long? lifetime)
    {
        if ((always ?? ActiveAt(request.Now))?.Deciding(request.Target) is not { } group) return null;
        var found = new HashSet<string>(StringComparer.Ordinal);
        foreach (var use in group.Permits)
        {
            foreach (var subject in Subjects(use.Rule.Allowed))
            {
                var body = RequestBody.OfExchange(audience, subject, lifetime);
                var asked = With(request, body);
                if (lifetime is null && SingleTtl(asked) is { } ttl) asked = With(request, body.WithNumber("ttl", ttl));
                if (Decide(asked).Outcome == DecisionOutcome.Allow) found.Add(subject);
            }
        }
        return found.Count == 1 ? found.Single() : null;
    }

    private static IEnumerable<string> Subjects(AllowedParameters? allowed)
    {
        var constraint = allowed?.Body?.Members.FirstOrDefault(member => member.Name == "sub")?.Value;
        foreach (var one in constraint is ListConstraint list ? list.Items : constraint is null ? [] : [constraint])
        {
            if (one is TextConstraint { Pattern: { IsLiteral: true } pattern }) yield return pattern.LiteralPrefix;
        }
    }

    /// <summary>What the caller may do at an MCP server of the context's upstream.</summary>
    public McpAccess Mcp(string server, DateTimeOffset now) => new((always ?? ActiveAt(now))?.Mcp(server), server, now);

    /// <summary>Which role came nearest when none counts at a time; null when one does, or none names the token's issuer.</summary>
    public NearestRole? Nearest(DateTimeOffset now)
    {
        if (always is not null || ActiveAt(now) is not null) return null;
        // of roles that match and don't count now, time and `when` decide; without such a role the answer is kept, for a caller may ask again and again
        if (!roles.IsEmpty) return NearestRole.Of(roles, claims, now);
        return nearest ??= NearestRole.Of(Set.Roles, claims, now);
    }

    /// <summary>What the method needs; with an upgrade <c>connect</c>, which for a GET replaces <c>read</c>.</summary>
    internal static Capability NeededBy(in AccessRequest request)
    {
        var needed = Capabilities.Of(request.Method);
        if (!request.Upgrade || needed == Capability.None) return needed;
        return request.Method == "GET" ? Capability.Connect : needed | Capability.Connect;
    }

    /// <summary>The roles that count at a time.</summary>
    internal ImmutableArray<Role> ActiveRoles(DateTimeOffset now) => [.. roles.Where(role => role.IsActive(claims, now))];

    private Decision NoActiveRole(DateTimeOffset now)
    {
        // Only what its author wrote for them is told to callers whom nothing but a `when` refuses.
        var told = roles.FirstOrDefault(role => role is { Enabled: true, Reason: not null, When: { } when } && !role.IsExpired(now)
            && !when.Evaluate(new ConditionInput { Claims = claims, Now = now }).IsTrue);
        return told is null ? NoRole : new Decision(DecisionOutcome.Deny, null, null, $"role `{told.Name}` does not apply: {told.Reason}", null);
    }

    private GrantView? ActiveAt(DateTimeOffset now)
    {
        if (roles.IsEmpty) return null;
        var known = Volatile.Read(ref last);
        if (known is not null && Same(known.Active, now)) return known.View;
        var active = roles.Select(role => role.IsActive(claims, now)).ToArray();
        var counted = roles.Where((_, i) => active[i]).ToImmutableArray();
        var view = new ConditionalView(active, counted.IsEmpty ? null : ViewOf(counted));
        Volatile.Write(ref last, view);
        return view.View;
    }

    private bool Same(bool[] active, DateTimeOffset now)
    {
        for (var i = 0; i < active.Length; i++)
        {
            if (roles[i].IsActive(claims, now) != active[i]) return false;
        }
        return true;
    }

    private GrantView ViewOf(ImmutableArray<Role> active)
    {
        var index = Set.RuleIndexes.Get(active);
        return new GrantView(index, index.Bind(claims), claims, NamedCredential.Of(active));
    }

    private static AccessRequest With(in AccessRequest request, RequestBody body)
        => new() { Method = request.Method, Target = request.Target, Upgrade = request.Upgrade, Body = body, Now = request.Now };

    private static int? Single(AllowedParameters? allowed)
    {
        var constraint = allowed?.Body?.Members.FirstOrDefault(member => member.Name == "ttl")?.Value;
        if (constraint is ListConstraint { Items: [var only] }) constraint = only;
        return constraint is NumberConstraint number && int.TryParse(number.Number.ToString(), out var ttl) && ttl > 0 ? ttl : null;
    }

    private sealed record ConditionalView(bool[] Active, GrantView? View);
}
