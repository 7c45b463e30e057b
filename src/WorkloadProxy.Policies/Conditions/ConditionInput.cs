using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Deciding;

namespace WorkloadProxy.Policies.Conditions;

/// <summary>What a <c>when</c> sees. The members of the request are read only in the scope of a rule.</summary>
internal readonly struct ConditionInput
{
    public required Claims Claims { get; init; }
    public required DateTimeOffset Now { get; init; }
    /// <summary>Upper case.</summary>
    public string Method { get; init; }
    /// <summary>The MCP server, where the request is a call of one; then <see cref="Method"/> is the call's, and <see cref="Body"/> its arguments.</summary>
    public string? Server { get; init; }
    /// <summary>The name of the tool or prompt, or the URI.</summary>
    public string? Name { get; init; }
    /// <summary>Decoded and canonical.</summary>
    public string Path { get; init; }
    /// <summary>Decoded names and values in order. A name that is given twice can't be read: the evaluation ends with an error.</summary>
    public IReadOnlyList<KeyValuePair<string, string>>? Query { get; init; }
    /// <summary>The inspected body as a value (<see cref="ConditionValues.FromJson"/>); null is an empty object, as an absent body is.</summary>
    public HclValue? Body { get; init; }
    /// <summary>What the decision may still cost; null: only the condition's own bound counts.</summary>
    public StepBudget? Steps { get; init; }
}
