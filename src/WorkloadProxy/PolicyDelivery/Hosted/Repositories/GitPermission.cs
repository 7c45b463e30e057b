using WorkloadProxy.Policies;
using WorkloadProxy.Requests;

namespace WorkloadProxy.PolicyDelivery.Hosted.Repositories;

/// <summary>
/// The right to use one context's repository. A push may take a minute: what decides on it asks again (<paramref name="AskAgain"/>: null, or why no longer), so
/// that a token that was revoked, or a role that was taken away meanwhile, puts nothing in force. <paramref name="Who"/> is for the log.
/// </summary>
internal sealed record GitPermission(AuthContext Context, string Who, Func<CancellationToken, Task<Failure?>> AskAgain);
