using System.Collections.Immutable;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;

namespace WorkloadProxy.PolicyDelivery.Publishing;

/// <summary>
/// How a context's source stands. <paramref name="Source"/> is <c>directory:/etc/rbac</c> or the repository's address; <paramref name="Version"/> of the set in
/// force (commit or content hash) and <paramref name="Since"/> are null while there is none; <paramref name="LastError"/> is null while the source's newest
/// state is in force.
/// </summary>
internal sealed record PolicySourceStatus(AuthContext Context, string Source, string? Version = null, DateTimeOffset? Since = null,
    PolicySourceError? LastError = null);

/// <summary>Why the newest state of a source was not taken; <paramref name="Text"/> shows the diagnostics with the lines that they are about.</summary>
internal sealed record PolicySourceError(DateTimeOffset Time, string Message, ImmutableArray<Diagnostic> Diagnostics, string Text);
