using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Sets;

/// <summary>What the files of one set share while they are compiled: a budget, and the constants of <c>locals</c>.</summary>
internal sealed record SetScope(EvaluationBudget Budget, SetLocals Locals)
{
    /// <summary>For one file.</summary>
    public EvaluationContext Evaluation(IReadOnlyDictionary<string, HclFunction>? functions = null)
        => functions is null
            ? new() { Shared = Budget, Variables = Locals.Variables } : new() { Shared = Budget, Variables = Locals.Variables, Functions = functions };
}
