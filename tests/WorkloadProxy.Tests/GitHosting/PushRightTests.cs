using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using WorkloadProxy.Configuration;
using WorkloadProxy.Requests;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.GitHosting;

/// <summary>Who may push, where that is not known, and who it was.</summary>
public class PushRightTests
{
    private const string FetchRefs = "/info/refs?service=git-upload-pack";
    private const string PushRefs = "/info/refs?service=git-receive-pack";

    [Theory]
    [InlineData(503, true)]
    [InlineData(429, true)]
    [InlineData(404, true)]
    [InlineData(401, true)]
    [InlineData(200, true)]
    [InlineData(503, false)]
    [InlineData(404, false)]
    public async Task A_push_is_refused_while_the_scopes_of_the_callers_or_the_stored_token_are_unknown(int status, bool isOfCaller)
    {
        await using var test = await StartWithOAuthAsync();
        test.Proxy.Sandbox.Intercept = async context =>
        {
            if (!RawPath(context).StartsWith("/v1/oauth/token/info", StringComparison.Ordinal)) return false;
            var isCaller = !context.Request.Headers.Authorization.ToString().EndsWith(test.Tokens.TeamToken, StringComparison.Ordinal);
            if (isCaller == isOfCaller) context.Response.StatusCode = status;
            await context.Response.WriteAsync(isCaller == isOfCaller ? "{}" : """{"scopes":["read","write"]}""");
            return true;
        };

        var answer = await test.Proxy.GetAsync(PushRefs, test.Tokens.UserToken);

        Assert.Equal((HttpStatusCode.BadGateway, "upstream_unreachable"), (answer.Status, answer.ErrorId));
        Assert.Equal(HttpStatusCode.OK, (await test.Proxy.GetAsync(FetchRefs, test.Tokens.UserToken)).Status);
    }

    [Fact]
    public async Task A_push_is_refused_while_the_stored_credential_can_not_be_read()
    {
        await using var test = await StartWithOAuthAsync();
        test.Proxy.Sandbox.Intercept = async context =>
        {
            if (!RawPath(context).StartsWith("/v1/oauth/token/info", StringComparison.Ordinal)) return false;
            await context.Response.WriteAsync("""{"scopes":["read"]}""");
            return true;
        };
        await File.WriteAllTextAsync(test.Proxy.Options.Credentials[0].File!, "");

        var answer = await test.Proxy.GetAsync(PushRefs, test.Tokens.UserToken);

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "policy_unavailable"), (answer.Status, answer.ErrorId));
    }

    [Fact]
    public async Task Of_a_burst_of_guesses_ten_are_asked_of_the_upstream()
    {
        await using var test = await HostedTest.StartAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 60).Select(i => test.Proxy.GetAsync(FetchRefs, $"guess{i}")));

        Assert.Equal(10, test.Proxy.Sandbox.Requests.All.Count);
        Assert.Equal(10, answers.Count(answer => answer.Status == HttpStatusCode.Unauthorized));
        Assert.Equal(50, answers.Count(answer => answer.Status == HttpStatusCode.TooManyRequests));
    }

    [Fact]
    public async Task A_burst_of_good_requests_from_one_address_gets_through()
    {
        await using var test = await HostedTest.StartAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 60).Select(_ => test.Proxy.GetAsync(FetchRefs, test.Tokens.UserToken)));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
    }

    [Fact]
    public async Task The_audit_names_the_account_that_pushed_and_the_tokens_hash()
    {
        await using var test = await HostedTest.StartAsync();
        var commit = await test.CommitPolicyAsync();

        Assert.True((await test.PushAsync()).Succeeded);

        var line = await test.AuditedAsync(line => line.TryGetProperty("reason", out var reason) && reason.GetString() == $"pushed {commit}");
        Assert.Equal("sammy@example.com", line.GetProperty("account").GetProperty("email").GetString());
        Assert.Equal("b6fr89dbf6d9156cace5f3c78dc9851d957381ef", line.GetProperty("account").GetProperty("uuid").GetString());
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(test.Tokens.UserToken))), line.GetProperty("credential_sha256")
            .GetString());
        Assert.DoesNotContain(test.Tokens.UserToken, line.GetRawText());
    }

    [Fact]
    public async Task A_token_that_is_revoked_during_its_push_puts_nothing_in_force()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync(policy: "path \"/_rbac/DigitalOcean/{actx}\" {\n  capabilities = [\"read\", \"update\"]\n}\n");
        Assert.True((await test.PushAsync()).Succeeded);
        var before = await test.Git.RunAsync("rev-parse", "HEAD");
        var after = await test.CommitPolicyAsync();
        var token = test.Proxy.IdentityToken();
        var pack = await PackAsync(test, before, after);
        var line = $"{before} {after} refs/heads/main\0report-status";
        byte[] body = [.. Encoding.ASCII.GetBytes($"{line.Length + 4:x4}{line}0000"), .. pack];
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, test.Proxy.Address.Port, TestContext.Current.CancellationToken);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"POST /_rbac/DigitalOcean/{TestProxy.Team}/git-receive-pack HTTP/1.1\r\nHost: x\r\nConnection: "
            + $"close\r\nAuthorization: Bearer {token}\r\n"
            + $"Content-Type: application/x-git-receive-pack-request\r\nContent-Length: {body.Length}\r\nExpect: 100-continue\r\n\r\n"),
            TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream, Encoding.Latin1);
        // it was authorized: the server asks for the body
        Assert.Equal("HTTP/1.1 100 Continue", await reader.ReadLineAsync(TestContext.Current.CancellationToken));
        await test.Proxy.SendAsync(HttpMethod.Post, "/v1/oidc/revoke", null, new FormUrlEncodedContent([new("token", token)]));

        await stream.WriteAsync(body, TestContext.Current.CancellationToken);
        var answer = await reader.ReadToEndAsync(TestContext.Current.CancellationToken);

        Assert.Contains("ng refs/heads/main", answer);
        Assert.Equal(before, (await test.Git.RunAsync("ls-remote", test.Url(), "refs/heads/main")).Split('\t')[0]);
        var audited = await test.AuditedAsync(entry => entry.TryGetProperty("reason", out var reason)
            && reason.GetString()!.StartsWith("push refused: the right to push is gone", StringComparison.Ordinal));
        Assert.Equal("deny", audited.GetProperty("decision").GetString());
    }

    private static async Task<byte[]> PackAsync(HostedTest test, string before, string after)
    {
        var name = Path.Combine(test.Git.Home, "late");
        var packed = await test.Git.RunInAsync(test.Git.WorkTree, Encoding.ASCII.GetBytes($"{after}\n^{before}\n"), "pack-objects", "--revs", "-q", name);
        Assert.True(packed.Succeeded, packed.Errors);
        return await File.ReadAllBytesAsync(Directory.GetFiles(test.Git.Home, "late-*.pack").Single());
    }

    private static Task<HostedTest> StartWithOAuthAsync() => HostedTest.StartAsync(configure: (options, sandbox) => options with
    {
        Upstreams = new Dictionary<string, UpstreamOptions>
            { ["DigitalOcean"] = options.Upstreams["DigitalOcean"] with
                { OAuth = new OAuthOptions(new Uri(sandbox.Address, "v1/oauth"), "id", null, null, []) } },
    });

    private static string RawPath(HttpContext context) => context.Features.Get<IHttpRequestFeature>()!.RawTarget;
}
