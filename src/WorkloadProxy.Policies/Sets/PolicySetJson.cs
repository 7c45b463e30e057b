using System.Text.Json;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies;

/// <summary>
/// The compiled set as JSON: what <c>policy show</c> prints and branch <c>schema</c> holds in <c>rbac.json</c>. One schema, with its version.
/// </summary>
public static class PolicySetJson
{
    /// <summary>Raised when a reader of the old schema would misread the new one.</summary>
    public const int Version = 2;

    /// <summary>Writes one object.</summary>
    public static void Write(Utf8JsonWriter writer, PolicySet set)
    {
        writer.WriteStartObject();
        writer.WriteNumber("version", Version);
        writer.WriteString("context", set.Context.ToString());
        writer.WriteString("content_hash", set.ContentHash);
        if (set.Roles.FirstOrDefault()?.SetWhen is { } when) writer.WriteString("when", when.Text);
        writer.WriteStartArray("roles");
        foreach (var role in set.Roles) WriteRole(writer, role);
        writer.WriteEndArray();
        writer.WriteStartArray("policies");
        foreach (var policy in set.Policies) WritePolicy(writer, policy);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteRole(Utf8JsonWriter writer, Role role)
    {
        writer.WriteStartObject();
        writer.WriteString("name", role.Name);
        WritePlace(writer, role.Range);
        if (role.Description is { } description) writer.WriteString("description", description);
        writer.WriteBoolean("enabled", role.Enabled);
        if (role.Expires is { } expires) writer.WriteString("expires", expires);
        if (role.MaxTtl is { } maxTtl) writer.WriteNumber("max_ttl", maxTtl);
        if (role.WhenText is { } when) writer.WriteString("when", when);
        if (role.Reason is { } reason) writer.WriteString("reason", reason);
        if (role.Credential is { } credential)
        {
            writer.WriteStartObject("credential");
            foreach (var (name, text) in credential.Members) writer.WriteString(name, text);
            writer.WriteEndObject();
        }
        writer.WriteStartArray("iss");
        foreach (var issuer in role.IsOwn ? [role.Options.OwnIssuer] : role.Issuers) writer.WriteStringValue(issuer);
        writer.WriteEndArray();
        writer.WriteStartObject("claims");
        foreach (var claim in role.Claims)
        {
            writer.WritePropertyName(claim.Name);
            HclJson.WriteValue(writer, claim.Expected);
        }
        writer.WriteEndObject();
        writer.WriteStartArray("policies");
        foreach (var policy in role.Policies) writer.WriteStringValue(policy.Name);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WritePolicy(Utf8JsonWriter writer, Policy policy)
    {
        writer.WriteStartObject();
        writer.WriteString("name", policy.Name);
        writer.WriteString("file", policy.File);
        writer.WriteStartArray("rules");
        foreach (var rule in policy.Rules) rule.WriteJson(writer);
        writer.WriteEndArray();
        writer.WriteStartArray("mcp");
        foreach (var block in policy.Mcp) block.WriteJson(writer);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WritePlace(Utf8JsonWriter writer, SourceRange range)
    {
        writer.WriteString("file", range.File);
        writer.WriteNumber("line", range.Start.Line);
    }
}
