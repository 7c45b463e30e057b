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
    /// <summary>Decoded and canonical.</summary>
    public string Path { get; init; }
    /// <summary>Decoded names and values in order. A name that is given twice can't be read: the evaluation ends with an error.</summary>
    public IReadOnlyList<KeyValuePair<string, string>>? Query { get; init; }
    /// <summary>The inspected body as a value (<see cref="ConditionValues.FromJson"/>); null is an empty object, as an absent body is.</summary>
    public HclValue? Body { get; init; }
    /// <summary>What the decision may still cost; null: only the condition's own bound counts.</summary>
    public StepBudget? Steps { get; init; }
}
