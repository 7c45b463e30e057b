using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Sandbox;
using WorkloadProxy.Configuration;
using WorkloadProxy.Tests.Forwarding;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.RoleCredentials;

/// <summary>Two roles of one token, of which the second takes over when the first has ended.</summary>
public sealed class EndedRoleTests
{
    private const string Path = "/v2/echo/a", Body = """{"name":"a"}""";

    private const string Role = """
        role "NAME" {
          iss        = "ISSUER"
          aud        = "api://DigitalOcean?actx={actx}"
          sub        = "repo:org/repo:ref:refs/heads/main"
          policies   = ["job"]
          credential = { account = "NAME" }
          WHILE
        }

        """;

    [Fact]
    public async Task A_request_whose_body_comes_after_the_end_of_a_role_does_not_go_out_with_that_role_s_credential()
    {
        var time = new ShiftedTime();
        await using var proxy = await StartAsync(time, time.GetUtcNow() + TimeSpan.FromMinutes(2));
        var token = proxy.IdentityToken();
        await using var begun = await BegunRequest.SendHeadAsync(proxy, Path, token, Body.Length);

        time.Shift(TimeSpan.FromMinutes(3));

        Assert.StartsWith("HTTP/1.1 502 ", await begun.SendBodyAsync(Body));
        Assert.DoesNotContain(proxy.Sandbox.Requests.All, request => request.Target == Path);
        // the next one is the second role's from its beginning
        Assert.Equal(HttpStatusCode.OK, (await proxy.PostJsonAsync(Path, token, Body)).Status);
        Assert.Equal("Bearer token-of-b", Assert.Single(proxy.Sandbox.Requests.All, request => request.Target == Path).Header("Authorization"));
    }

    [Fact]
    public async Task Before_its_end_the_request_goes_out_with_it()
    {
        var time = new ShiftedTime();
        await using var proxy = await StartAsync(time, time.GetUtcNow() + TimeSpan.FromMinutes(2));
        await using var begun = await BegunRequest.SendHeadAsync(proxy, Path, proxy.IdentityToken(), Body.Length);

        Assert.StartsWith("HTTP/1.1 200 ", await begun.SendBodyAsync(Body));
        Assert.Equal("Bearer token-of-a", Assert.Single(proxy.Sandbox.Requests.All, request => request.Target == Path).Header("Authorization"));
    }

    private static Task<TestProxy> StartAsync(TimeProvider time, DateTimeOffset end) => TestProxy.StartAsync(
        new Dictionary<string, string>
        {
            ["policies/job.hcl"] = "path \"/v2/echo/*\" { capabilities = [\"create\"] }",
            ["roles/job.hcl"] = Role.Replace("NAME", "a").Replace("WHILE", $"expires = \"{end.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}\"") + Role.Replace("NAME", "b")
                .Replace("WHILE", $"when = now.unix >= {end.ToUnixTimeSeconds()}"),
        },
        (options, sandbox) =>
        {
            sandbox.Intercept = AnswerAsync;
            return options with { Credentials = [Entry(options, sandbox, "a"), Entry(options, sandbox, "b")] };
        },
        time);

    /// <summary>Of a kind whose requests may have to be sent again: their bodies are held.</summary>
    private static CredentialOptions Entry(ProxyOptions options, SandboxServer sandbox, string account) => new()
    {
        Context = TestProxy.DigitalOcean, Kind = CredentialKind.ClientCredentials, TokenAddress = new Uri(sandbox.Address, "/oauth2/token"), ClientId = account,
        File = options.Credentials[0].File,
        For = new Dictionary<string, string> { ["account"] = account },
    };

    private static async Task<bool> AnswerAsync(HttpContext context)
    {
        if (context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget != "/oauth2/token") await Results.Json(new { }).ExecuteAsync(context);
        else
            await Results.Json(new { access_token = $"token-of-{(await context.Request.ReadFormAsync())["client_id"]}", token_type = "bearer",
                expires_in = 3600 }).ExecuteAsync(context);
        return true;
    }
}
