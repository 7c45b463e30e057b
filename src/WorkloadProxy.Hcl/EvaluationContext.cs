using System.Collections.Frozen;

namespace WorkloadProxy.Hcl;

/// <summary>What an expression may use. One context is one budget: it is used for one file or one condition and thrown away.</summary>
public sealed class EvaluationContext
{
    /// <summary>No variables and no functions.</summary>
    public IReadOnlyDictionary<string, HclValue> Variables { get; init; } = FrozenDictionary<string, HclValue>.Empty;

    /// <summary>By name.</summary>
    public IReadOnlyDictionary<string, HclFunction> Functions { get; init; } = FrozenDictionary<string, HclFunction>.Empty;

    /// <summary>
    /// How many evaluation steps may still be taken (1,000,000 for a file, 10,000 for a condition); at none, evaluation ends with the error
    /// <c>evaluation-budget</c>.
    /// </summary>
    public int StepsLeft { get; set; } = 1_000_000;

    /// <summary>A further budget, shared with other contexts; null: there is none.</summary>
    public EvaluationBudget? Shared { get; init; }

    /// <summary>How many bytes of strings and collections may still be made (16 MiB a file).</summary>
    public int BytesLeft { get; set; } = 16 * 1024 * 1024;
}
