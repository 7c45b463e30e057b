using System.Collections.Immutable;
using System.Text.Json;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Parameters;
using WorkloadProxy.Policies.Patterns;
using WorkloadProxy.Policies.Rules;

namespace WorkloadProxy.Policies;

/// <summary>One <c>path</c> block of a policy. Immutable.</summary>
public sealed class PolicyRule
{
    private string policy = "";
    private SourceRange range;
    private AllowedParameters? allowedParameters;

    internal PolicyRule(PathPattern pattern) => Pattern = pattern;

    /// <summary>The name of the policy that it stands in.</summary>
    public required string Policy { get => policy; init => policy = value; }
    /// <summary>The pattern as written.</summary>
    public string Path => Pattern.Text;
    /// <summary>The block's header.</summary>
    public required SourceRange Range { get => range; init => range = value; }
    /// <summary>As written.</summary>
    public required ImmutableArray<string> Capabilities { get; init; }
    /// <summary>What the author says of it.</summary>
    public string? Description { get; init; }
    /// <summary>From then on it grants nothing; null: never.</summary>
    public DateTimeOffset? Expires { get; init; }
    /// <summary>Must be true for the rule to count; null: always is.</summary>
    public Condition? When { get; init; }
    /// <summary><c>when</c> as written.</summary>
    public string? WhenText { get; init; }
    /// <summary>What a caller is told when only <see cref="When"/> refuses.</summary>
    public string? Reason { get; init; }
    /// <summary>Whether <c>deny</c> is among the capabilities, which then refuses everything.</summary>
    public bool IsDeny { get; init; }

    internal PathPattern Pattern { get; }
    internal Capability Granted { get; init; }
    /// <summary>Null: body and query are free.</summary>
    internal AllowedParameters? Allowed { get => allowedParameters; init => allowedParameters = value; }
    /// <summary>Null: nothing is refused.</summary>
    internal DeniedParameters? Denied { get; init; }
    /// <summary>The claims that parameter values put in; without one of them the rule grants nothing.</summary>
    internal ImmutableArray<string> ParameterClaims { get; init; } = [];

    /// <summary>Whether the body must be read before the rule can grant.</summary>
    internal bool ConstrainsBody => Allowed is { BodyIsFree: false } || Denied is { ConstrainsBody: true } || When is { ReadsBody: true };

    /// <summary>Whether it reads a protobuf body, and no other.</summary>
    internal bool IsProtobuf => Allowed?.Body is { IsProtobuf: true } || Denied is { Body.IsProtobuf: true };

    /// <summary>For <c>policy show</c>: one object.</summary>
    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("path", Path);
        json.WriteString("file", Range.File);
        json.WriteNumber("line", Range.Start.Line);
        if (Description is not null) json.WriteString("description", Description);
        json.WriteStartArray("capabilities");
        foreach (var capability in Capabilities) json.WriteStringValue(capability);
        json.WriteEndArray();
        if (Allowed is not null)
        {
            json.WritePropertyName("allowed_parameters");
            Allowed.WriteJson(json);
        }
        if (Denied is not null)
        {
            json.WritePropertyName("denied_parameters");
            Denied.WriteJson(json);
        }
        if (Expires is { } expires) json.WriteString("expires", expires);
        if (WhenText is not null) json.WriteString("when", WhenText);
        if (Reason is not null) json.WriteString("reason", Reason);
        json.WriteEndObject();
    }

    /// <summary>The same rule in another file.</summary>
    internal PolicyRule At(string policy, string file)
    {
        var moved = (PolicyRule)MemberwiseClone();
        moved.policy = policy;
        moved.range = range with { File = file };
        return moved;
    }

    /// <summary>The same rule with other parameters, to be tried.</summary>
    internal PolicyRule With(AllowedParameters? allowed)
    {
        var changed = (PolicyRule)MemberwiseClone();
        changed.allowedParameters = allowed;
        return changed;
    }

    /// <summary>File and line, as a refusal names it.</summary>
    internal string Place => $"{Range.File}:{Range.Start.Line}";
}
