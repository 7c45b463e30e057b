using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using WorkloadProxy.Requests;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Forwarding;

/// <summary>What a token may is asked once the inspected body is here, not only when its head was.</summary>
public sealed class LastLookTests
{
    private const string Constrained = """
        path "/v2/echo/a" {
          capabilities       = ["create"]
          allowed_parameters = { "name" = "a" }
        }
        path "/v1/oidc/issue" {
          capabilities       = ["create"]
          allowed_parameters = { "aud" = "api://DigitalOcean?actx={actx}", "sub" = "actx:{actx}:role:job", "ttl" = any() }
        }
        """;

    private const string Exchange = $$"""{"aud":"api://DigitalOcean?actx={{TestProxy.Team}}","sub":"actx:{{TestProxy.Team}}:role:job","ttl":60}""";

    [Theory]
    [InlineData("/v2/echo/a", """{"name":"a"}""")]
    [InlineData("/v1/oidc/issue", Exchange)]
    public async Task A_token_that_is_revoked_while_its_body_comes_neither_acts_nor_mints(string path, string body)
    {
        await using var proxy = await TestProxy.StartAsync(Examples.ForOneJob(Constrained));
        var token = proxy.IdentityToken();
        await using var begun = await BegunRequest.SendHeadAsync(proxy, path, token, body.Length);

        await proxy.SendAsync(HttpMethod.Post, "/v1/oidc/revoke", null, new FormUrlEncodedContent([new("token", token)]));

        Assert.StartsWith("HTTP/1.1 401 ", await begun.SendBodyAsync(body));
        Assert.DoesNotContain(proxy.Sandbox.Requests.All, request => request.Target == path);
    }

    [Theory]
    [InlineData("/v2/echo/a", """{"name":"a"}""")]
    [InlineData("/v1/oidc/issue", Exchange)]
    public async Task A_token_that_expires_while_its_body_comes_neither_acts_nor_mints(string path, string body)
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var proxy = await TestProxy.StartAsync(Examples.ForOneJob(Constrained), time: time);
        var job = Examples.Job;
        // within the 60 s that clocks may differ by, and beyond them before the body's time is over
        job["exp"] = time.GetUtcNow().ToUnixTimeSeconds() - 45;
        await using var begun = await BegunRequest.SendHeadAsync(proxy, path, proxy.IdentityToken(job), body.Length);

        time.Advance(TimeSpan.FromSeconds(20));

        Assert.StartsWith("HTTP/1.1 401 ", await begun.SendBodyAsync(body));
        Assert.DoesNotContain(proxy.Sandbox.Requests.All, request => request.Target == path);
    }

    [Theory]
    [InlineData("/v2/echo/a", """{"name":"a"}""")]
    [InlineData("/v1/oidc/issue", Exchange)]
    public async Task A_policy_that_goes_while_a_body_comes_permits_nothing_any_more(string path, string body)
    {
        await using var proxy = await TestProxy.StartAsync(Examples.ForOneJob(Constrained));
        var token = proxy.IdentityToken();
        await using var begun = await BegunRequest.SendHeadAsync(proxy, path, token, body.Length);

        proxy.WritePolicy("policies/job.hcl", "path \"/v2/gone\" {\n  capabilities = [\"read\"]\n}\n");
        while ((await proxy.PostJsonAsync("/v2/echo/a", token, """{"name":"a"}""")).Status != HttpStatusCode.Forbidden) await Task.Yield();
        var before = proxy.Sandbox.Requests.All.Count;

        Assert.StartsWith("HTTP/1.1 403 ", await begun.SendBodyAsync(body));
        Assert.Equal(before, proxy.Sandbox.Requests.All.Count);
    }

    [Fact]
    public async Task A_body_that_somebody_waits_for_has_thirty_seconds()
    {
        var time = new FakeTimeProvider();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using var web = builder.Build();
        web.Run(async http => await ErrorResponse.From((await BodyReader.ReadAsync(http, time)).Failure!).WriteAsync(http, "id"));
        await web.StartAsync();
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, new Uri(web.Urls.Single()).Port);
        await client.GetStream().WriteAsync("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 7\r\n\r\n1"u8.ToArray());
        var buffer = new byte[4096];

        var answer = client.GetStream().ReadAsync(buffer).AsTask();
        while (!answer.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(31));
            await Task.WhenAny(answer, Task.Delay(10));
        }

        var text = Encoding.Latin1.GetString(buffer, 0, await answer);
        Assert.StartsWith("HTTP/1.1 400 ", text);
        Assert.Contains("the request's body did not come within 30 s", text);
    }
}
