using System.Net;
using System.Text;
using Sandbox.AtProto;
using WorkloadProxy.Configuration;
using WorkloadProxy.Configuration.Options;

namespace WorkloadProxy.Tests.Upstreams.AtProto;

/// <summary>The kind <c>AtprotoPassword</c> before the stand-in network.</summary>
public sealed class AppPasswordTests : IAsyncLifetime
{
    private AtProtoHost host = null!;

    private PersonalDataServer Server => host.Alice.Server;

    public async ValueTask InitializeAsync() => host = await AtProtoHost.StartAsync(configure: WithPassword);

    public ValueTask DisposeAsync() => host.DisposeAsync();

    [Fact]
    public async Task An_app_password_makes_one_session_that_all_requests_use()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(i => host.WriteAsync(host.Alice, $"note {i}")));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
        Assert.Equal(5, AtProtoHost.TextsOf(host.Alice).Count());
        Assert.Equal(1, Server.Passwords.Created);
        var write = Server.Requests.All.Last(request => request.Path.EndsWith("createRecord", StringComparison.Ordinal));
        Assert.StartsWith("Bearer ey", write.Header("Authorization"));
        Assert.DoesNotContain(host.Alice.AppPassword, write.Header("Authorization"));
    }

    [Fact]
    public async Task A_restarted_server_goes_on_with_the_stored_session()
    {
        await host.WriteAsync(host.Alice);
        await host.Proxy.StopServerAsync();
        await host.Proxy.StartServerAsync();

        Assert.Equal(HttpStatusCode.OK, (await host.WriteAsync(host.Alice)).Status);
        Assert.Equal(1, Server.Passwords.Created);
    }

    [Fact]
    public async Task A_token_that_the_server_calls_expired_is_refreshed_and_the_request_goes_again_once()
    {
        await host.WriteAsync(host.Alice, "first");
        Server.Passwords.EndAccessTokens();

        Assert.Equal(HttpStatusCode.OK, (await host.WriteAsync(host.Alice, "second")).Status);

        Assert.Equal((1, 1), (Server.Passwords.Created, Server.Passwords.Refreshed));
        Assert.Equal(["second", "first"], AtProtoHost.TextsOf(host.Alice));
    }

    [Fact]
    public async Task A_password_is_presented_once_a_minute_at_most()
    {
        await host.WriteAsync(host.Alice);
        Server.Passwords.EndAccessTokens();
        Server.Faults.Order("/xrpc/com.atproto.server.refreshSession", AtProtoFault.InvalidGrant);

        for (var i = 0; i < 3; i++)
        {
            var answer = await host.WriteAsync(host.Alice);
            Assert.Equal((HttpStatusCode.BadGateway, "credential_unavailable"), (answer.Status, answer.ErrorId));
        }
        Assert.Equal(1, Server.Passwords.Created);
    }

    [Fact]
    public async Task A_session_of_another_account_is_not_taken()
    {
        Server.Intercept = async context =>
        {
            if (!context.Request.PathBase.HasValue && context.Request.ContentType?.StartsWith("application/json", StringComparison.Ordinal) != true)
                return false;
            context.Response.ContentType = "application/json";
            await Microsoft.AspNetCore.Http.HttpResponseWritingExtensions.WriteAsync(context.Response,
                $$"""{"did":"{{host.Bob.Did}}","accessJwt":"a.b.c","refreshJwt":"d.e.f"}""");
            return true;
        };

        var answer = await host.WriteAsync(host.Alice);

        Assert.Equal((HttpStatusCode.BadGateway, "credential_unavailable"), (answer.Status, answer.ErrorId));
        Assert.DoesNotContain(Server.Requests.All, request => request.Path.EndsWith("createRecord", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_password_and_its_tokens_go_to_the_account_s_own_server_alone()
    {
        // a configuration that says so is refused; the credential must not depend on that
        await using var misled = await AtProtoHost.StartAsync(AtProtoHost.Everything + "\nmcp \"mirror\" {\n  tool \"*\" {}\n}\n",
            configure: (options, network) => WithPassword(options, network) with
        {
            Upstreams = new Dictionary<string, UpstreamOptions>
            {
                ["ATProto"] = options.Upstreams["ATProto"] with
                    { Mcp = [new McpServerOptions { Name = "mirror", Address = new Uri(network.Servers[1].Url + "/mcp") }] },
            },
        });

        await AskElsewhereAsync();
        // from now on it is known where the account lives, and its token is there
        Assert.Equal(HttpStatusCode.OK, (await misled.WriteAsync(misled.Alice)).Status);
        await AskElsewhereAsync();

        Assert.Equal(1, misled.Alice.Server.Passwords.Created);

        async Task AskElsewhereAsync()
        {
            var message = new StringContent("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}""", Encoding.UTF8, "application/json");
            var answer = await misled.Proxy.SendAsync(HttpMethod.Post, "/_mcp/ATProto/mirror", misled.TokenFor(misled.Alice), message, request =>
            {
                request.Headers.Accept.ParseAdd("application/json");
                request.Headers.Accept.ParseAdd("text/event-stream");
                request.Headers.TryAddWithoutValidation("MCP-Protocol-Version", "2025-11-25");
            });
            Assert.Contains("credential_unavailable", answer.Body);
            Assert.DoesNotContain(misled.Bob.Server.Requests.All, request => request.Path is "/mcp" or "/xrpc/com.atproto.server.createSession");
        }
    }

    private static ProxyOptions WithPassword(ProxyOptions options, AtProtoNetwork network)
    {
        var file = Path.Combine(Path.GetDirectoryName(options.Audit.File)!, "app-password");
        File.WriteAllText(file, network.Accounts[0].AppPassword + "\n");
        return options with { Credentials = [new CredentialOptions
            { Context = AtProtoHost.ContextOf(network.Accounts[0]), Kind = CredentialKind.AtprotoPassword, File = file }] };
    }
}
