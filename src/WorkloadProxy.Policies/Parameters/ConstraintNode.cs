using System.Collections.Immutable;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies;

/// <summary>What was written for a value, whether it stood there literally (with exact places) or was computed.</summary>
internal abstract record ConstraintNode(SourceRange Range);

internal sealed record ScalarNode(HclValue Value, SourceRange Range) : ConstraintNode(Range);

internal sealed record ListNode(ImmutableArray<ConstraintNode> Items, SourceRange Range) : ConstraintNode(Range);

internal sealed record ObjectNode(ImmutableArray<(string Name, SourceRange NameRange, ConstraintNode Value)> Members, SourceRange Range) : ConstraintNode(Range);

/// <summary>A function's result.</summary>
internal sealed record CompiledNode(ValueConstraint Constraint, SourceRange Range) : ConstraintNode(Range);

/// <summary>Expressions → nodes. Objects and lists are read from the syntax tree, where a name that stands twice can still be seen; all else is evaluated.</summary>
internal sealed class ConstraintReader(EvaluationContext evaluation, ConstraintFunctions functions, ICollection<Diagnostic> diagnostics)
{
    /// <summary>Null when an error was reported.</summary>
    public ConstraintNode? Read(HclExpression expression) => expression switch
    {
        HclTupleExpression tuple => ReadList(tuple),
        HclObjectExpression literal => ReadObject(literal),
        HclFunctionCallExpression call when !functions.Knows(call.Name) => Report(RuleDiagnostics.UnknownFunction(call.Name, ConstraintFunctions.Names, call.NameRange)),
        HclFunctionCallExpression { ExpandFinal: false } call => ReadCall(call),
        _ => expression.Evaluate(evaluation, diagnostics) is { } value ? Of(value, expression.Range) : null,
    };

    /// <summary>A computed value, all at one place.</summary>
    public static ConstraintNode Of(HclValue value, SourceRange range) => value.Kind switch
    {
        HclValueKind.Tuple => new ListNode([.. value.Items.Select(item => Of(item, range))], range),
        HclValueKind.Object => new ObjectNode([.. value.Members.Select(member => (member.Key, range, Of(member.Value, range)))], range),
        HclValueKind.Opaque when value.Opaque is ValueConstraint constraint => new CompiledNode(constraint, range),
        _ => new ScalarNode(value, range),
    };

    private ListNode? ReadList(HclTupleExpression tuple)
    {
        var items = tuple.Items.Select(Read).ToList();
        return items.Contains(null) ? null : new ListNode([.. items.OfType<ConstraintNode>()], tuple.Range);
    }

    private ObjectNode? ReadObject(HclObjectExpression literal)
    {
        var members = ImmutableArray.CreateBuilder<(string, SourceRange, ConstraintNode)>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var whole = true;
        foreach (var item in literal.Items)
        {
            var key = item.Key.Evaluate(evaluation, diagnostics);
            var value = Read(item.Value);
            if (key is not null && key.Kind != HclValueKind.String) diagnostics.Add(RuleDiagnostics.BadValue("a parameter's name must be a string", null, item.Key.Range));
            else if (key is not null && !names.Add(key.AsString)) diagnostics.Add(RuleDiagnostics.DuplicateName(key.AsString, item.Key.Range));
            else if (key is not null && value is not null)
            {
                members.Add((key.AsString, item.Key.Range, value));
                continue;
            }
            whole = false;
        }
        return whole ? new ObjectNode(members.ToImmutable(), literal.Range) : null;
    }

    private CompiledNode? ReadCall(HclFunctionCallExpression call)
    {
        var arguments = call.Arguments.Select(Read).ToList();
        if (arguments.Contains(null)) return null;
        var constraint = functions.Call(call.Name, [.. arguments.OfType<ConstraintNode>()], call.Range, diagnostics);
        return constraint is null ? null : new CompiledNode(constraint, call.Range);
    }

    private ConstraintNode? Report(Diagnostic diagnostic)
    {
        diagnostics.Add(diagnostic);
        return null;
    }
}
