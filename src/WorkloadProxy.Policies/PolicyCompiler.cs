namespace WorkloadProxy.Policies;

/// <summary>Files → <see cref="PolicySet"/>. Pure.</summary>
public static class PolicyCompiler
{
    /// <summary>Compiles a whole source; <paramref name="previous"/> only saves work for files that did not change.</summary>
    public static CompileResult Compile(IReadOnlyList<PolicyFile> files, CompileOptions options, PolicySet? previous = null) => throw new NotImplementedException();
}
