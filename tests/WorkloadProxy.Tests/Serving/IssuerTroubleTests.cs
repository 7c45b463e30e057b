using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Sandbox.Tokens;
using WorkloadProxy.Cli;

namespace WorkloadProxy.Tests.Serving;

/// <summary>Issuers that are down, slow, huge, redirecting or lying, and those that rotate their keys.</summary>
public sealed class IssuerTroubleTests
{
    public static TheoryData<string, string> Troubles => new()
    {
        { "down", "answered 500" },
        { "huge", "holds more than 524288 bytes" },
        { "redirecting", "redirects to another origin" },
        { "lying", "says another `issuer` than the token" },
        { "without keys", "has no list `keys`" },
        { "no JSON", "is not JSON" },
    };

    [Theory]
    [MemberData(nameof(Troubles))]
    public async Task An_issuer_in_trouble_is_401_and_the_audit_says_why(string trouble, string reason)
    {
        await using var proxy = await TestProxy.StartAsync();
        proxy.Sandbox.Issuer.Intercept = context => MisbehaveAsync(context, trouble, proxy.Sandbox.Issuer);

        var answer = await proxy.GetAsync("/v2/echo/a", proxy.IdentityToken());

        Assert.Equal(HttpStatusCode.Unauthorized, answer.Status);
        Assert.Equal("the token is not accepted: its issuer, audience or signing key is unknown or not trusted here", answer.Json.GetProperty("message")
            .GetString());
        Assert.Contains(reason, (await proxy.AuditOfAsync(answer)).GetProperty("reason").GetString());
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task A_slow_issuer_keeps_a_request_waiting_for_5_s_at_most()
    {
        await using var proxy = await TestProxy.StartAsync();
        proxy.Sandbox.Issuer.Intercept = async context =>
        {
            var gone = new TaskCompletionSource();
            await using var registration = context.RequestAborted.Register(gone.SetResult);
            await gone.Task;
            return true;
        };
        var begin = TimeProvider.System.GetTimestamp();

        var answer = await proxy.GetAsync("/v2/echo/a", proxy.IdentityToken());

        Assert.Equal(HttpStatusCode.Unauthorized, answer.Status);
        Assert.InRange(TimeProvider.System.GetElapsedTime(begin).TotalSeconds, 3, 60);
    }

    [Fact]
    public async Task A_new_key_is_found_at_once_and_what_the_withdrawn_one_signed_is_dropped()
    {
        await using var proxy = await TestProxy.StartAsync();
        var old = proxy.IdentityToken();
        Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync("/v2/echo/a", old)).Status);

        proxy.Sandbox.Issuer.Keys = [SigningKey.Ecdsa()];
        Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync("/v2/echo/a", proxy.IdentityToken())).Status);

        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.GetAsync("/v2/echo/a", old)).Status);
    }

    [Fact]
    public async Task Forged_key_ids_make_at_most_one_fetch_a_minute()
    {
        await using var proxy = await TestProxy.StartAsync();
        await proxy.GetAsync("/v2/echo/a", proxy.IdentityToken());
        var forger = SigningKey.Ecdsa();
        var claims = Examples.Job.With(new JsonObject
        {
            ["iss"] = proxy.Sandbox.Issuer.Issuer,
            ["aud"] = TestProxy.DigitalOcean.ToString(),
            ["exp"] = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() + 300,
        });

        for (var i = 0; i < 20; i++)
            Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.GetAsync("/v2/echo/a", TokenForge.Sign(forger.As("ES256", $"kid-{i}"), claims))).Status);

        Assert.InRange(proxy.Sandbox.Issuer.Requests.All.Count(request => request.Target == "/.well-known/jwks"), 1, 2);
    }

    [Fact]
    public async Task An_issuer_that_is_down_after_a_restart_is_still_known_by_its_last_keys()
    {
        await using var proxy = await TestProxy.StartAsync();
        await proxy.GetAsync("/v2/echo/a", proxy.IdentityToken());
        await proxy.StopServerAsync();
        proxy.Sandbox.Issuer.Intercept = context => MisbehaveAsync(context, "down", proxy.Sandbox.Issuer);

        await proxy.StartServerAsync();

        Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync("/v2/echo/a", proxy.IdentityToken())).Status);
    }

    [Fact]
    public async Task An_issuer_that_the_operator_did_not_list_is_never_asked_on_a_private_address()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var issuer = $"https://localhost:{((IPEndPoint)listener.LocalEndpoint).Port}";
        await using var proxy = await TestProxy.StartAsync(new Dictionary<string, string>(Examples.EverythingForOneJob)
        {
            ["roles/unlisted.hcl"] = $$"""
                role "unlisted" {
                  iss      = "{{issuer}}"
                  aud      = "api://DigitalOcean?actx={actx}"
                  sub      = "x"
                  policies = ["job"]
                }
                """,
        });

        var answer = await proxy.GetAsync("/v2/echo/a", proxy.IdentityToken(new JsonObject { ["iss"] = issuer }));

        Assert.Equal(HttpStatusCode.Unauthorized, answer.Status);
        Assert.Contains("`localhost` has no public address", (await proxy.AuditOfAsync(answer)).GetProperty("reason").GetString());
        Assert.False(listener.Pending());
    }

    private static async Task<bool> MisbehaveAsync(HttpContext context, string trouble, SandboxIssuer issuer)
    {
        var isKeys = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.EndsWith("/jwks", StringComparison.Ordinal);
        switch (trouble)
        {
            case "down":
                context.Response.StatusCode = 500;
                return true;
            case "huge":
                if (!isKeys) return false;
                for (var i = 0; i < 9; i++) await context.Response.Body.WriteAsync(new byte[64 * 1024], context.RequestAborted);
                return true;
            case "redirecting":
                context.Response.Redirect("http://127.0.0.1:9/keys");
                return true;
            case "lying":
                await context.Response.WriteAsync($$"""{"issuer":"https://other.example","jwks_uri":"{{issuer.Issuer}}/.well-known/jwks"}""");
                return true;
            case "without keys":
                if (!isKeys) return false;
                await context.Response.WriteAsync("""{"keys":{}}""");
                return true;
            default:
                await context.Response.WriteAsync("<html>");
                return true;
        }
    }
}
