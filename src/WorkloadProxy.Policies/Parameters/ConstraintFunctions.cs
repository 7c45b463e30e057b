using System.Collections.Immutable;
using System.Text.RegularExpressions;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Patterns;
using WorkloadProxy.Policies.Rules;

namespace WorkloadProxy.Policies.Parameters;

/// <summary>The functions of `allowed_parameters`, and the value forms that they and the attributes share.</summary>
internal sealed class ConstraintFunctions
{
    public static readonly string[] Names = ["optional", "any", "exact", "glob", "regex", "min", "max", "range", "min_items", "max_items", "list", "one_of"];
    private readonly AuthContext context;

    public ConstraintFunctions(AuthContext context)
    {
        this.context = context;
        ForEvaluation = Names.ToDictionary(name => name, Evaluated, StringComparer.Ordinal);
    }

    /// <summary>The same functions for an expression that computes its values (<c>[for x in … : glob(x)]</c>).</summary>
    public IReadOnlyDictionary<string, HclFunction> ForEvaluation { get; }

    public bool Knows(string name) => Names.Contains(name);

    /// <summary>What a value must be; null when an error was reported.</summary>
    public ValueConstraint? Build(ConstraintNode node, ICollection<Diagnostic> diagnostics)
    {
        switch (node)
        {
            case BrokenNode:
                return null;
            case CompiledNode { Constraint: OptionalConstraint }:
                return Report(diagnostics, "`optional(…)` can only be the whole value of a name", "write `\"NAME\" = optional(…)`", node.Range);
            case CompiledNode compiled:
                return compiled.Constraint;
            case ObjectNode members:
                return BuildObject(members, diagnostics);
            case ListNode { Items.IsEmpty: true }:
                return new AnyConstraint();
            case ListNode list:
                return BuildList(list.Items, diagnostics);
            case ScalarNode { Value.Kind: HclValueKind.String } text:
                return BuildText(text.Value.AsString, wildcards: true, node.Range, diagnostics);
            case ScalarNode { Value.Kind: HclValueKind.Number } number:
                return new NumberConstraint(number.Value.AsNumber);
            case ScalarNode { Value.Kind: HclValueKind.Bool } literal:
                return new BoolConstraint(literal.Value.AsBool);
            default:
                return Report(diagnostics, "`null` is not a constraint", "leave the name out to forbid it, or write `optional(…)`", node.Range);
        }
    }

    public ObjectConstraint? BuildObject(ObjectNode node, ICollection<Diagnostic> diagnostics)
    {
        var members = ImmutableArray.CreateBuilder<MemberConstraint>();
        var others = false;
        var whole = true;
        foreach (var (name, nameRange, value) in node.Members)
        {
            if (name == "*")
            {
                others = true;
                if (value is ListNode { Items.IsEmpty: true } or CompiledNode { Constraint: AnyConstraint }) continue;
                whole = false;
                if (value is not BrokenNode)
                    diagnostics.Add(RuleDiagnostics.BadValue("`\"*\"` must be `[]`: it permits every other name", "constrain names one by one", nameRange));
                continue;
            }
            var optional = value is CompiledNode { Constraint: OptionalConstraint };
            var constraint = value is CompiledNode { Constraint: OptionalConstraint wrapped } ? wrapped.Inner : Build(value, diagnostics);
            if (constraint is null) whole = false;
            else members.Add(new MemberConstraint(name, constraint, optional));
        }
        return whole ? new ObjectConstraint(members.ToImmutable(), others) : null;
    }

    /// <summary>A function's result; null when an error was reported.</summary>
    public ValueConstraint? Call(string name, ImmutableArray<ConstraintNode> arguments, SourceRange range, ICollection<Diagnostic> diagnostics)
    {
        var (least, most) = name switch { "any" => (0, 0), "range" => (2, 2), "list" => (3, 3), "one_of" => (1, int.MaxValue), _ => (1, 1) };
        if (arguments.Length < least || arguments.Length > most)
        {
            var expected = least == most ? $"{least}" : $"at least {least}";
            return Report(diagnostics, $"`{name}` has {arguments.Length} {(arguments.Length == 1 ? "argument" : "arguments")}, expected {expected}",
                Usage(name), range);
        }
        if (arguments.Any(argument => argument is BrokenNode)) return null;
        switch (name)
        {
            case "any":
                return new AnyConstraint();
            case "optional":
                return Build(arguments[0], diagnostics) is { } inner ? new OptionalConstraint(inner) : null;
            case "one_of":
                return BuildList(arguments, diagnostics);
            case "min_items" or "max_items" or "list":
                return BuildItems(name, arguments, range, diagnostics);
            case "min" or "max" or "range":
                return BuildRange(name, arguments, range, diagnostics);
            default:
                if (arguments[0] is not ScalarNode { Value.Kind: HclValueKind.String } text)
                    return Report(diagnostics, $"`{name}` takes a string", Usage(name), arguments[0].Range);
                return name == "regex" ? BuildRegex(text, diagnostics) : BuildText(text.Value.AsString, wildcards: name == "glob", text.Range, diagnostics);
        }
    }

    private ListConstraint? BuildList(ImmutableArray<ConstraintNode> items, ICollection<Diagnostic> diagnostics)
    {
        var built = new List<ValueConstraint?>();
        foreach (var item in items)
        {
            built.Add(item is ListNode { Items.IsEmpty: false } or CompiledNode { Constraint: ListConstraint or ItemsConstraint }
                ? Report(diagnostics, "a list is inside another list", "an array's elements are each one of the outer list's values: write them there",
                    item.Range)
                : Build(item, diagnostics));
        }
        return built.Contains(null) ? null : new ListConstraint([.. built.OfType<ValueConstraint>()]);
    }

    private ItemsConstraint? BuildItems(string name, ImmutableArray<ConstraintNode> arguments, SourceRange range, ICollection<Diagnostic> diagnostics)
    {
        var elements = name == "list" ? AsElements(arguments[0], diagnostics) : null;
        if (name == "list" && elements is null) return null;
        var bounds = name == "list" ? arguments[1..] : arguments;
        var counts = new List<int>();
        foreach (var bound in bounds)
        {
            if (bound is ScalarNode { Value.Kind: HclValueKind.Number } number && int.TryParse(number.Value.AsNumber.ToString(), out var count) && count >= 0)
                counts.Add(count);
            else Report(diagnostics, $"`{name}` takes whole numbers of elements", Usage(name), bound.Range);
        }
        if (counts.Count < bounds.Length) return null;
        if (counts[0] <= counts[^1]) return new ItemsConstraint(elements, name == "max_items" ? null : counts[0], name == "min_items" ? null : counts[^1]);
        Report(diagnostics, "no list has this length: its least is above its most", Usage(name), range);
        return null;
    }

    private ListConstraint? AsElements(ConstraintNode element, ICollection<Diagnostic> diagnostics) => Build(element, diagnostics) switch
    {
        null => null,
        ListConstraint list => list,
        ItemsConstraint => BuildList([element], diagnostics),
        var one => new ListConstraint([one]),
    };

    private TextConstraint? BuildText(string text, bool wildcards, SourceRange range, ICollection<Diagnostic> diagnostics)
    {
        if (TextPattern.Compile(text, context, wildcards, out var error) is { } pattern) return new TextConstraint(pattern);
        Report(diagnostics, error!, "write `{claims.NAME}`", range);
        return null;
    }

    private static RangeConstraint? BuildRange(string name, ImmutableArray<ConstraintNode> arguments, SourceRange range, ICollection<Diagnostic> diagnostics)
    {
        foreach (var argument in arguments)
        {
            if (argument is ScalarNode { Value.Kind: HclValueKind.Number }) continue;
            Report(diagnostics, $"`{name}` takes numbers", Usage(name), argument.Range);
            return null;
        }
        var first = ((ScalarNode)arguments[0]).Value.AsNumber;
        var last = ((ScalarNode)arguments[^1]).Value.AsNumber;
        if (first.CompareTo(last) > 0)
        {
            Report(diagnostics, "the range is empty: its first end is above its last", "write `range(LEAST, MOST)`", range);
            return null;
        }
        return new RangeConstraint(name == "max" ? null : first, name == "min" ? null : last);
    }

    private RegexConstraint? BuildRegex(ScalarNode node, ICollection<Diagnostic> diagnostics)
    {
        var text = node.Value.AsString;
        if (text.Contains("{claims.", StringComparison.Ordinal))
            Report(diagnostics, "a regex can't hold claims", "write `glob(\"…{claims.NAME}…\")`", node.Range);
        else if (LinearRegex.TryCompile(text.Replace("{actx}", Regex.Escape(context.Id), StringComparison.Ordinal), out var regex, out var error))
            return new RegexConstraint(text, regex);
        else Report(diagnostics, error, LinearRegex.HelpFor(error), node.Range);
        return null;
    }

    private HclFunction Evaluated(string name) => (ImmutableArray<HclValue> arguments, out string? error) =>
    {
        var diagnostics = new List<Diagnostic>();
        var constraint = Call(name, [.. arguments.Select(argument => ConstraintReader.Of(argument, default))], default, diagnostics);
        error = constraint is null ? diagnostics[0].Summary : null;
        return constraint is null ? null : HclValue.FromOpaque(constraint);
    };

    private static string Usage(string name) => "write " + name switch
    {
        "any" => "`any()`",
        "optional" => "`optional(VALUE)`",
        "one_of" => "`one_of(VALUE, …)`",
        "min_items" or "max_items" => $"`{name}(COUNT)`",
        "list" => "`list(VALUE, LEAST, MOST)`",
        "min" or "max" => $"`{name}(NUMBER)`",
        "range" => "`range(LEAST, MOST)`",
        _ => $"`{name}(\"TEXT\")`",
    };

    private static ValueConstraint? Report(ICollection<Diagnostic> diagnostics, string summary, string? help, SourceRange range)
    {
        diagnostics.Add(RuleDiagnostics.BadValue(summary, help, range));
        return null;
    }
}
