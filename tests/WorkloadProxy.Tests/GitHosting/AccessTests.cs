using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using WorkloadProxy.Authentication;
using WorkloadProxy.Configuration;
using WorkloadProxy.Hcl;
using WorkloadProxy.PolicyDelivery.Hosted;
using WorkloadProxy.Requests;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.GitHosting;

public class AccessTests
{
    private const string OtherTeam = "00000000-7dec-11d0-a765-00a0c91e6bf6";
    private const string FetchRefs = "/info/refs?service=git-upload-pack";
    private const string PushRefs = "/info/refs?service=git-receive-pack";

    [Theory]
    [InlineData("")]
    [InlineData("/_rbac/DigitalOcean/" + TestProxy.Team)]
    [InlineData("/_rbac/DigitalOcean/" + TestProxy.Team + ".git")]
    [InlineData("/_rbac/Nowhere/nobody")]
    public async Task Without_a_credential_git_is_told_to_ask_for_one(string path)
    {
        await using var test = await HostedTest.StartAsync();

        var answer = await test.Proxy.GetAsync(path + FetchRefs, null);

        Assert.Equal(HttpStatusCode.Unauthorized, answer.Status);
        Assert.StartsWith("Basic realm=\"workload-proxy\", charset=\"UTF-8\", Bearer error=\"invalid_token\"", answer.Headers["WWW-Authenticate"]);
        Assert.Equal("invalid_token", answer.ErrorId);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/_rbac/DigitalOcean/" + TestProxy.Team)]
    [InlineData("/_rbac/DigitalOcean/" + TestProxy.Team + ".git")]
    public async Task A_teams_token_fetches_and_pushes(string path)
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();

        var push = await test.PushAsync(path: test.Root + path);

        Assert.True(push.Succeeded, push.Errors);
        Assert.Contains("refs/heads/main", await test.Git.RunAsync("ls-remote", test.Url(path: test.Root + path)));
    }

    [Fact]
    public async Task A_token_that_may_only_read_fetches_and_does_not_push()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();

        Assert.True((await test.Git.TryAsync("ls-remote", test.Url(test.Tokens.ReadOnlyToken))).Succeeded);
        var push = await test.PushAsync(test.Tokens.ReadOnlyToken);

        Assert.False(push.Succeeded);
        Assert.Contains("403", push.Errors);
        var answer = await test.Proxy.GetAsync(PushRefs, test.Tokens.ReadOnlyToken);
        Assert.Equal((HttpStatusCode.Forbidden, "forbidden"), (answer.Status, answer.ErrorId));
        Assert.Contains("the API token may read only", answer.Body);
    }

    [Fact]
    public async Task A_read_only_token_that_posts_a_push_without_asking_first_is_refused()
    {
        await using var test = await HostedTest.StartAsync();
        var content = new ByteArrayContent("0000"u8.ToArray());
        content.Headers.ContentType = new("application/x-git-receive-pack-request");

        var answer = await test.Proxy.SendAsync(HttpMethod.Post, "/git-receive-pack", test.Tokens.ReadOnlyToken, content);

        Assert.Equal(HttpStatusCode.Forbidden, answer.Status);
    }

    [Theory]
    [InlineData(TestProxy.Team)]
    [InlineData(OtherTeam)]
    public async Task Another_teams_repository_is_not_there(string team)
    {
        await using var test = await HostedTest.StartAsync(configure: (options, _) => options with
        {
            Policies = [.. options.Policies, new PolicySourceOptions(new("DigitalOcean", "a-third-team"), Hosted: new HostedGitOptions())],
        });
        AsTeam(test, team == TestProxy.Team ? OtherTeam : TestProxy.Team);
        foreach (var id in new[] { team, "a-third-team", "no-team-at-all" })
        {
            var answer = await test.Proxy.GetAsync($"/_rbac/DigitalOcean/{id}{FetchRefs}", test.Tokens.UserToken);
            Assert.Equal((HttpStatusCode.NotFound, "there is no such repository"), (answer.Status, answer.Json.GetProperty("message").GetString()));
        }
    }

    [Fact]
    public async Task A_team_without_a_hosted_repository_gets_none_at_the_root()
    {
        await using var test = await HostedTest.StartAsync();
        AsTeam(test, OtherTeam);

        Assert.Equal(HttpStatusCode.NotFound, (await test.Proxy.GetAsync(FetchRefs, test.Tokens.UserToken)).Status);
    }

    [Fact]
    public async Task A_wrong_token_is_refused_and_the_tenth_is_the_last_in_a_minute()
    {
        await using var test = await HostedTest.StartAsync();
        for (var i = 0; i < 10; i++) Assert.Equal(HttpStatusCode.Unauthorized, (await test.Proxy.GetAsync(FetchRefs, $"wrong{i}")).Status);

        var answer = await test.Proxy.GetAsync(FetchRefs, test.Tokens.UserToken);

        Assert.Equal((HttpStatusCode.TooManyRequests, "too_many_requests"), (answer.Status, answer.ErrorId));
        Assert.InRange(int.Parse(answer.Headers["Retry-After"]), 1, 60);
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.Proxy.GetAsync(FetchRefs, null)).Status);
    }

    [Fact]
    public async Task Answers_about_a_token_are_kept_for_a_minute_also_negative_ones()
    {
        await using var test = await HostedTest.StartAsync();
        for (var i = 0; i < 5; i++)
        {
            await test.Proxy.GetAsync(PushRefs, test.Tokens.UserToken);
            await test.Proxy.GetAsync(FetchRefs, "wrong");
        }

        Assert.Equal(["GET /v2/account", "POST /v2/droplets", "GET /v2/account"],
            test.Proxy.Sandbox.Requests.All.Select(request => $"{request.Method} {request.Target}"));
    }

    [Fact]
    public async Task An_upstream_that_does_not_answer_is_no_refusal_of_the_token()
    {
        await using var test = await HostedTest.StartAsync();
        test.Proxy.Sandbox.Intercept = context =>
        {
            context.Response.StatusCode = 503;
            return Task.FromResult(true);
        };
        var answer = await test.Proxy.GetAsync(FetchRefs, test.Tokens.UserToken);
        Assert.Equal((HttpStatusCode.BadGateway, "upstream_unreachable"), (answer.Status, answer.ErrorId));

        test.Proxy.Sandbox.Intercept = null;
        Assert.Equal(HttpStatusCode.OK, (await test.Proxy.GetAsync(FetchRefs, test.Tokens.UserToken)).Status);
    }

    [Fact]
    public async Task The_tokens_scopes_must_cover_the_stored_credentials()
    {
        await using var test = await HostedTest.StartAsync(configure: (options, sandbox) => options with
        {
            Upstreams = new Dictionary<string, UpstreamOptions>
                { ["DigitalOcean"] = options.Upstreams["DigitalOcean"] with
                    { OAuth = new OAuthOptions(new Uri(sandbox.Address, "v1/oauth"), "id", null, null, []) } },
        });
        test.Proxy.Sandbox.Intercept = async context =>
        {
            if (!RawPath(context).StartsWith("/v1/oauth/token/info", StringComparison.Ordinal)) return false;
            var isTeam = context.Request.Headers.Authorization.ToString().EndsWith(test.Tokens.TeamToken, StringComparison.Ordinal);
            await context.Response.WriteAsync(isTeam ? """{"scopes":["read","write"]}""" : """{"scopes":["read","droplet:create"]}""");
            return true;
        };

        var answer = await test.Proxy.GetAsync(PushRefs, test.Tokens.UserToken);

        Assert.Equal(HttpStatusCode.Forbidden, answer.Status);
        Assert.Contains("the API token has fewer scopes than the credential that the policy is for", answer.Body);
        Assert.Equal(HttpStatusCode.OK, (await test.Proxy.GetAsync(PushRefs, test.Tokens.TeamToken)).Status);
        Assert.Equal(HttpStatusCode.OK, (await test.Proxy.GetAsync(FetchRefs, test.Tokens.UserToken)).Status);
    }

    [Theory]
    [InlineData("[\"read\"]", HttpStatusCode.OK, HttpStatusCode.Forbidden)]
    [InlineData("[\"update\"]", HttpStatusCode.Forbidden, HttpStatusCode.OK)]
    [InlineData("[\"create\", \"delete\"]", HttpStatusCode.Forbidden, HttpStatusCode.Forbidden)]
    [InlineData("[\"read\", \"update\", \"deny\"]", HttpStatusCode.Forbidden, HttpStatusCode.Forbidden)]
    public async Task A_jobs_token_fetches_with_read_and_pushes_with_update(string capabilities, HttpStatusCode fetch, HttpStatusCode push)
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync(policy: $"path \"/_rbac/DigitalOcean/{{actx}}\" {{\n  capabilities = {capabilities}\n}}\n");
        Assert.True((await test.PushAsync()).Succeeded);
        var path = $"/_rbac/DigitalOcean/{TestProxy.Team}";

        foreach (var suffix in new[] { "", ".git" })
        {
            Assert.Equal(fetch, (await test.Proxy.GetAsync(path + suffix + FetchRefs, test.Proxy.IdentityToken())).Status);
            Assert.Equal(push, (await test.Proxy.GetAsync(path + suffix + PushRefs, test.Proxy.IdentityToken())).Status);
        }
    }

    [Fact]
    public async Task A_job_pushes_with_its_token_as_the_password()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync(policy: "path \"/_rbac/DigitalOcean/{actx}\" {\n  capabilities = [\"read\", \"update\"]\n}\n");
        Assert.True((await test.PushAsync()).Succeeded);
        test.Write("README.md", "by a job");
        var commit = await test.Git.CommitAsync();

        var push = await test.PushAsync(test.Proxy.IdentityToken(), path: test.Scoped);

        Assert.True(push.Succeeded, push.Errors);
        var line = await test.AuditedAsync(line => line.TryGetProperty("reason", out var reason) && reason.GetString() == $"pushed {commit}");
        Assert.Equal("repo:org/repo:ref:refs/heads/main", line.GetProperty("sub").GetString());
    }

    [Fact]
    public async Task A_wildcard_permits_no_repository()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync(policy: "path \"/*\" {\n  capabilities = [\"read\", \"update\"]\n}\n");
        Assert.True((await test.PushAsync()).Succeeded);

        Assert.Equal(HttpStatusCode.Forbidden, (await test.Proxy.GetAsync($"/_rbac/DigitalOcean/{TestProxy.Team}{FetchRefs}", test.Proxy.IdentityToken()))
            .Status);
    }

    [Fact]
    public async Task A_jobs_token_of_another_audience_is_refused()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();
        Assert.True((await test.PushAsync()).Succeeded);
        var token = test.Proxy.Sandbox.Issuer.Token("https://github.com/org");

        var fetch = await test.Git.TryAsync("ls-remote", test.Url(token, test.Scoped));

        Assert.False(fetch.Succeeded);
        Assert.Contains("Authentication failed", fetch.Errors);
    }

    [Fact]
    public async Task A_jobs_token_of_another_context_finds_nothing()
    {
        await using var test = await HostedTest.StartAsync(configure: (options, _) => options with
        {
            Policies = [.. options.Policies, new PolicySourceOptions(new("DigitalOcean", OtherTeam), Hosted: new HostedGitOptions())],
        });
        await test.CommitPolicyAsync(policy: "path \"/_rbac/DigitalOcean/*\" {\n  capabilities = [\"read\", \"update\"]\n}\n");
        Assert.True((await test.PushAsync()).Succeeded);

        foreach (var id in new[] { OtherTeam, "not-there" })
            Assert.Equal(HttpStatusCode.NotFound, (await test.Proxy.GetAsync($"/_rbac/DigitalOcean/{id}{FetchRefs}", test.Proxy.IdentityToken())).Status);
    }

    [Fact]
    public async Task A_jobs_token_is_not_taken_at_the_root()
    {
        await using var test = await HostedTest.StartAsync();

        Assert.Equal(HttpStatusCode.Unauthorized, (await test.Proxy.GetAsync(FetchRefs, test.Proxy.IdentityToken())).Status);
    }

    [Fact]
    public async Task An_api_token_is_asked_of_no_upstream_of_another_kind()
    {
        await using var test = await HostedTest.StartAsync(configure: (options, sandbox) => options with
        {
            Upstreams = new Dictionary<string, UpstreamOptions>(options.Upstreams)
                { ["GitHub"] = new() { Name = "GitHub", Kind = UpstreamKind.Http, Address = sandbox.Address } },
            Policies = [.. options.Policies, new PolicySourceOptions(new("GitHub", TestProxy.Team), Hosted: new HostedGitOptions())],
        });

        var answer = await test.Proxy.GetAsync($"/_rbac/GitHub/{TestProxy.Team}{FetchRefs}", test.Tokens.UserToken);

        Assert.Equal(HttpStatusCode.Unauthorized, answer.Status);
        Assert.Empty(test.Proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task Refusals_are_audited_without_a_secret()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync(policy: "path \"/x\" {");
        await test.PushAsync();
        await test.PushAsync("wrong-token");
        await test.PushAsync(test.Tokens.ReadOnlyToken);

        var lines = await test.Proxy.AuditAsync(7);

        Assert.Contains(lines, line => line.GetProperty("decision").GetString() == "deny" && line.GetProperty("reason").GetString() == "push refused: 1 error"
            && line.GetProperty("context").GetString() == TestProxy.DigitalOcean.ToString());
        Assert.Contains(lines, line => line.TryGetProperty("error", out var error) && error.GetString() == "forbidden");
        var text = await File.ReadAllTextAsync(test.Proxy.AuditFile);
        foreach (var secret in new[] { test.Tokens.UserToken, "wrong-token", test.Tokens.ReadOnlyToken, test.Tokens.TeamToken,
            Convert.ToBase64String(Encoding.ASCII.GetBytes($"token:{test.Tokens.UserToken}")) })
            Assert.DoesNotContain(secret, text);
    }

    [Theory]
    [InlineData("GET", "/info/refs", HttpStatusCode.BadRequest)]
    [InlineData("GET", "/info/refs?service=git-upload-archive", HttpStatusCode.BadRequest)]
    [InlineData("GET", "/info/refs?service=git-upload-pack&x=1", HttpStatusCode.BadRequest)]
    [InlineData("POST", "/info/refs?service=git-upload-pack", HttpStatusCode.MethodNotAllowed)]
    [InlineData("GET", "/git-upload-pack", HttpStatusCode.MethodNotAllowed)]
    [InlineData("POST", "/git-upload-pack?x", HttpStatusCode.BadRequest)]
    [InlineData("POST", "/git-receive-pack", HttpStatusCode.UnsupportedMediaType)]
    public async Task What_is_not_the_smart_protocol_is_refused(string method, string target, HttpStatusCode expected)
    {
        await using var test = await HostedTest.StartAsync();

        Assert.Equal(expected, (await test.Proxy.SendAsync(new HttpMethod(method), target, test.Tokens.UserToken)).Status);
    }

    [Theory]
    [InlineData("Basic")]
    [InlineData("Basic !!!")]
    [InlineData("Basic bm9jb2xvbg==")]
    [InlineData("Basic dG9rZW46")]
    [InlineData("Digest username=\"x\"")]
    public void What_is_no_credential_is_none(string header) =>
        Assert.DoesNotContain(GitCredential.Read(header).Kind, new[] { BearerTokenKind.Opaque, BearerTokenKind.Jwt });

    [Fact]
    public void A_password_that_is_a_JWT_is_judged_as_one() =>
        Assert.Equal(BearerTokenKind.Jwt, GitCredential.Read("Basic " + Convert.ToBase64String("token:eyJhbGciOiJub25lIn0.e30."u8)).Kind);

    private static string RawPath(HttpContext context) => context.Features.Get<IHttpRequestFeature>()!.RawTarget;

    /// <summary>The upstream says that the user's token belongs to <paramref name="team"/>.</summary>
    private static void AsTeam(HostedTest test, string team) => test.Proxy.Sandbox.Intercept = async context =>
    {
        if (RawPath(context) != "/v2/account") return false;
        await context.Response.WriteAsJsonAsync(new { account = new { team = new { uuid = team } } });
        return true;
    };
}
