using WorkloadProxy.Configuration;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Forwarding;

/// <summary>
/// A request on its way to an interceptor. <paramref name="Caller"/> is null for a user's own token, which is then the request's <c>Authorization</c>.
/// </summary>
internal sealed record InterceptedRequest(HttpContext Http, RequestRecord Record, UpstreamOptions Upstream, Caller? Caller)
{
    /// <summary>The body, up to 1 MiB; a failure when there is more of it or it doesn't come in time.</summary>
    public ValueTask<Result<byte[]>> ReadBodyAsync() => BodyReader.ReadAsync(Http);

    /// <summary>What goes on in place of the body. A body that was read must be put back, changed or not.</summary>
    public void ReplaceBody(byte[] bytes) => BodyReader.Replace(Http, bytes);
}
