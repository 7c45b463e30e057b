using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Conditions;
using WorkloadProxy.Policies.Roles;

namespace WorkloadProxy.Policies.Sets;

/// <summary><c>set.hcl</c>: what holds for the whole set. Its <c>when</c> is a condition on every role.</summary>
internal static class SetFile
{
    public const string Name = "set.hcl";

    public static SetCondition? Compile(HclFile file, SetScope scope, ICollection<Diagnostic> diagnostics)
    {
        foreach (var block in file.Body.Blocks) diagnostics.Add(RoleDiagnostics.NestedBlock(block.Type, "set.hcl", block.TypeRange));
        SetCondition? found = null;
        foreach (var attribute in file.Body.Attributes)
        {
            if (attribute.Name != "when") diagnostics.Add(RoleDiagnostics.UnknownAttribute(attribute.Name, Name, ["when"], attribute.NameRange));
            else if (Condition.Compile(attribute.Expression, ConditionScope.Role, diagnostics, scope.Locals) is { } when)
                found = new SetCondition(when, file.TextOf(attribute.Expression));
        }
        return found;
    }
}

/// <summary>The set's own <c>when</c>, and how it is written.</summary>
internal sealed record SetCondition(Condition When, string Text);
