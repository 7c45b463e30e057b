using System.Collections.Immutable;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Rules;

namespace WorkloadProxy.Policies.Parameters;

/// <summary>
/// Expressions → nodes. Objects and lists are read from the syntax tree, where a repeated name can still be seen; everything else is evaluated.
/// </summary>
internal sealed class ConstraintReader(EvaluationContext evaluation, ConstraintFunctions functions, ICollection<Diagnostic> diagnostics)
{
    public ConstraintNode Read(HclExpression expression) => expression switch
    {
        HclTupleExpression tuple => new ListNode([.. tuple.Items.Select(Read)], tuple.Range),
        HclObjectExpression literal => ReadObject(literal),
        HclFunctionCallExpression call
            when !functions.Knows(call.Name) => Broken(RuleDiagnostics.UnknownFunction(call.Name, ConstraintFunctions.Names, call.NameRange)),
        HclFunctionCallExpression { ExpandFinal: false } call => functions.Call(call.Name, [.. call.Arguments.Select(Read)], call.Range, diagnostics) is
            { } constraint
            ? new CompiledNode(constraint, call.Range)
            : new BrokenNode(call.Range),
        _ => expression.Evaluate(evaluation, diagnostics) is { } value ? Of(value, expression.Range) : new BrokenNode(expression.Range),
    };

    /// <summary>A computed value, all at one place.</summary>
    public static ConstraintNode Of(HclValue value, SourceRange range) => value.Kind switch
    {
        HclValueKind.Tuple => new ListNode([.. value.Items.Select(item => Of(item, range))], range),
        HclValueKind.Object => new ObjectNode([.. value.Members.Select(member => (member.Key, range, Of(member.Value, range)))], range),
        HclValueKind.Opaque when value.Opaque is ValueConstraint constraint => new CompiledNode(constraint, range),
        _ => new ScalarNode(value, range),
    };

    private ObjectNode ReadObject(HclObjectExpression literal)
    {
        var members = ImmutableArray.CreateBuilder<(string, SourceRange, ConstraintNode)>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in literal.Items)
        {
            var key = item.Key.Evaluate(evaluation, diagnostics);
            var value = Read(item.Value);
            if (key is null) value = new BrokenNode(item.Key.Range);
            else if (key.Kind != HclValueKind.String)
                value = Broken(RuleDiagnostics.BadValue("a parameter's name must be a string", "write `\"NAME\" = VALUE`", item.Key.Range));
            else if (!names.Add(key.AsString)) value = Broken(RuleDiagnostics.DuplicateName(key.AsString, item.Key.Range));
            members.Add((key is { Kind: HclValueKind.String } ? key.AsString : "", item.Key.Range, value));
        }
        return new ObjectNode(members.ToImmutable(), literal.Range);
    }

    private BrokenNode Broken(Diagnostic diagnostic)
    {
        diagnostics.Add(diagnostic);
        return new BrokenNode(diagnostic.Range);
    }
}
