using System.Buffers;
using System.Text.Json;
using WorkloadProxy.Configuration;
using WorkloadProxy.Endpoints;
using WorkloadProxy.Hcl;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;

namespace WorkloadProxy.Mcp;

/// <summary>
/// The documents by which OAuth clients find out where to get a token (RFC 9728). Only for servers with <c>Discovery</c>: a client that finds them ignores the
/// headers that it was configured with.
/// </summary>
internal static class McpDiscovery
{
    public const string AuthorizationServerPath = "/.well-known/oauth-authorization-server";
    private const string ResourcePath = "/.well-known/oauth-protected-resource";

    /// <summary>The endpoints; where a document is not served it is 404, and not 401, for whoever asks has no token yet.</summary>
    public static IEnumerable<(string Path, PublicEndpoint Endpoint)> Endpoints(ProxyOptions options,
        Func<HttpContext, RequestRecord, Task<Failure?>> authorizationServer)
    {
        var servers = options.Upstreams.Values.SelectMany(upstream =>
            upstream.Mcp.Select(server => (Path: $"{McpEndpoint.Prefix}{upstream.Name}/{server.Name}", server.Discovery))).ToList();
        yield return (AuthorizationServerPath, new("GET, HEAD", servers.Any(server => server.Discovery) ? authorizationServer : NotFound));
        yield return (ResourcePath, new("GET, HEAD", NotFound));
        foreach (var (path, discovery) in servers)
        {
            var document = discovery ? Document(options.PublicUrl, path) : null;
            yield return (ResourcePath + path, new("GET, HEAD", document is null ? NotFound : (http, record) => AnswerAsync(http, record, document)));
            // where some clients look first
            yield return (AuthorizationServerPath + path, new("GET, HEAD", NotFound));
        }
    }

    /// <summary>What the endpoint's 401 names; null without <c>Discovery</c>.</summary>
    public static string? MetadataOf(string publicUrl, McpServer server) => server.Options.Discovery ? $"{publicUrl}{ResourcePath}{server.Path}" : null;

    private static Task<Failure?> NotFound(HttpContext http, RequestRecord record) =>
        Task.FromResult<Failure?>(new Failure(ErrorId.NotFound, "this document is not served"));

    private static Task<Failure?> AnswerAsync(HttpContext http, RequestRecord record, byte[] document)
    {
        http.Response.Headers.CacheControl = "public, max-age=300";
        http.Response.Headers.AccessControlAllowOrigin = "*";
        record.Publish("application/json", document);
        return Task.FromResult<Failure?>(null);
    }

    private static byte[] Document(string publicUrl, string path)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(output, ReadableJson.Options))
        {
            json.WriteStartObject();
            json.WriteString("resource"u8, publicUrl + path);
            json.WriteStartArray("authorization_servers"u8);
            json.WriteStringValue(publicUrl);
            json.WriteEndArray();
            json.WriteStartArray("bearer_methods_supported"u8);
            json.WriteStringValue("header"u8);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return output.WrittenSpan.ToArray();
    }
}
