using WorkloadProxy.Requests;
using WorkloadProxy.Stages;

namespace WorkloadProxy.Issuing;

/// <summary>
/// <c>/v1/oidc/authorize</c>: named in the metadata, since MCP's SDKs fail on one without it, and good for nothing: nobody signs in here to get a workload's
/// token.
/// </summary>
internal static class AuthorizeEndpoint
{
    public const string Path = "/v1/oidc/authorize";

    public static Task<Failure?> HandleAsync(HttpContext http, RequestRecord record)
    {
        var error = new OAuthError(400, "unsupported_response_type", "no response type is supported: tokens are exchanged at the token endpoint");
        record.Because(error.Description);
        error.Answer(http, record);
        return Task.FromResult<Failure?>(null);
    }
}
