using WorkloadProxy.Policies;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Forwarding;

/// <summary>Where an upstream is, if that depends on whose request it is: each account may live on a server of its own.</summary>
internal interface IUpstreamAddress
{
    /// <summary>
    /// The origin (scheme, host, port; no slash at the end) that <paramref name="path"/> of the context goes to. A failure is the caller's answer and nothing
    /// is sent: the server isn't known (<see cref="ErrorId.UpstreamUnreachable"/>), or nothing may go to that path of it (<see cref="ErrorId.Forbidden"/>).
    /// </summary>
    ValueTask<Result<string>> FindAsync(AuthContext context, string path, CancellationToken cancellationToken);

    /// <summary>Nothing answered at <paramref name="origin"/>: what is remembered of the context may be out of date.</summary>
    void NoAnswer(AuthContext context, string origin);
}
