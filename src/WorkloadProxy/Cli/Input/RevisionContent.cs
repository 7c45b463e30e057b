using System.Collections.Immutable;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Cli.Input;

/// <summary>The policy files of a revision in the order of their paths, and what was found on the way.</summary>
internal sealed record RevisionContent(IReadOnlyList<PolicyFile> Files, ImmutableArray<Diagnostic> Problems);
