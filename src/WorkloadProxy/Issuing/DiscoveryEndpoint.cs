using WorkloadProxy.Endpoints;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;

namespace WorkloadProxy.Issuing;

/// <summary>The issuer's public documents. Anyone may read them from anywhere: they are made for other servers, and for scripts in a browser.</summary>
internal sealed class DiscoveryEndpoint(Discovery discovery)
{
    public Task<Failure?> ConfigurationAsync(HttpContext http, RequestRecord record) => WriteAsync(http, record, discovery.Configuration);

    public Task<Failure?> JwksAsync(HttpContext http, RequestRecord record) => WriteAsync(http, record, discovery.Jwks);

    private async Task<Failure?> WriteAsync(HttpContext http, RequestRecord record, ReadOnlyMemory<byte> document)
    {
        http.Response.Headers.CacheControl = discovery.CacheControl;
        http.Response.Headers.AccessControlAllowOrigin = "*";
        await PublicResponse.WriteAsync(http, record, "application/json", document);
        return null;
    }
}
