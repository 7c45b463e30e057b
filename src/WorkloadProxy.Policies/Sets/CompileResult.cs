using System.Collections.Immutable;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies;

/// <summary>The compiled set, or null if there was any error; and every diagnostic found, errors and warnings, by file and place.</summary>
public sealed record CompileResult(PolicySet? Set, ImmutableArray<Diagnostic> Diagnostics);
