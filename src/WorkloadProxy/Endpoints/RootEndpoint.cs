using System.Buffers;
using System.Text.Json;
using WorkloadProxy.Hcl;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Web;

namespace WorkloadProxy.Endpoints;

/// <summary><c>GET /</c>: a page that says what this is for a browser, short JSON for anything else.</summary>
internal sealed class RootEndpoint
{
    private readonly byte[] json;
    private readonly Func<HttpContext, RequestRecord, Task<Failure?>> page;

    public RootEndpoint(string publicUrl, string version, Func<HttpContext, RequestRecord, Task<Failure?>> page)
    {
        this.page = page;
        json = Description(publicUrl, version);
    }

    /// <summary>Written by hand: a serializer for one object at start costs milliseconds, and memory for good.</summary>
    private static byte[] Description(string publicUrl, string version)
    {
        var output = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(output, ReadableJson.Options);
        json.WriteStartObject();
        json.WriteString("name"u8, "workload-proxy");
        json.WriteString("version"u8, version);
        json.WriteString("issuer"u8, publicUrl);
        json.WriteString("openid_configuration"u8, $"{publicUrl}/.well-known/openid-configuration");
        json.WriteString("issue"u8, $"{publicUrl}/v1/oidc/issue");
        json.WriteEndObject();
        json.Flush();
        return output.WrittenSpan.ToArray();
    }

    public Task<Failure?> HandleAsync(HttpContext http, RequestRecord record)
    {
        if (Page.IsWanted(http)) return page(http, record);
        http.Response.Headers.Vary = "Accept, Cookie";
        http.Response.Headers.XContentTypeOptions = "nosniff";
        record.Publish("application/json", json);
        return Task.FromResult<Failure?>(null);
    }
}
