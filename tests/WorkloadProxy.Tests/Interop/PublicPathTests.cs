using System.Net;
using System.Text.Json.Nodes;
using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Policies;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Interop;

/// <summary>Paths that the operator lets anyone read.</summary>
public sealed class PublicPathTests : IAsyncLifetime
{
    private const string Terraform =
        """{"modules.v1":"/opendepot/modules/v1/","login.v1":{"client":"opendepot","authz":"https://dex.example.com/dex/auth","token":"https://dex.example.com/dex/token","ports":[10000,10010]}}""";

    private static readonly Dictionary<string, string> Roles = new()
    {
        ["roles/people.hcl"] = "role \"people\" {\n  iss = \"ISSUER\"\n  aud = \"opendepot\"\n  groups = \"acme\"\n  policies = [\"all\"]\n}\n",
        ["policies/all.hcl"] = "path \"/anything/*\" {\n  capabilities = [\"read\", \"create\"]\n}\n",
    };

    private readonly TemporaryDirectory folder = new();
    private TestProxy proxy = null!;

    public async ValueTask InitializeAsync()
    {
        folder.Write("document.json", """{"a":1}""");
        proxy = await InteropProxy.StartAsync(Roles, (options, _) => options with
        {
            Audiences = [new("opendepot", InteropProxy.Registry)],
            Public =
            [
                new(Pattern("/.well-known/terraform.json")) { Document = System.Text.Encoding.UTF8.GetBytes(Terraform) },
                new(Pattern("/documents/a.json")) { File = Path.Combine(folder.Path, "document.json") },
                new(Pattern("/anything/public/download/*")) { Upstream = "OpenDepot" },
                new(Pattern("/api/v3/anything/*")) { Upstream = "OpenDepot" },
            ],
        }, upstream => upstream with { StripPrefix = "/api/v3" });
    }

    public async ValueTask DisposeAsync()
    {
        await proxy.DisposeAsync();
        folder.Dispose();
    }

    [Fact]
    public async Task A_document_is_for_anyone_and_audited_as_public()
    {
        var answer = await proxy.GetAsync("/.well-known/terraform.json", null);
        Assert.Equal((HttpStatusCode.OK, Terraform), (answer.Status, answer.Body));
        Assert.Equal("application/json", answer.Headers["Content-Type"]);
        Assert.Contains("max-age=300", answer.Headers["Cache-Control"]);
        Assert.Equal("public", (await proxy.AuditOfAsync(answer)).GetProperty("decision").GetString());
        Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync("/.well-known/terraform.json?x=1", "garbage")).Status);
        var head = await proxy.SendAsync(HttpMethod.Head, "/.well-known/terraform.json", null);
        Assert.Equal((HttpStatusCode.OK, ""), (head.Status, head.Body));
        var post = await proxy.PostJsonAsync("/.well-known/terraform.json", null, "{}");
        Assert.Equal((HttpStatusCode.MethodNotAllowed, "GET, HEAD"), (post.Status, post.Headers["Allow"]));
        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.GetAsync("/.well-known/TERRAFORM.json", null)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.GetAsync("/.well-known/terraform.json/", null)).Status);
        Assert.StartsWith("HTTP/1.1 400 ", await proxy.SendRawGetAsync("/.well-known/x/../terraform.json", null));
    }

    [Fact]
    public async Task A_file_is_answered()
    {
        Assert.Equal("""{"a":1}""", (await proxy.GetAsync("/documents/a.json", null)).Body);
    }

    [Fact]
    public async Task A_public_path_of_an_upstream_takes_nothing_of_the_caller_s_along_and_puts_nothing_in()
    {
        var token = proxy.Token(new JsonObject { ["aud"] = "opendepot", ["sub"] = "u1", ["groups"] = new JsonArray("acme") });
        var answer = await proxy.SendAsync(HttpMethod.Get, "/anything/public/download/p.zip?q=1", token, with: request => request.Headers.Add("Cookie", "a=b"));
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        var received = Assert.Single(proxy.Sandbox.Requests.All, request => request.Target == "/anything/public/download/p.zip?q=1");
        Assert.Null(received.Header("Authorization"));
        Assert.Null(received.Header("Cookie"));
        var line = await proxy.AuditOfAsync(answer);
        Assert.Equal(("public", "OpenDepot"), (line.GetProperty("decision").GetString(), line.GetProperty("upstream").GetString()));
        Assert.False(line.TryGetProperty("sub", out _));
    }

    [Fact]
    public async Task The_upstream_s_prefix_is_cut_off_as_for_requests_with_a_token()
    {
        var answer = await proxy.GetAsync("/api/v3/anything/a?q=1", null);
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal("/anything/a?q=1", proxy.Sandbox.Requests.All[^1].Target);
        Assert.Equal("/anything/a", (await proxy.AuditOfAsync(answer)).GetProperty("path").GetString());
    }

    [Fact]
    public async Task Other_methods_bodies_and_spellings_need_a_token()
    {
        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.PostJsonAsync("/anything/public/download/p.zip", null, "{}")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.GetAsync("/anything/public/other", null)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.GetAsync("/Anything/public/download/x", null)).Status);
        Assert.StartsWith("HTTP/1.1 400 ", await proxy.SendRawGetAsync("/anything/public/download/..%2fsecret", null));
        Assert.StartsWith("HTTP/1.1 400 ", await proxy.SendRawGetAsync("/anything/public/download/x%2Fy", null));
        Assert.StartsWith("HTTP/1.1 400 ",
            await proxy.SendRawAsync("GET /anything/public/download/x HTTP/1.1\r\nHost: proxy.test\r\nConnection: close\r\nContent-Length: 1\r\n\r\na"));
        var token = proxy.Token(new JsonObject { ["aud"] = "opendepot", ["sub"] = "u1", ["groups"] = new JsonArray("acme") });
        Assert.Equal(HttpStatusCode.OK, (await proxy.PostJsonAsync("/anything/public/download/p.zip", token, "{}")).Status);
    }

    [Fact]
    public async Task An_upgrade_is_none_there()
    {
        var answer = await proxy.SendRawAsync("GET /anything/public/download/ws HTTP/1.1\r\nHost: proxy.test\r\nConnection: Upgrade, close\r\nUpgrade: "
            + "websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 ", answer);
        Assert.Null(Assert.Single(proxy.Sandbox.Requests.All, request => request.Target == "/anything/public/download/ws").Header("Upgrade"));
    }

    private static PublicPattern Pattern(string text) =>
        PublicPattern.TryParse(text, out var pattern, out var error) ? pattern : throw new InvalidOperationException(error);
}
