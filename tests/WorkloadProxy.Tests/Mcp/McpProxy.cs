using System.Net.Http.Headers;
using System.Net;
using System.Text;
using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Mcp;

/// <summary>The whole proxy before the sandbox's MCP server, and requests to it as they go on the wire.</summary>
internal static class McpProxy
{
    public const string Path = "/_mcp/DigitalOcean/droplets";
    public const string Modern = "2026-07-28", Legacy = "2025-11-25";

    public const string Policy = """
        mcp "droplets" {
          tool "droplet-list" {}
          tool "droplet-create" { allowed_parameters = { "Name" = "agent-*", "Size" = optional("s-*") } }
          tool "*-delete" { deny = true }
          resource "do://droplets/*" {}
          prompt "triage" { allowed_parameters = { "id" = any() } }
          method "com.example/ping" {}
        }
        """;

    /// <summary>Another workload with the same rules.</summary>
    private const string OtherRole = """
        role "other" {
          iss      = "ISSUER"
          aud      = "api://DigitalOcean?actx={actx}"
          sub      = "repo:org/repo:ref:refs/heads/other"
          policies = ["job"]
        }
        """;

    public static Task<TestProxy> StartAsync(string policy = Policy, Func<McpServerOptions, McpServerOptions>? configure = null, TimeProvider? time = null,
        Func<ProxyOptions, ProxyOptions>? with = null) =>
        TestProxy.StartAsync(new Dictionary<string, string>(Examples.ForOneJob(policy)) { ["gha-roles/other.hcl"] = OtherRole }, (options, sandbox) =>
        {
            var server = new McpServerOptions { Name = "droplets", Address = new Uri(sandbox.Address, "/mcp") };
            options = options with
            {
                Upstreams = new Dictionary<string, UpstreamOptions>
                {
                    ["DigitalOcean"] = options.Upstreams["DigitalOcean"] with { Mcp = [configure?.Invoke(server) ?? server, server with { Name = "second" }] },
                    ["Notes"] = new() { Name = "Notes", Kind = UpstreamKind.Mcp, Mcp = [server with { Name = "notes" }] },
                },
            };
            return with?.Invoke(options) ?? options;
        }, time);

    /// <summary>A message as a client of the newest revision sends it.</summary>
    public static Task<Answer> CallAsync(this TestProxy proxy, string method, string parameters = "{}", string? name = null, string id = "7",
        string? token = null, Action<HttpRequestMessage>? with = null)
    {
        var inner = parameters.Trim()[1..^1].Trim();
        const string Meta = """{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{}},"io.modelcontextprotocol/clientInfo":{"name":"test","version":"1"}}""";
        var body = $$"""{"jsonrpc":"2.0","id":{{id}},"method":"{{method}}","params":{"_meta":{{Meta}}{{(inner.Length > 0 ? "," + inner : "")}} } }""";
        return proxy.PostAsync(body, Modern, token, request =>
        {
            request.Headers.TryAddWithoutValidation("Mcp-Method", method);
            if (name is not null) request.Headers.TryAddWithoutValidation("Mcp-Name", name);
            with?.Invoke(request);
        });
    }

    public static Task<Answer> PostAsync(this TestProxy proxy, string body, string? version = Legacy, string? token = null,
        Action<HttpRequestMessage>? with = null)
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.ContentType = MediaTypeHeaderValue.Parse("application/json");
        return proxy.SendAsync(HttpMethod.Post, Path, token ?? proxy.IdentityToken(), content, request =>
        {
            request.Headers.Accept.ParseAdd("application/json");
            request.Headers.Accept.ParseAdd("text/event-stream");
            if (version is not null) request.Headers.TryAddWithoutValidation("MCP-Protocol-Version", version);
            with?.Invoke(request);
        });
    }

    /// <summary>The one JSON-RPC message of an answer, whether it came as JSON or as an event.</summary>
    public static System.Text.Json.JsonElement Message(this Answer answer)
    {
        var body = answer.Body;
        if (answer.Headers.GetValueOrDefault("Content-Type")?.StartsWith("text/event-stream", StringComparison.Ordinal) == true)
            body = body.Split('\n').Last(line => line.StartsWith("data: {", StringComparison.Ordinal))["data: ".Length..];
        return System.Text.Json.JsonDocument.Parse(body).RootElement;
    }

    public static int Code(this Answer answer) => answer.Message().GetProperty("error").GetProperty("code").GetInt32();
}
