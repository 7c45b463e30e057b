using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Roles;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies.Sets;

/// <summary>The constants of a set's <c>locals</c> blocks: one object, seen in every file as <c>local</c>.</summary>
internal sealed class SetLocals
{
    public const string Block = "locals";
    public const string Name = "local";

    private SetLocals(HclValue values) => Values = values;

    public static SetLocals None { get; } = new(HclValue.FromMembers([]));

    public HclValue Values { get; }

    /// <summary>What an expression sees; nothing when there are none, so that a mistake is told as one.</summary>
    public IReadOnlyDictionary<string, HclValue> Variables =>
        Values.Members.Count == 0 ? new Dictionary<string, HclValue>() : new Dictionary<string, HclValue> { [Name] = Values };

    public bool IsSameAs(SetLocals other) => Values.Equals(other.Values);

    /// <summary>Reads the blocks of all files. One that does not parse is left out: its errors are reported when it is compiled.</summary>
    public static SetLocals Read(IEnumerable<PolicyFile> files, EvaluationBudget budget, DiagnosticBag diagnostics)
    {
        var values = new Dictionary<string, HclValue>(StringComparer.Ordinal);
        var places = new Dictionary<string, SourceRange>(StringComparer.Ordinal);
        foreach (var file in files)
        {
            if (file.Content.Span.IndexOf("locals"u8) < 0 || HclParser.Parse(file.Path, file.Content) is not { HasErrors: false } parsed) continue;
            var evaluation = new EvaluationContext { Shared = budget };
            foreach (var attribute in SingleBlock.AttributesOf(parsed, Block, diagnostics))
            {
                if (!places.TryAdd(attribute.Name, attribute.NameRange))
                    diagnostics.Add(RoleDiagnostics.Duplicate("local", attribute.Name, places[attribute.Name], attribute.NameRange));
                else if (attribute.Expression.Evaluate(evaluation, diagnostics) is { } value) values.Add(attribute.Name, value);
            }
        }
        return values.Count == 0 ? None : new SetLocals(HclValue.FromMembers(values));
    }
}
