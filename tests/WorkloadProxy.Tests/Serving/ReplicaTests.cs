using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using WorkloadProxy.Cli.Commands;
using WorkloadProxy.Hcl;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;
using WorkloadProxy.Tests.Storage;

namespace WorkloadProxy.Tests.Serving;

/// <summary>Two whole servers on one PostgreSQL database.</summary>
[Collection(PostgresTests.Name)]
public sealed class ReplicaTests(PostgresServer server)
{
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(30);

    private static readonly Dictionary<string, string> policies = new()
    {
        ["gha-roles/job.hcl"] = """
            role "job" {
              iss      = "ISSUER"
              aud      = "api://DigitalOcean?actx={actx}"
              sub      = "repo:org/repo:ref:refs/heads/main"
              policies = ["exchange"]
            }
            role "reader" {
              aud      = "api://DigitalOcean?actx={actx}"
              sub      = "actx:{actx}:role:reader"
              policies = ["read"]
            }
            """,
        ["policies/exchange.hcl"] = """
            path "/v1/oidc/issue" {
              capabilities       = ["create"]
              allowed_parameters = { "aud" = "api://DigitalOcean?actx={actx}", "sub" = "actx:{actx}:role:*", "ttl" = any() }
            }
            """,
        ["policies/read.hcl"] = """
            path "/*" { capabilities = ["read"] }
            """,
    };

    [Fact]
    public async Task A_token_minted_at_one_replica_is_taken_at_the_other()
    {
        using var test = await PostgresTest.CreateAsync(server);
        await using var a = await StartAsync(test);
        await using var b = await StartAsync(test, a);
        var token = await a.ExchangeAsync(a.IdentityToken(), "reader");
        Assert.Equal(HttpStatusCode.OK, (await b.GetAsync("/v2/account", token)).Status);
        Assert.Equal(await KeysAsync(a), await KeysAsync(b));
    }

    [Fact]
    public async Task A_token_revoked_at_one_replica_is_refused_at_the_other_at_the_next_request()
    {
        using var test = await PostgresTest.CreateAsync(server);
        var time = Standing();
        await using var a = await StartAsync(test, time: time);
        await using var b = await StartAsync(test, a, time);
        for (var i = 0; i < 20; i++)
        {
            var token = await a.ExchangeAsync(a.IdentityToken(), "reader");
            Assert.Equal(HttpStatusCode.OK, (await b.GetAsync("/v2/account", token)).Status);
            await RevokeAsync(a, token);
            Assert.Equal(HttpStatusCode.Unauthorized, (await b.GetAsync("/v2/account", token)).Status);
        }
    }

    [Fact]
    public async Task A_token_revoked_while_the_other_replica_heard_nothing_is_refused_there_once_it_hears_again()
    {
        using var test = await PostgresTest.CreateAsync(server);
        await using var a = await StartAsync(test);
        await using var b = await StartAsync(test, a);
        var token = await a.ExchangeAsync(a.IdentityToken(), "reader");
        await server.StopAsync();
        // forwarding goes on while the store is down, but what must be stored is refused
        Assert.Equal(HttpStatusCode.OK, (await b.GetAsync("/v2/account", token)).Status);
        var refused = await a.SendAsync(HttpMethod.Post, "/v1/oidc/revoke", null, new FormUrlEncodedContent([new("token", token)]));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "store_unavailable"), (refused.Status, refused.ErrorId));
        Assert.DoesNotContain("127.0.0.1", refused.Body);
        Assert.Equal(HttpStatusCode.OK, (await a.GetAsync("/v2/account", token)).Status);
        await UntilAsync(async () => (await b.GetAsync("/health/ready", null)).Status == HttpStatusCode.ServiceUnavailable);
        Assert.Equal("unavailable", (await b.GetAsync("/health/ready", null)).Json.GetProperty("components").GetProperty("store").GetProperty("status")
            .GetString());

        await server.StartAsync();
        // as by a third replica while these two do not listen
        var id = JsonDocument.Parse(Convert.FromBase64String(Padded(token.Split('.')[1]))).RootElement.GetProperty("jti").GetString();
        await server.ExecuteAsync(test.Database, $"INSERT INTO revocations VALUES ('{id}', {TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() + 600})");
        // one of them may have been quick, and read before that: now both have something to read again
        await server.StopAsync();
        await server.StartAsync();
        foreach (var replica in new[] { a, b })
        {
            await UntilAsync(async () => (await replica.GetAsync("/health/ready", null)).Status == HttpStatusCode.OK);
            Assert.Equal(HttpStatusCode.Unauthorized, (await replica.GetAsync("/v2/account", token)).Status);
        }
        var again = await a.ExchangeAsync(a.IdentityToken(), "reader");
        await RevokeAsync(a, again);
        Assert.Equal(HttpStatusCode.Unauthorized, (await b.GetAsync("/v2/account", again)).Status);
    }

    [Fact]
    public async Task A_key_rotated_at_one_replica_is_published_by_the_other_before_it_signs()
    {
        using var test = await PostgresTest.CreateAsync(server);
        var time = Standing();
        await using var a = await StartAsync(test, time: time);
        await using var b = await StartAsync(test, a, time);
        using StringWriter output = new(), errors = new();
        Assert.Equal(0, await KeysCommands.RotateAsync(a.Options, output, errors, TimeProvider.System, CancellationToken.None));
        Assert.Equal(2, (await KeysAsync(a)).Count);
        Assert.Equal(await KeysAsync(a), await KeysAsync(b));
    }

    [Fact]
    public async Task With_no_server_on_the_directory_the_keys_are_rotated_in_the_store_and_the_replicas_hear_of_it()
    {
        using var test = await PostgresTest.CreateAsync(server);
        await using var a = await StartAsync(test);
        var elsewhere = test.Replica().Options with { Tokens = a.Options.Tokens };
        using StringWriter output = new(), errors = new();
        Assert.Equal(0, await KeysCommands.RotateAsync(elsewhere, output, errors, TimeProvider.System, CancellationToken.None));
        Assert.Equal("", errors.ToString());
        await UntilAsync(async () => (await KeysAsync(a)).Count == 2);
    }

    private static Task<TestProxy> StartAsync(PostgresTest test, TestProxy? with = null, TimeProvider? time = null) =>
        TestProxy.StartAsync(policies, configure: (options, sandbox) =>
        {
            if (time is not null) sandbox.Issuer.Time = time;
            return test.Configure(options) with
            {
                // the second one knows the first one's issuer and upstream
                Issuers = with?.Options.Issuers ?? options.Issuers,
                Upstreams = with?.Options.Upstreams ?? options.Upstreams,
                Policies = with?.Options.Policies ?? options.Policies,
                Credentials = with?.Options.Credentials ?? options.Credentials,
            };
        }, time: time);

    /// <summary>A clock that stands still: who waits for the other replica does not lose patience.</summary>
    private static FakeTimeProvider Standing() => new(TimeProvider.System.GetUtcNow());

    private static async Task RevokeAsync(TestProxy proxy, string token) =>
        Assert.Equal(HttpStatusCode.OK, (await proxy.SendAsync(HttpMethod.Post, "/v1/oidc/revoke", null, new FormUrlEncodedContent([new("token", token)])))
            .Status);

    private static async Task<IReadOnlyList<string>> KeysAsync(TestProxy proxy) =>
        [.. (await proxy.GetAsync("/.well-known/jwks", null)).Json.GetProperty("keys").EnumerateArray().Select(key => key.GetProperty("kid").GetString()!)];

    private static string Padded(string base64Url) => base64Url.Replace('-', '+').Replace('_', '/').PadRight((base64Url.Length + 3) / 4 * 4, '=');

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        using var limit = new CancellationTokenSource(patience);
        while (!await condition()) await poll.WaitForNextTickAsync(limit.Token);
    }
}
