using System.Net;
using System.Text;
using WorkloadProxy.Cli;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Tests.Serving;

/// <summary>the specification through a real socket: what is refused before any rule reaches no upstream and says why.</summary>
public sealed class RefusedRequestTests
{
    private static readonly string[] ambiguousTargets =
    [
        "/v2/a%2fb", "/v2/a%2Fb", "/v2/a%5cb", "/v2/a\\b", "//v2/databases", "/v2//databases", "/v2/./databases", "/v2/../databases", "/v2/%2e%2e/databases",
        "/v2/%2E./databases",
        "/v2/..;/databases", "/v2/..%3b/databases", "/v2/..", "/v2/.", "/v2/%2e", "/v2/a%01b", "/v2/a%7fb", "/v2/a%", "/v2/a%2", "/v2/a%zz", "/v2/a%ff",
        "/v2/a%c0%af",
        "/v2/a%252fb", "/v2/a%2541b", "/v2/a#b", "http://proxy.test/v2/databases", "https://evil.test/v2/databases",
        "/v2/databases?a=%zz", "/v2/databases?a=%", "/v2/databases?a=%00", "/v2/databases?a=%0a", "/v2/databases?a=%ff", "/v2/databases?a=\\b",
            "/v2/databases?a#b",
    ];

    [Fact]
    public async Task An_ambiguous_target_is_refused_with_400_and_reaches_no_upstream()
    {
        await using var proxy = await TestProxy.StartAsync();
        var token = proxy.IdentityToken();

        var answers = new List<(string Target, string Answer)>();
        foreach (var target in ambiguousTargets) answers.Add((target, (await proxy.SendRawGetAsync(target, token))[.."HTTP/1.1 400".Length]));

        Assert.Equal(ambiguousTargets.Select(target => (target, "HTTP/1.1 400")), answers);
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task A_refused_target_answers_in_the_one_form_and_is_audited()
    {
        await using var proxy = await TestProxy.StartAsync();

        var answer = await proxy.SendRawGetAsync("/v2/%2e%2e/databases", proxy.IdentityToken());

        Assert.Contains("\"id\":\"bad_request\"", answer);
        Assert.Contains("X-Request-Id: ", answer);
        var line = (await proxy.AuditAsync(1))[0];
        Assert.Equal("deny", line.GetProperty("decision").GetString());
        Assert.Equal(400, line.GetProperty("status").GetInt32());
        Assert.Equal("/v2/%2e%2e/databases", line.GetProperty("path").GetString());
        Assert.Contains(line.GetProperty("request_id").GetString()!, answer);
    }

    [Fact]
    public async Task A_query_is_forwarded_as_received()
    {
        await using var proxy = await TestProxy.StartAsync();

        await proxy.SendRawGetAsync("/v2/echo/a?next=https%3A%2F%2Fexample.com&x=%c3%a9&plus=a+b&empty", proxy.IdentityToken());

        Assert.Equal("/v2/echo/a?next=https%3A%2F%2Fexample.com&x=%c3%a9&plus=a+b&empty", Assert.Single(proxy.Sandbox.Requests.All).Target);
    }

    [Fact]
    public async Task A_path_is_forwarded_in_one_canonical_form()
    {
        await using var proxy = await TestProxy.StartAsync();

        await proxy.SendRawGetAsync("/v2/echo/%61%7e%C3%a9%20b", proxy.IdentityToken());

        Assert.Equal("/v2/echo/a~%C3%A9%20b", Assert.Single(proxy.Sandbox.Requests.All).Target);
    }

    [Fact]
    public async Task A_target_over_8_KiB_is_414()
    {
        await using var proxy = await TestProxy.StartAsync();

        var answer = await proxy.SendRawGetAsync("/v2/" + new string('a', 8190), proxy.IdentityToken());

        Assert.StartsWith("HTTP/1.1 414 ", answer);
        Assert.Contains("\"id\":\"uri_too_long\"", answer);
    }

    [Theory]
    [InlineData("TRACE")]
    [InlineData("BREW")]
    [InlineData("get")]
    public async Task An_unknown_method_is_405(string method)
    {
        await using var proxy = await TestProxy.StartAsync();

        var answer = await proxy.SendRawAsync($"{method} /v2/databases HTTP/1.1\r\nHost: proxy.test\r\nConnection: close\r\nAuthorization: Bearer "
            + $"{proxy.IdentityToken()}\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 405 ", answer);
        Assert.Contains("Allow: ", answer);
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task Two_authorization_headers_are_400()
    {
        await using var proxy = await TestProxy.StartAsync();

        var answer = await proxy.SendRawGetAsync("/v2/databases", proxy.IdentityToken(), "Authorization: Bearer dop_v1_other\r\n");

        Assert.StartsWith("HTTP/1.1 400 ", answer);
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Theory]
    [InlineData("gzip, chunked")]
    [InlineData("identity")]
    public async Task A_transfer_encoding_other_than_chunked_is_400(string encoding)
    {
        await using var proxy = await TestProxy.StartAsync();

        var answer = await proxy.SendRawAsync(
            $"POST /v2/echo/a HTTP/1.1\r\nHost: proxy.test\r\nConnection: close\r\nAuthorization: Bearer {proxy.IdentityToken()}\r\nTransfer-Encoding: "
                + $"{encoding}\r\n\r\n0\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 400 ", answer);
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task What_is_not_HTTP_is_audited_too()
    {
        await using var proxy = await TestProxy.StartAsync();

        await proxy.SendRawAsync("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");

        var line = (await proxy.AuditAsync(1))[0];
        Assert.Equal("deny", line.GetProperty("decision").GetString());
        Assert.StartsWith("not HTTP: ", line.GetProperty("reason").GetString());
    }

    [Theory]
    [InlineData("/v1/oidc/nothing")]
    [InlineData("/_rbac/")]
    [InlineData("/v1/oidc/issue/")]
    [InlineData("/v1/%6fidc/nothing")]
    public async Task An_own_path_that_names_no_endpoint_is_403_and_never_forwarded(string target)
    {
        await using var proxy = await TestProxy.StartAsync();

        var answer = await proxy.SendRawGetAsync(target, proxy.IdentityToken());

        Assert.StartsWith("HTTP/1.1 403 ", answer);
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task A_rule_for_everything_does_not_reach_the_exchange()
    {
        await using var proxy = await TestProxy.StartAsync();

        var answer = await proxy.PostJsonAsync("/v1/oidc/issue", proxy.IdentityToken(),
            $$"""{"aud":"{{TestProxy.DigitalOcean}}","sub":"actx:{{TestProxy.Team}}:role:x","ttl":300}""");

        Assert.Equal(HttpStatusCode.Forbidden, answer.Status);
    }

    [Fact]
    public async Task No_token_is_401_with_a_challenge()
    {
        await using var proxy = await TestProxy.StartAsync();

        var answer = await proxy.GetAsync("/v2/databases", null);

        Assert.Equal(HttpStatusCode.Unauthorized, answer.Status);
        Assert.Equal("invalid_token", answer.ErrorId);
        Assert.Equal("Bearer error=\"invalid_token\", error_description=\"a bearer token is needed\"", answer.Headers["WWW-Authenticate"]);
        Assert.Equal(answer.Headers["X-Request-Id"], answer.Json.GetProperty("request_id").GetString());
    }

    [Fact]
    public async Task A_body_that_a_rule_inspects_is_forwarded_byte_for_byte()
    {
        await using var proxy = await TestProxy.StartAsync(Examples.ForOneJob("""
            path "/v2/echo/keys" {
              capabilities       = ["create"]
              allowed_parameters = { "name" = "a*", "n" = 1 }
            }
            """));
        const string Body = "{ \"name\" : \"a\\u0062c\",\n \"n\":1.0 }";

        Assert.Equal(HttpStatusCode.OK, (await proxy.PostJsonAsync("/v2/echo/keys", proxy.IdentityToken(), Body)).Status);

        Assert.Equal(Body, Encoding.UTF8.GetString(Assert.Single(proxy.Sandbox.Requests.All).BodyBytes));
    }

    [Theory]
    [InlineData("application/json", """{"name":"abc","name":"x"}""", 400)]
    [InlineData("application/json", """{"name":"abc"} {}""", 400)]
    [InlineData("application/json", """{"name":""", 400)]
    [InlineData("text/plain", """{"name":"abc"}""", 415)]
    [InlineData("application/json; charset=utf-16", """{"name":"abc"}""", 415)]
    [InlineData("application/json", """{"name":"b"}""", 403)]
    [InlineData("application/json", """{"name":"abc","other":1}""", 403)]
    [InlineData("application/json", """[]""", 403)]
    public async Task A_body_that_a_rule_does_not_take_reaches_no_upstream(string type, string body, int status)
    {
        await using var proxy = await TestProxy.StartAsync(Examples.ForOneJob("""
            path "/v2/echo/keys" {
              capabilities       = ["create"]
              allowed_parameters = { "name" = "a*" }
            }
            """));

        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.TryAddWithoutValidation("Content-Type", type);
        var answer = await proxy.SendAsync(HttpMethod.Post, "/v2/echo/keys", proxy.IdentityToken(), content);

        Assert.Equal(status, (int)answer.Status);
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task A_body_over_1_MiB_that_a_rule_inspects_is_413()
    {
        await using var proxy = await TestProxy.StartAsync(Examples.ForOneJob("""
            path "/v2/echo/keys" {
              capabilities       = ["create"]
              allowed_parameters = { "name" = "a*" }
            }
            """));

        var answer = await proxy.PostJsonAsync("/v2/echo/keys", proxy.IdentityToken(), $$"""{"name":"{{new string('a', 1024 * 1024)}}"}""");

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.Status);
        Assert.Equal("payload_too_large", answer.ErrorId);
        Assert.Empty(proxy.Sandbox.Requests.All);
    }
}
