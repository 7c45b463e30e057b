using System.Net;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Tests.Serving;

/// <summary>What `policy explain` and `policy test` say before any rule is asked is what the server does: both from the same table of requests.</summary>
public sealed class GateTests(GateTests.Server server) : IClassFixture<GateTests.Server>
{
    public sealed class Server : IAsyncLifetime
    {
        internal TestProxy Proxy { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Proxy = await TestProxy.StartAsync();

        public ValueTask DisposeAsync() => Proxy.DisposeAsync();
    }

    public static TheoryData<string, string> Requests => new(
        from path in (string[])[
            .. OwnPaths.Public, .. OwnPaths.Git, .. OwnPaths.Endpoints.Select(own => own.Path).Except(OwnPaths.Public), "/v2/databases", "/v2/a%2Fb",
            "/v2/a%252Fb", "/v2/../databases", "/v2/./databases", "/v2//databases", "/v2/a%zz", "/v2/%00", "/v2/databases?a=%",
            "/v1/oidc/other", "/v1/oidc/", "/v1/oidc/%69ssue2", "/_rbac/Other/x", "/_rbac/DigitalOcean/other", "/%5frbac/DigitalOcean/other"]
        from method in (string[])["GET", "POST", "DELETE"]
        select (method, path));

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task The_server_does_what_the_gate_says(string method, string target)
    {
        var proxy = server.Proxy;
        var options = new CompileOptions(TestProxy.DigitalOcean, proxy.Options.PublicUrl);
        var settled = RequestGate.Settle(options, Claims.Parse("{}"u8.ToArray()), method, target, out _);
        var before = proxy.Sandbox.Requests.All.Count;

        var answer = await proxy.SendRawAsync($"{method} {target} HTTP/1.1\r\nHost: proxy.test\r\nConnection: close\r\nContent-Length: 0\r\nAuthorization: "
            + $"Bearer {proxy.IdentityToken()}\r\n\r\n");

        var status = (HttpStatusCode)int.Parse(answer.AsSpan("HTTP/1.1 ".Length, 3));
        HttpStatusCode[] expected = settled?.Outcome switch
        {
            DecisionOutcome.Allow => [HttpStatusCode.OK],
            DecisionOutcome.MethodNotAllowed => [HttpStatusCode.MethodNotAllowed],
            DecisionOutcome.BadRequest => [HttpStatusCode.BadRequest],
            // git's own endpoints answer in git's way: `/info/refs` without a service is malformed, and a repository that nobody hosts is not found
            DecisionOutcome.Deny when OwnPaths.Git.Contains(target) => [HttpStatusCode.BadRequest, HttpStatusCode.Unauthorized, HttpStatusCode.Forbidden,
                HttpStatusCode.NotFound, HttpStatusCode.MethodNotAllowed],
            // an endpoint that anyone may ask judges the form that comes with the request, and here there is none
            DecisionOutcome.Deny when OwnPaths.Find(target) is { Kind: OwnPathKind.Endpoint } => [HttpStatusCode.BadRequest, HttpStatusCode.Unauthorized],
            DecisionOutcome.Deny => [HttpStatusCode.Forbidden, HttpStatusCode.Unauthorized, HttpStatusCode.NotFound, HttpStatusCode.MethodNotAllowed],
            _ => [HttpStatusCode.OK, HttpStatusCode.NotFound, HttpStatusCode.Forbidden],
        };
        Assert.Contains(status, expected);
        if (settled is not null) Assert.Equal(before, proxy.Sandbox.Requests.All.Count);
    }
}
