using WorkloadProxy.Endpoints;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;

namespace WorkloadProxy.Issuing;

/// <summary>The issuer's public documents. Anyone may read them from anywhere: they are made for other servers, and for scripts in a browser.</summary>
internal sealed class DiscoveryEndpoint(Discovery discovery)
{
    public Task<Failure?> ConfigurationAsync(HttpContext http, RequestRecord record) => AnswerAsync(http, record, discovery.Configuration);

    public Task<Failure?> JwksAsync(HttpContext http, RequestRecord record) => AnswerAsync(http, record, discovery.Jwks);

    private Task<Failure?> AnswerAsync(HttpContext http, RequestRecord record, ReadOnlyMemory<byte> document)
    {
        http.Response.Headers.CacheControl = discovery.CacheControl;
        http.Response.Headers.AccessControlAllowOrigin = "*";
        record.Publish("application/json", document);
        return Task.FromResult<Failure?>(null);
    }
}
