using System.Collections.Immutable;

namespace WorkloadProxy.Hcl;

/// <summary>An expression of the syntax tree.</summary>
public abstract record HclExpression(SourceRange Range)
{
    /// <summary>
    /// The expression's value, or null when it could not be had; then at least one error was added to <paramref name="diagnostics"/>.
    /// </summary>
    public HclValue? Evaluate(EvaluationContext context, ICollection<Diagnostic> diagnostics) => throw new NotImplementedException();

    /// <summary>Every use of a variable in the expression, nested ones too, less names bound inside it (by a <c>for</c>).</summary>
    public IEnumerable<HclReference> References() => throw new NotImplementedException();
}

/// <summary>A use of a variable: its root name and the constant steps behind it (<c>claims.a["b"].c</c> → <c>claims</c>, [a, b, c]), up to the first step that is no constant name.</summary>
public sealed record HclReference(string Root, ImmutableArray<string> Steps, SourceRange Range);

/// <summary><c>[a, b]</c></summary>
public sealed record HclTupleExpression(ImmutableArray<HclExpression> Items, SourceRange Range) : HclExpression(Range);

/// <summary><c>{ key = value }</c>; a key that is a bare name is a literal string.</summary>
public sealed record HclObjectExpression(ImmutableArray<HclObjectItem> Items, SourceRange Range) : HclExpression(Range);

/// <summary>One member of an object expression.</summary>
public sealed record HclObjectItem(HclExpression Key, HclExpression Value);

/// <summary><c>name(a, b...)</c></summary>
public sealed record HclFunctionCallExpression(string Name, SourceRange NameRange, ImmutableArray<HclExpression> Arguments, bool ExpandFinal, SourceRange Range) : HclExpression(Range);
