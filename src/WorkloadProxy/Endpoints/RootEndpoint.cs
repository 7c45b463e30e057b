using System.Buffers;
using System.Net;
using System.Text;
using System.Text.Json;
using WorkloadProxy.Audit;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Endpoints;

/// <summary><c>GET /</c>: a page that says what this is for a browser, short JSON for anything else.</summary>
internal sealed class RootEndpoint
{
    private readonly byte[] page;
    private readonly byte[] json;

    public RootEndpoint(string publicUrl, string version)
    {
        var url = WebUtility.HtmlEncode(publicUrl);
        page = Encoding.UTF8.GetBytes($$"""
            <!doctype html>
            <html lang="en">
            <head>
              <meta charset="utf-8">
              <meta name="viewport" content="width=device-width, initial-scale=1">
              <title>WorkloadProxy</title>
              <style>
                :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
                body { max-width: 44rem; margin: 3rem auto; padding: 0 1rem; }
                pre { overflow-x: auto; padding: .75rem 1rem; border: 1px solid #8885; border-radius: .5rem; }
              </style>
            </head>
            <body>
              <h1>WorkloadProxy</h1>
              <p>A workload shows a short-lived OIDC token here instead of a long-lived API key. The proxy matches it against roles, exchanges it for a scoped
              token that lives minutes, and forwards only what the policies permit, with the real credential put in on the way.</p>
              <h2>Use it</h2>
              <pre>curl -sf -H "Authorization: Bearer ${ID_TOKEN}" \
              -d '{"aud": "api://DigitalOcean?actx=TEAM", "sub": "actx:TEAM:role:NAME", "ttl": 300}' \
              {{url}}/v1/oidc/issue | jq -r .token</pre>
              <ul>
                <li><a href="{{url}}/.well-known/openid-configuration">OpenID configuration</a> of this issuer</li>
                <li><a href="{{url}}/health/ready">Readiness</a></li>
              </ul>
            </body>
            </html>
            """);
        json = Description(publicUrl, version);
    }

    /// <summary>Written by hand: a serializer for one object at start costs milliseconds, and memory for good.</summary>
    private static byte[] Description(string publicUrl, string version)
    {
        var output = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(output);
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

    public async Task<Failure?> HandleAsync(HttpContext http, AuditRecord record)
    {
        var isBrowser = http.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase);
        http.Response.Headers.Vary = "Accept";
        http.Response.Headers.XContentTypeOptions = "nosniff";
        http.Response.Headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
        await PublicResponse.WriteAsync(http, record, isBrowser ? "text/html; charset=utf-8" : "application/json", isBrowser ? page : json);
        return null;
    }
}
