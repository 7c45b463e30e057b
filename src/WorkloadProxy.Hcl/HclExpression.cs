using System.Collections.Immutable;

namespace WorkloadProxy.Hcl;

/// <summary>An expression of the syntax tree. Compared by reference: a tree may be large.</summary>
public abstract record HclExpression(SourceRange Range)
{
    /// <summary>
    /// The expression's value, or null when it has none; then at least one error was added to <paramref name="diagnostics"/>.
    /// </summary>
    public HclValue? Evaluate(EvaluationContext context, ICollection<Diagnostic> diagnostics) =>
        this is HclLiteralExpression literal ? literal.Value : Evaluation.Run(this, context, diagnostics);

    /// <summary>Every use of a variable in the expression, nested ones too, less names bound inside it (by a <c>for</c>).</summary>
    public IEnumerable<HclReference> References() => ReferenceFinder.Find(this);

    /// <summary>Every function call in the expression, nested ones too, by place.</summary>
    public IEnumerable<HclFunctionCallExpression> Calls() => ReferenceFinder.FindCalls(this);

    /// <summary>What this kind of expression comes to; null after an error.</summary>
    internal abstract HclValue? Evaluate(Evaluation evaluation);

    /// <summary>The expressions in it, and the names that each sees bound.</summary>
    internal abstract void Visit(ReferenceFinder finder);

    /// <inheritdoc/>
    public virtual bool Equals(HclExpression? other) => ReferenceEquals(this, other);

    /// <inheritdoc/>
    public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);

    /// <inheritdoc/>
    public sealed override string ToString() => $"{GetType().Name} at {Range}";
}

/// <summary>
/// A use of a variable: its root name and the constant steps behind it (<c>claims.a["b"].c</c> → <c>claims</c>, [a, b, c]), up to the first step that is no
/// constant name.
/// </summary>
public sealed record HclReference(string Root, ImmutableArray<string> Steps, SourceRange Range);
