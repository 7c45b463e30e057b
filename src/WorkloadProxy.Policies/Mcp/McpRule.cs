using System.Collections.Immutable;
using System.Text.Json;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Mcp;
using WorkloadProxy.Policies.Parameters;

namespace WorkloadProxy.Policies;

/// <summary>One <c>tool</c>, <c>prompt</c>, <c>resource</c> or <c>method</c> block of an <c>mcp</c> block. Immutable.</summary>
public sealed class McpRule
{
    private string policy = "";
    private SourceRange range;
    private AllowedParameters? allowed;
    private string? permission;

    internal McpRule(McpPattern pattern) => Pattern = pattern;

    /// <summary>The policy that contains it.</summary>
    public required string Policy { get => policy; init => policy = value; }
    /// <summary>The server's name, or <c>*</c>.</summary>
    public required string Server { get; init; }
    /// <summary>What it names.</summary>
    public required McpKind Kind { get; init; }
    /// <summary>The name as written.</summary>
    public string Name => Pattern.Text;
    /// <summary>The block's header.</summary>
    public required SourceRange Range { get => range; init => range = value; }
    /// <summary>Whether it refuses instead of granting.</summary>
    public bool IsDeny { get; init; }
    /// <summary>What the author says of it.</summary>
    public string? Description { get; init; }
    /// <summary>What a caller is told when only <c>when</c> refuses.</summary>
    public string? Reason { get; init; }
    /// <summary>From then on it grants nothing; null: never.</summary>
    public DateTimeOffset? Expires { get; init; }
    /// <summary>Must be true for the rule to count; null: always is.</summary>
    public Condition? When { get; init; }
    /// <summary><c>when</c> as written.</summary>
    public string? WhenText { get; init; }

    internal McpPattern Pattern { get; }
    /// <summary>Null: the arguments are free.</summary>
    internal AllowedParameters? Allowed { get => allowed; init => allowed = value; }
    /// <summary>Null: nothing is refused.</summary>
    internal DeniedParameters? Denied { get; init; }
    /// <summary>The claims that argument values hold; without one of them the rule grants nothing.</summary>
    internal ImmutableArray<string> ParameterClaims { get; init; } = [];

    /// <summary>File and line, as a refusal names it.</summary>
    public string Place => $"{Range.File}:{Range.Start.Line}";

    /// <summary>Why a call that it permits is permitted.</summary>
    internal string Permission => permission ??= $"permitted by policy `{Policy}` ({Place})";

    /// <summary>The same rule in another file of the same content.</summary>
    internal McpRule At(string policyName, string file)
    {
        var moved = (McpRule)MemberwiseClone();
        (moved.policy, moved.range, moved.permission) = (policyName, range with { File = file }, null);
        return moved;
    }

    /// <summary>The same rule with other permitted arguments: for questions about it.</summary>
    internal McpRule With(AllowedParameters other)
    {
        var changed = (McpRule)MemberwiseClone();
        changed.allowed = other;
        return changed;
    }

    /// <summary>For <c>policy show</c>: one object.</summary>
    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("kind", McpNames.Of(Kind));
        json.WriteString("name", Name);
        json.WriteString("file", Range.File);
        json.WriteNumber("line", Range.Start.Line);
        if (Description is not null) json.WriteString("description", Description);
        if (Reason is not null) json.WriteString("reason", Reason);
        if (IsDeny) json.WriteBoolean("deny", true);
        if (Allowed is not null)
        {
            json.WriteStartObject("allowed_parameters");
            (Allowed.Body ?? ObjectConstraint.Empty).WriteMembers(json);
            json.WriteEndObject();
        }
        if (Denied is not null)
        {
            json.WritePropertyName("denied_parameters");
            Denied.Body.WriteJson(json);
        }
        if (Expires is { } expires) json.WriteString("expires", expires);
        if (WhenText is not null) json.WriteString("when", WhenText);
        json.WriteEndObject();
    }
}
