using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Sandbox;
using WorkloadProxy.Configuration;
using WorkloadProxy.Credentials;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;
using WorkloadProxy.Tests.Authentication;
using WorkloadProxy.Tests.Serving;
using WorkloadProxy.Upstreams.GitHub;

namespace WorkloadProxy.Tests.RoleCredentials;

public sealed class GitHubAppCredentialTests
{
    private static readonly AuthContext context = new("GitHub", "acme");

    private const string Role = """
        role "NAME" {
          iss = "ISSUER"
          aud = "api://GitHub?actx=acme"
          sub = "repo:org/repo:*"
          job = "NAME"
          policies = ["github"]
          CREDENTIAL
        }

        """;

    [Fact]
    public async Task A_token_is_good_for_what_the_role_says_is_used_again_and_ends_with_the_server()
    {
        await using var proxy = await StartAsync();

        Assert.Equal("web: a.txt", await ContentAsync(proxy, "web"));
        Assert.Equal("web: a.txt", await ContentAsync(proxy, "web"));

        var made = Assert.Single(proxy.Sandbox.Requests.All, request => request.Target.EndsWith("/access_tokens", StringComparison.Ordinal));
        Assert.Equal("""{"repositories":["web"],"permissions":{"contents":"read"}}""", made.Body);
        Assert.StartsWith("Bearer ghs_", proxy.Sandbox.Requests.All.Last().Header("Authorization"));
        var token = proxy.Sandbox.Requests.All.Last().Header("Authorization");
        await proxy.StopServerAsync();
        var last = proxy.Sandbox.Requests.All.Last();
        Assert.Equal(("DELETE", "/installation/token", token), (last.Method, last.Target, last.Header("Authorization")));
    }

    [Fact]
    public async Task Of_one_app_each_role_has_its_own_scope_and_a_role_that_names_none_has_the_configurations()
    {
        await using var proxy = await StartAsync();

        Assert.Equal("web: a.txt", await ContentAsync(proxy, "web"));
        Assert.Equal("api: a.txt", await ContentAsync(proxy, "api"));
        Assert.Equal("api: a.txt", await ContentAsync(proxy, "plain", repository: "api"));
        Assert.Equal(HttpStatusCode.NotFound, (await GetAsync(proxy, "web", "api")).Status);

        Assert.Equal(["""{"repositories":["web"],"permissions":{"contents":"read"}}""", """{"repositories":["api"],"permissions":{"contents":"read"}}""",
            """{"repositories":["web","api"],"permissions":{"contents":"read"}}"""],
            proxy.Sandbox.Requests.All.Where(request => request.Target.EndsWith("/access_tokens", StringComparison.Ordinal)).Select(request => request.Body));
    }

    [Theory]
    [InlineData("elsewhere")]
    [InlineData("more")]
    [InlineData("unknown")]
    public async Task A_role_that_asks_for_more_than_the_configuration_gets_nothing(string role)
    {
        await using var proxy = await StartAsync();

        var answer = await GetAsync(proxy, role, "web");

        Assert.Equal((HttpStatusCode.BadGateway, "credential_unavailable"), (answer.Status, answer.ErrorId));
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task Roles_that_match_together_and_name_different_credentials_permit_nothing()
    {
        await using var proxy = await StartAsync(roles => roles.Replace("job = \"api\"", "job = [\"api\", \"both\"]")
            .Replace("job = \"web\"", "job = [\"web\", \"both\"]"));

        var answer = await GetAsync(proxy, "both", "web");

        Assert.Equal(HttpStatusCode.Forbidden, answer.Status);
        Assert.Contains("roles `web` and `api` match together and name different credentials", answer.Body);
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task A_token_that_github_no_longer_takes_is_replaced()
    {
        var time = new FakeTimeProvider(DateTimeOffset.Parse("2026-03-01T12:00:00Z"));
        await using var sandbox = await SandboxServer.StartAsync(cancellation: TestContext.Current.CancellationToken);
        sandbox.GitHub.Time = time;
        using var files = new TemporaryDirectory();
        using var fetch = new BoundedFetch(time);
        await using var credential = Credential(sandbox, files, fetch, time);
        var used = (await credential.GetAsync(new CredentialUse(context), TestContext.Current.CancellationToken)).Value!;
        using var refusal = new HttpResponseMessage(HttpStatusCode.Unauthorized);

        // one that was made just now is not what GitHub objects to
        Assert.Null((await credential.JudgeAsync(new CredentialUse(context) { CanRepeat = true, Attempts = 1 }, used, refusal,
            TestContext.Current.CancellationToken)).Again);
        time.Advance(TimeSpan.FromSeconds(11));
        var again = (await credential.JudgeAsync(new CredentialUse(context) { CanRepeat = true, Attempts = 1 }, used, refusal,
            TestContext.Current.CancellationToken)).Again;

        Assert.NotNull(again);
        Assert.NotEqual(used.BearerToken!.Reveal(), again.BearerToken!.Reveal());
    }

    [Fact]
    public async Task A_token_is_renewed_ahead_of_its_end()
    {
        var time = new ManualTime();
        await using var sandbox = await SandboxServer.StartAsync(cancellation: TestContext.Current.CancellationToken);
        sandbox.GitHub.Time = time;
        using var files = new TemporaryDirectory();
        using var fetch = new BoundedFetch(time);
        var tokens = new InstallationTokens(App(sandbox, files, fetch, time), new GitHubTokenScope("acme", "web", "contents:read"), time, NullLogger.Instance);
        var first = (await tokens.GetAsync(time.GetUtcNow(), time.GetUtcNow(), TestContext.Current.CancellationToken)).Value!;
        sandbox.Requests.Clear();

        // ten minutes before its end the token still serves, and the next one is asked for
        time.Advance(TimeSpan.FromMinutes(51));
        var still = (await tokens.GetAsync(time.GetUtcNow(), time.GetUtcNow(), TestContext.Current.CancellationToken)).Value!;

        Assert.Same(first, still);
        await sandbox.Requests.First(request => request.Target.EndsWith("/access_tokens", StringComparison.Ordinal), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_token_whose_last_caller_has_gone_is_revoked()
    {
        var time = new FakeTimeProvider(DateTimeOffset.Parse("2026-03-01T12:00:00Z"));
        await using var sandbox = await SandboxServer.StartAsync(cancellation: TestContext.Current.CancellationToken);
        sandbox.GitHub.Time = time;
        using var files = new TemporaryDirectory();
        using var fetch = new BoundedFetch(time);
        await using var credential = Credential(sandbox, files, fetch, time);
        var used = (await credential.GetAsync(new CredentialUse(context), TestContext.Current.CancellationToken)).Value!;

        time.Advance(TimeSpan.FromMinutes(3));

        var revoked = await sandbox.Requests.First(request => request.Method == "DELETE", TestContext.Current.CancellationToken);
        Assert.Equal(("/installation/token", used.Headers[0].Value.Reveal()), (revoked.Target, revoked.Header("Authorization")));
    }

    private static GitHubAppCredential Credential(SandboxServer sandbox, TemporaryDirectory files, BoundedFetch fetch, TimeProvider time) =>
        new(new CredentialOptions { Context = context, Kind = CredentialKind.GitHubApp }, App(sandbox, files, fetch, time), time, NullLogger.Instance);

    private static GitHubApp App(SandboxServer sandbox, TemporaryDirectory files, BoundedFetch fetch, TimeProvider time) =>
        new(sandbox.Address, new GitHubAppOptions(sandbox.Options.GitHubAppId, files.Write("app.pem", sandbox.GitHub.PrivateKeyPem),
            sandbox.GitHub.InstallationId), new GitHubApi(fetch, time), time);

    private static Task<TestProxy> StartAsync(Func<string, string>? change = null)
    {
        var roles = string.Concat(new[]
        {
            ("web", "credential = { repositories = \"web\", permissions = \"contents:read\" }"),
            ("api", "credential = { repositories = \"acme/api\" }"),
            ("plain", ""),
            ("elsewhere", "credential = { repositories = \"secrets\" }"),
            ("more", "credential = { permissions = \"contents:write\" }"),
            ("unknown", "credential = { project = \"a\" }"),
        }.Select(role => Role.Replace("NAME", role.Item1).Replace("CREDENTIAL", role.Item2)));
        return TestProxy.StartAsync(new Dictionary<string, string>
        {
            ["policies/github.hcl"] = """path "/repos/*" { capabilities = ["read"] }""",
            ["roles/github.hcl"] = change?.Invoke(roles) ?? roles,
        }, (options, sandbox) =>
        {
            var key = Path.Combine(Path.GetDirectoryName(options.Credentials[0].File)!, "app.pem");
            File.WriteAllText(key, sandbox.GitHub.PrivateKeyPem);
            return options with
            {
                Upstreams = new Dictionary<string, UpstreamOptions>
                    { ["GitHub"] = new() { Name = "GitHub", Kind = UpstreamKind.Http, Address = sandbox.Address } },
                Policies = [options.Policies[0] with { Context = context }],
                Credentials =
                [
                    new CredentialOptions
                    {
                        Context = context, Kind = CredentialKind.GitHubApp, App = new GitHubAppOptions(sandbox.Options.GitHubAppId, key),
                        Repositories = ["acme/web", "acme/api"], Permissions = new Dictionary<string, string> { ["contents"] = "read" },
                    },
                ],
            };
        });
    }

    private static Task<Answer> GetAsync(TestProxy proxy, string job, string repository) =>
        proxy.GetAsync($"/repos/acme/{repository}/contents/a.txt",
            proxy.Sandbox.Issuer.Token(context.ToString(), new() { ["sub"] = "repo:org/repo:x", ["job"] = job }));

    private static async Task<string> ContentAsync(TestProxy proxy, string job, string? repository = null)
    {
        var answer = await GetAsync(proxy, job, repository ?? job);
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
        return System.Text.Encoding.UTF8.GetString(answer.Json.GetProperty("content").GetBytesFromBase64()).Trim().Replace("acme/", "");
    }
}
