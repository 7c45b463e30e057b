using System.Collections.Immutable;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Roles;

namespace WorkloadProxy.Policies.Testing;

/// <summary>One file's <c>test</c> blocks → tests that can be run.</summary>
internal static class PolicyTestCompiler
{
    public static ImmutableArray<PolicyTest> Compile(HclFile file, CompileOptions options, EvaluationBudget budget, ICollection<Diagnostic> diagnostics)
    {
        foreach (var attribute in file.Body.Attributes) diagnostics.Add(RoleDiagnostics.AttributeOutside(attribute.Name, "test", attribute.NameRange));
        var evaluation = new EvaluationContext { Shared = budget };
        var tests = ImmutableArray.CreateBuilder<PolicyTest>();
        foreach (var block in file.Body.Blocks)
        {
            if (block.Type != "test") diagnostics.Add(RoleDiagnostics.UnknownBlock(block.Type, "test", block.TypeRange));
            else if (new PolicyTestReader(block, options, evaluation, diagnostics).Read() is { } test) tests.Add(test);
        }
        return tests.ToImmutable();
    }
}
