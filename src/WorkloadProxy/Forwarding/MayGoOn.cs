using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Forwarding;

/// <summary>Whether a request that is under way may go on: the caller as it is admitted now, or why not.</summary>
internal delegate Result<Caller> MayGoOn(Caller caller, in AccessRequest asked, bool endsWithToken);
