using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies;

/// <summary>A compiled <c>when</c>: an HCL expression that must be true. Pure and bounded: 10,000 steps an evaluation.</summary>
public sealed class Condition
{
    private Condition(HclExpression expression) => Expression = expression;

    /// <summary>The expression as parsed; its range is the place.</summary>
    public HclExpression Expression { get; }

    /// <summary>Whether it reads <c>request.query</c>.</summary>
    public bool ReadsQuery { get; private init; }

    /// <summary>Whether it reads <c>request.body</c>, and so constrains the body.</summary>
    public bool ReadsBody { get; private init; }

    /// <summary>Null with at least one error when a name can't exist in <paramref name="scope"/>, or the value can't be a bool.</summary>
    internal static Condition? Compile(HclExpression expression, ConditionScope scope, ICollection<Diagnostic> diagnostics) => throw new NotImplementedException();

    internal ConditionResult Evaluate(in ConditionInput input) => throw new NotImplementedException();
}
