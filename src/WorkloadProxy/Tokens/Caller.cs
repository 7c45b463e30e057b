using WorkloadProxy.Policies;

namespace WorkloadProxy.Tokens;

/// <summary>
/// An authenticated workload at one request: its verified token and what that token may do under the policy set in force now.
/// </summary>
internal sealed record Caller(VerifiedToken Token, Grants Grants, string PolicyVersion);
