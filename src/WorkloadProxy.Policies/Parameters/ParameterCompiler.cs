using System.Collections.Immutable;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Protobuf;
using WorkloadProxy.Policies.Rules;
using WorkloadProxy.Policies.Sets;

namespace WorkloadProxy.Policies.Parameters;

/// <summary><c>allowed_parameters</c> and <c>denied_parameters</c> → what a rule checks. One a file: its budget is the file's.</summary>
internal sealed class ParameterCompiler
{
    /// <summary>The key of the names of the query.</summary>
    private const string Query = "?";
    private readonly ConstraintFunctions functions;
    private readonly ConstraintReader reader;
    private readonly ICollection<Diagnostic> diagnostics;

    /// <summary>Outside of a set there is no <paramref name="scope"/>, and so are no locals.</summary>
    public ParameterCompiler(AuthContext context, ICollection<Diagnostic> diagnostics, SetScope? scope = null)
    {
        functions = new ConstraintFunctions(context);
        Evaluation = scope?.Evaluation(functions.ForEvaluation) ?? new EvaluationContext { Functions = functions.ForEvaluation };
        Locals = scope?.Locals ?? SetLocals.None;
        reader = new ConstraintReader(Evaluation, functions, diagnostics);
        this.diagnostics = diagnostics;
    }

    public EvaluationContext Evaluation { get; }

    public SetLocals Locals { get; }

    /// <summary>Null when an error was reported.</summary>
    public AllowedParameters? Allowed(HclAttribute attribute)
    {
        if (ReadObject(attribute) is not { } node) return null;
        var (query, body) = Split(node);
        ObjectConstraint? queryConstraint = ObjectConstraint.Empty;
        if (query is not null) queryConstraint = query is ObjectNode names ? functions.BuildObject(names, diagnostics) : ReportQuery(query);
        var bodyConstraint = functions.BuildObject(body, diagnostics);
        if (queryConstraint is null || bodyConstraint is null) return null;
        if (HasMixedNames([.. bodyConstraint.Members.Select(member => member.Name)], bodyConstraint.Members.Select(member => member.Value), attribute))
            return null;
        return new AllowedParameters(queryConstraint, body.Members.IsEmpty ? null : bodyConstraint);
    }

    /// <summary>Null when an error was reported.</summary>
    public DeniedParameters? Denied(HclAttribute attribute)
    {
        if (ReadObject(attribute) is not { } node) return null;
        var (query, body) = Split(node);
        if (query is not null and not ObjectNode) ReportQuery(query);
        var denied = (Query: query is ObjectNode names ? DeniedNames(names) : null, Body: DeniedNames(body));
        if (denied.Body is null || (query is not null && denied.Query is null)) return null;
        if (HasMixedNames([.. denied.Body.Values.Keys], denied.Body.Values.Values.SelectMany(values => values), attribute)) return null;
        return new DeniedParameters(denied.Query ?? Parameters.DeniedNames.None, denied.Body);
    }

    private bool HasMixedNames(IReadOnlyCollection<string> names, IEnumerable<ValueConstraint> values, HclAttribute attribute)
    {
        if (ProtobufNames.FaultOf(names, values, out _) is not { } fault) return false;
        diagnostics.Add(RuleDiagnostics.FieldNumbers($"{fault} in `{attribute.Name}`", attribute.Expression.Range));
        return true;
    }

    private ObjectNode? ReadObject(HclAttribute attribute)
    {
        var node = reader.Read(attribute.Expression);
        if (node is ObjectNode or BrokenNode) return node as ObjectNode;
        diagnostics.Add(RuleDiagnostics.BadValue($"`{attribute.Name}` must be an object", $"write `{attribute.Name} = {{ \"name\" = … }}`",
            attribute.Expression.Range));
        return null;
    }

    private static (ConstraintNode? Query, ObjectNode Body) Split(ObjectNode node)
        => (node.Members.FirstOrDefault(member => member.Name == Query).Value, node with { Members = node.Members.RemoveAll(member => member.Name == Query) });

    private ObjectConstraint? ReportQuery(ConstraintNode query)
    {
        if (query is BrokenNode) return null;
        diagnostics.Add(RuleDiagnostics.BadValue("`\"?\"` must be an object: the query's names",
            "write `\"?\" = { \"name\" = … }`, or `{ \"*\" = [] }` for any query", query.Range));
        return null;
    }

    private DeniedNames? DeniedNames(ObjectNode node)
    {
        var values = new Dictionary<string, ImmutableArray<ValueConstraint>>(StringComparer.Ordinal);
        var names = new HashSet<string>(StringComparer.Ordinal);
        var every = false;
        var whole = true;
        foreach (var (name, nameRange, value) in node.Members)
        {
            if (value is BrokenNode)
            {
                whole = false;
                continue;
            }
            var items = value switch
            {
                ListNode list => list.Items,
                CompiledNode { Constraint: AnyConstraint } => [],
                _ => default,
            };
            if (items.IsDefault)
                diagnostics.Add(RuleDiagnostics.BadValue($"`{name}` must be a list of refused values", $"write `\"{name}\" = [ … ]`, or `[]` for any value",
                    value.Range));
            else if (name == "*" && !items.IsEmpty) diagnostics.Add(RuleDiagnostics.BadValue("`\"*\"` must be `[]`: it refuses every name", null, nameRange));
            else if (name == "*") every = true;
            else if (Items(items) is not { } constraints) { }
            else if (!names.Add(SameName.Fold(name))) diagnostics.Add(RuleDiagnostics.DuplicateName(name, nameRange));
            else
            {
                values.Add(name, constraints);
                continue;
            }
            whole &= name == "*" && every;
        }
        return whole ? new DeniedNames(values, every) : null;
    }

    private ImmutableArray<ValueConstraint>? Items(ImmutableArray<ConstraintNode> items)
    {
        var built = items.Select(item => functions.Build(item, diagnostics)).ToList();
        return built.Contains(null) ? null : [.. built.OfType<ValueConstraint>()];
    }
}
