using WorkloadProxy.Policies;

namespace WorkloadProxy.Tests.Serving;

/// <summary>
/// Constraints hold for every spelling of a path or a name that an upstream would take for the constrained one; what is permitted arrives as it was decided.
/// </summary>
public sealed class SpellingTests : IAsyncLifetime
{
    private TestProxy proxy = null!;

    public async ValueTask InitializeAsync()
    {
        var policies = new Dictionary<string, string>(Examples.ForOneJob("""
            path "/xrpc/com.atproto.repo.*" { capabilities = ["create"] }
            path "/xrpc/com.atproto.repo.createRecord" {
              capabilities       = ["create"]
              allowed_parameters = { "collection" = "app.bsky.feed.post", "*" = [] }
            }
            path "/v2/droplets" {
              capabilities      = ["create"]
              denied_parameters = { "size" = ["gpu-*"] }
            }
            path "/keys/*"     { capabilities = ["read"] }
            path "/profile/{actx}" { capabilities = ["read"] }
            path "/v2/echo/*"       { capabilities = ["read"] }
            path "/v2/echo/secrets" { capabilities = ["deny"] }
            path "/v2/echo/+/{claims.none}/secret" { capabilities = ["deny"] }
            path "/v2/echo/keys/*" {
              capabilities       = ["read"]
              allowed_parameters = { "?" = { "of" = "me" } }
            }
            """));
        proxy = await TestProxy.StartAsync(policies);
    }

    public ValueTask DisposeAsync() => proxy.DisposeAsync();

    [Theory]
    [InlineData("/xrpc/com.atproto.repo.createRecord")]
    [InlineData("/xrpc/com.atproto.repo.CreateRecord")]
    [InlineData("/xrpc/com.atproto.repo.createrecord")]
    [InlineData("/xrpc/com.atproto.repo.createRecord/")]
    [InlineData("/xrpc/com.atproto.repo.createRecord;x")]
    [InlineData("/xrpc/com.atproto.repo.%43reateRecord%3bx")]
    public async Task A_constraint_is_not_passed_by_spelling_its_path_another_way(string path)
    {
        Assert.StartsWith("HTTP/1.1 403", await PostAsync(path, """{"collection":"app.bsky.graph.follow"}"""), StringComparison.Ordinal);
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Theory]
    [InlineData("/v2/echo/SECRETS/")]
    [InlineData("/v2/echo/%C5%BFecrets")]
    [InlineData("/v2/echo/secret%c5%bf;x")]
    [InlineData("/v2/echo/a/b/%C5%BFecret")]
    [InlineData("/v2/echo/%E2%84%AAeys/1?of=you")]
    [InlineData("/v2/echo/Keys/1?of=you")]
    public async Task A_letter_that_some_upstream_takes_for_another_case_gets_past_no_deny_and_no_constraint(string path)
    {
        Assert.StartsWith("HTTP/1.1 403", await proxy.SendRawGetAsync(path, proxy.IdentityToken()), StringComparison.Ordinal);
        Assert.Empty(proxy.Sandbox.Requests.All);
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendRawGetAsync("/v2/echo/%C5%BFtra%C3%9Fe", proxy.IdentityToken()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/v2/droplets?size=gpu-h100", """{"size":"s"}""", 403)]
    [InlineData("/v2/droplets?Size=gpu-h100", "{}", 403)]
    [InlineData("/v2/droplets?%C5%BFize=gpu-h100", "{}", 403)]
    [InlineData("/v2/droplets", "{\"\\u017fize\":\"gpu-h100\"}", 403)]
    [InlineData("/v2/droplets?.method=DELETE", "{}", 400)]
    public async Task A_denied_name_is_refused_in_body_and_query_however_it_is_spelled(string target, string body, int status)
    {
        Assert.StartsWith($"HTTP/1.1 {status}", await PostAsync(target, body), StringComparison.Ordinal);
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task Escapes_of_reserved_characters_arrive_as_they_were_sent()
    {
        await proxy.SendRawGetAsync("/keys/a%2bb%3a%3B;c+%7e%41?x=%2b", proxy.IdentityToken());
        Assert.Equal("/keys/a%2Bb%3A%3B;c+~A?x=%2b", Assert.Single(proxy.Sandbox.Requests.All).Target);
    }

    [Fact]
    public async Task A_type_that_an_upstream_would_read_as_a_form_is_not_inspected_as_JSON()
    {
        const string Target = "/xrpc/com.atproto.repo.createRecord", Body = """{"collection":"app.bsky.feed.post"}""";
        Assert.StartsWith("HTTP/1.1 415", await PostAsync(Target, Body, "application/x-www-form-urlencoded+json"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 415", await PostAsync(Target, Body, "application/json; charset*=utf-7''x"), StringComparison.Ordinal);
        Assert.Empty(proxy.Sandbox.Requests.All);
        await PostAsync(Target, Body, "application/json;");
        Assert.Single(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task The_id_of_a_context_may_hold_an_encoding()
    {
        await using var other = await TestProxy.StartAsync(Examples.ForOneJob("path \"/profile/{actx}\" { capabilities = [\"read\"] }"), (options, _) =>
        {
            var context = new AuthContext("DigitalOcean", "did:web:host%3A3000");
            return options with { Policies = [options.Policies[0] with { Context = context }],
                Credentials = [options.Credentials[0] with { Context = context }] };
        });
        var token = other.Sandbox.Issuer.Token("api://DigitalOcean?actx=did:web:host%3A3000", Examples.Job);
        await other.SendRawGetAsync("/profile/did:web:host%253A3000", token);
        Assert.Equal("/profile/did:web:host%253A3000", Assert.Single(other.Sandbox.Requests.All).Target);
        Assert.StartsWith("HTTP/1.1 400", await other.SendRawGetAsync("/profile/did:web:host%253A3001", token), StringComparison.Ordinal);
    }

    private Task<string> PostAsync(string target, string body, string type = "application/json") => proxy.SendRawAsync(
        $"POST {target} HTTP/1.1\r\nHost: proxy.test\r\nConnection: close\r\nAuthorization: Bearer {proxy.IdentityToken()}\r\nContent-Type: "
            + $"{type}\r\nContent-Length: {body.Length}\r\n\r\n{body}");
}
