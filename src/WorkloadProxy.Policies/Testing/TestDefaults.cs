using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Roles;

namespace WorkloadProxy.Policies.Testing;

/// <summary>
/// A file's <c>defaults</c>: what its tests need not repeat. Members of <c>token</c> and <c>request</c> are taken one by one, so that a test may change one
/// claim.
/// </summary>
internal sealed class TestDefaults
{
    public const string Block = "defaults";
    private static readonly string[] Known = ["token", "request", "now"];

    private TestDefaults(Dictionary<string, (HclAttribute Attribute, HclValue? Value)> values) => Values = values;

    public IReadOnlyDictionary<string, (HclAttribute Attribute, HclValue? Value)> Values { get; }

    public static TestDefaults Read(HclFile file, EvaluationContext evaluation, ICollection<Diagnostic> diagnostics)
    {
        var values = new Dictionary<string, (HclAttribute, HclValue?)>(StringComparer.Ordinal);
        foreach (var attribute in SingleBlock.AttributesOf(file, Block, diagnostics))
        {
            if (Known.Contains(attribute.Name)) values[attribute.Name] = (attribute, attribute.Expression.Evaluate(evaluation, diagnostics));
            else diagnostics.Add(RoleDiagnostics.UnknownAttribute(attribute.Name, Block, Known, attribute.NameRange));
        }
        return new TestDefaults(values);
    }

    /// <summary>A test's own value over the default's.</summary>
    public static HclValue? Merge(HclValue? own, HclValue? standard)
        => own is { Kind: HclValueKind.Object } && standard is { Kind: HclValueKind.Object }
            ? HclValue.FromMembers(standard.Members.Where(member => !own.Members.ContainsKey(member.Key)).Concat(own.Members)) : own;
}
