namespace WorkloadProxy.Stages;

/// <summary>
/// How a request was decided; <c>Pass</c> is a user's own API token, passed through, <c>Public</c> a path that the operator lets anyone read.
/// </summary>
internal enum RequestOutcome { Deny, Allow, Pass, Public }
