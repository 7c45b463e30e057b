using WorkloadProxy.Policies;

namespace WorkloadProxy.SignIn;

/// <summary>
/// Takes back what somebody gave by signing in, the same for the person on the page and for an operator's command: deleted here first, so that the proxy no
/// longer uses it whatever the other side answers, and then revoked where it came from. Null: nobody gave anything. Otherwise whether it is known to be
/// revoked.
/// </summary>
internal delegate Task<bool?> Disconnect(AuthContext context);
