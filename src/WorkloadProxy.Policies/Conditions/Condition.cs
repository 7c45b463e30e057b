using System.Collections.Frozen;
using System.Collections.Immutable;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Conditions;
using WorkloadProxy.Policies.Sets;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies;

/// <summary>A compiled <c>when</c>: an HCL expression that must be true. Pure and bounded: 10,000 steps an evaluation.</summary>
public sealed class Condition
{
    private const int MaxSteps = 10_000;

    private readonly FrozenSet<string> roots;
    private readonly ImmutableArray<HclReference> queries;
    private readonly FrozenDictionary<string, HclFunction> functions;
    private readonly SetLocals locals;
    private readonly bool readsZone;

    private Condition(HclExpression expression, ImmutableArray<HclReference> references, FrozenDictionary<string, HclFunction> functions, SetLocals locals)
    {
        Expression = expression;
        this.functions = functions;
        this.locals = locals;
        roots = references.Select(reference => reference.Root).ToFrozenSet(StringComparer.Ordinal);
        queries = [.. references.Where(reference => reference.Root == "request" && (reference.Steps.IsEmpty || reference.Steps[0] == "query"))];
        ReadsQuery = queries.Length > 0;
        ReadsBody = references.Any(reference => reference.Root == "request" && (reference.Steps.IsEmpty || reference.Steps[0] == "body"));
        ReadsRequest = roots.Contains("request");
        ReadsArguments = references.Any(reference => reference.Root == "request" && (reference.Steps.IsEmpty || reference.Steps[0] == "arguments"));
        readsZone = ConditionFunctions.ReadsZone(expression);
        IsConstant = references.All(reference => reference.Root == SetLocals.Name) && !readsZone;
    }

    /// <summary>The expression as parsed; its range is the place.</summary>
    public HclExpression Expression { get; }

    /// <summary>Whether it reads <c>request.query</c>.</summary>
    public bool ReadsQuery { get; }

    /// <summary>Whether it reads <c>request.body</c>, and so constrains the body.</summary>
    public bool ReadsBody { get; }

    /// <summary>Whether it reads the time.</summary>
    internal bool ReadsNow => roots.Contains("now") || readsZone;

    /// <summary>Whether it reads anything of the request.</summary>
    internal bool ReadsRequest { get; }

    /// <summary>Whether it reads the arguments of an MCP call.</summary>
    internal bool ReadsArguments { get; }

    /// <summary>Whether it reads nothing at all: then it says nothing about the caller.</summary>
    internal bool IsConstant { get; }

    /// <summary>Null with at least one error when a name can't exist in <paramref name="scope"/>, or a constant is not a bool.</summary>
    internal static Condition? Compile(HclExpression expression, ConditionScope scope, ICollection<Diagnostic> diagnostics, SetLocals? locals = null)
    {
        var found = new DiagnosticBag();
        var references = expression.References().ToImmutableArray();
        locals ??= SetLocals.None;
        ConditionNames.Check(references, scope, locals, found);
        var condition = new Condition(expression, references, ConditionFunctions.For(expression, found), locals);
        if (found.Count == 0 && condition.IsConstant
            && expression.Evaluate(condition.Context(condition.Locals(), default), found) is { Kind: not HclValueKind.Bool } value)
            found.Add(ConditionDiagnostics.NoBool(value, expression.Range));
        foreach (var diagnostic in found) diagnostics.Add(diagnostic);
        return found.Count == 0 ? condition : null;
    }

    /// <summary>A claim that is missing, a type that doesn't fit, a budget that is spent: an error, never true or false.</summary>
    internal ConditionResult Evaluate(in ConditionInput input)
    {
        if (input.Steps is { IsSpent: true }) return ConditionResult.Failed("the decision takes too many steps");
        if (ReadsRequest && input.Steps?.Take(input.Query?.Count ?? 0) == false) return ConditionResult.Failed("the decision takes too many steps");
        if (RepeatedName(input) is { } name) return ConditionResult.Failed($"query name `{name}` is given twice");
        var variables = Locals();
        if (roots.Contains("claims")) variables["claims"] = input.Claims.Value;
        if (roots.Contains("now")) variables["now"] = ConditionValues.Now(input.Now);
        if (roots.Contains("request")) variables["request"] = ConditionValues.Request(input);
        var errors = new List<Diagnostic>();
        var context = Context(variables, input.Now);
        if (input.Steps is { } budget) context.StepsLeft = Math.Min(MaxSteps, budget.Left);
        var allowance = context.StepsLeft;
        var result = Expression.Evaluate(context, errors);
        input.Steps?.Take(allowance - context.StepsLeft);
        return result switch
        {
            { Kind: HclValueKind.Bool } value => value.AsBool ? ConditionResult.True : ConditionResult.False,
            { } other => ConditionResult.Failed($"`when` is {ValueText.Kind(other)}, expected a bool"),
            null => ConditionResult.Failed(errors.Count > 0 ? errors[0].Summary : "`when` has no value"),
        };
    }

    private Dictionary<string, HclValue> Locals()
    {
        var variables = new Dictionary<string, HclValue>(4, StringComparer.Ordinal);
        if (roots.Contains(SetLocals.Name)) variables[SetLocals.Name] = locals.Values;
        return variables;
    }

    private EvaluationContext Context(Dictionary<string, HclValue> variables, DateTimeOffset now)
        => new() { Variables = variables, Functions = readsZone ? ConditionFunctions.At(functions, now) : functions, StepsLeft = MaxSteps };

    // Of two values under one name the upstream may take either; so neither may be read.
    private string? RepeatedName(in ConditionInput input)
    {
        if (queries.IsEmpty || input.Query is not { Count: > 1 } query) return null;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, _) in query)
        {
            if (!seen.Add(name) && queries.Any(reference => reference.Steps.Length < 2 || reference.Steps[1] == name)) return name;
        }
        return null;
    }
}
