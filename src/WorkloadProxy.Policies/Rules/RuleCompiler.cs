using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies;

internal static class RuleCompiler
{
    public static Policy? Compile(string name, HclFile file, CompileOptions options, ICollection<Diagnostic> diagnostics) => new() { Name = name, File = file.Name };
}
