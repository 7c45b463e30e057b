using System.Collections.Immutable;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Lints;
using WorkloadProxy.Policies.Sets;

namespace WorkloadProxy.Policies.Roles;

/// <summary>One file's <c>role</c> blocks → roles whose policies are not resolved yet.</summary>
internal static class RoleCompiler
{
    /// <summary>The roles without an error; every error and warning of the others is among <paramref name="diagnostics"/>.</summary>
    public static ImmutableArray<Role> Compile(HclFile file, CompileOptions options, SetScope scope, ICollection<Diagnostic> diagnostics)
    {
        foreach (var attribute in file.Body.Attributes) diagnostics.Add(RoleDiagnostics.AttributeOutside(attribute.Name, "role", attribute.NameRange));
        var evaluation = scope.Evaluation();
        var roles = ImmutableArray.CreateBuilder<Role>();
        foreach (var block in file.Body.Blocks)
        {
            if (block.Type == SetLocals.Block) continue;
            if (block.Type != "role") diagnostics.Add(RoleDiagnostics.UnknownBlock(block.Type, "role", block.TypeRange));
            else if (new RoleReader(block, file, options, evaluation, scope.Locals, diagnostics).Read() is { } role)
            {
                RoleLints.Check(role, block, diagnostics);
                roles.Add(role);
            }
        }
        return roles.ToImmutable();
    }
}
