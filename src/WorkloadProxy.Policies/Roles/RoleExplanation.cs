using System.Collections.Immutable;
using System.Text.Json;
using WorkloadProxy.Policies.Conditions;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies;

/// <summary>
/// Why a role matches a token or doesn't: the first reason against it, and every constraint. For the policy's author only: it shows expected values.
/// </summary>
public sealed record RoleExplanation(string Name, bool Matched, string Reason, ImmutableArray<ConstraintExplanation> Constraints)
{
    private const int LongestValue = 200;

    /// <summary>The member <c>roles</c> of what commands print: name, matched and reason of each.</summary>
    public static void WriteJson(Utf8JsonWriter json, IReadOnlyList<RoleExplanation> roles)
    {
        json.WriteStartArray("roles");
        foreach (var role in roles)
        {
            json.WriteStartObject();
            json.WriteString("name", role.Name);
            json.WriteBoolean("matched", role.Matched);
            json.WriteString("reason", role.Reason);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    internal static RoleExplanation Of(Role role, Claims claims, DateTimeOffset now)
    {
        var constraints = ImmutableArray.CreateBuilder<ConstraintExplanation>();
        if (!role.Enabled) constraints.Add(new("enabled", false, "the role is switched off by `enabled = false`"));
        if (role.Expires is { } end)
            constraints.Add(new("expires", !role.IsExpired(now), $"the role {(role.IsExpired(now) ? "ended" : "ends")} at {end:yyyy-MM-dd'T'HH:mm:ssK}"));
        var issuers = role.IsOwn ? $"\"{role.Options.OwnIssuer}\" (this proxy)" : string.Join(" or ", role.Issuers.Select(issuer => $"\"{issuer}\""));
        constraints.Add(new("iss", role.IssuerHolds(claims), Text("iss", issuers, claims)));
        foreach (var claim in role.Claims)
            constraints.Add(new(claim.Name, claim.Holds(claims), Text(claim.Name, ValueText.Of(claim.Expected), claims)
                + (claim.FailsByLetterCase(claims) ? "; only the letter case differs" : "")));
        if (!role.SourceHolds(claims) && claims.String("sub") is { } subject && role.Options.Contexts.NamesakesOf(subject) is [var first, ..]
            && first.Id != role.Options.Context.Id)
            constraints.Add(new("actx_source", false,
                $"`actx_source`: several contexts have the id `{first.Id}`, and the role does not say which one it means"));
        else if (!role.SourceHolds(claims))
            constraints.Add(new("actx_source", false, Text("actx_source", $"\"{role.Options.Context}\", for `sub` has the id of this context", claims)));
        if (!role.DropletHolds(claims))
            constraints.Add(new("droplet_id", false,
                "`droplet_id`: a VM's token matches only roles under `droplet-roles/` and roles that constrain `droplet_id`"));
        AddCondition(constraints, role.When, "`when`", claims, now);
        AddCondition(constraints, role.SetWhen?.When, "the `when` of `set.hcl`", claims, now);
        var against = constraints.FirstOrDefault(constraint => !constraint.Holds);
        return new RoleExplanation(role.Name, against is null, against?.Text ?? "every constraint holds", constraints.ToImmutable());
    }

    private static void AddCondition(ImmutableArray<ConstraintExplanation>.Builder constraints, Condition? when, string name, Claims claims, DateTimeOffset now)
    {
        if (when is null) return;
        var result = when.Evaluate(new ConditionInput { Claims = claims, Now = now });
        constraints.Add(new("when", result.IsTrue, result.IsTrue ? $"{name} is true" : result.IsFalse ? $"{name} is false" : $"{name} failed: {result.Error}"));
    }

    private static string Text(string claim, string expected, Claims claims)
        => claims.Root.TryGetProperty(claim, out var value)
            ? $"`{claim}`: expected {expected}, the token has {Short(value)}" : $"`{claim}`: expected {expected}, the token has none";

    private static string Short(JsonElement value)
    {
        var text = value.GetRawText();
        return text.Length <= LongestValue ? text : string.Concat(text.AsSpan(0, LongestValue), "…");
    }
}

/// <summary>One constraint, whether it holds, and in words what was expected and found.</summary>
public sealed record ConstraintExplanation(string Name, bool Holds, string Text);
