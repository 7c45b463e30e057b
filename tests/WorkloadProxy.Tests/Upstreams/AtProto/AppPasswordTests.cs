using System.Net;
using Sandbox.AtProto;
using WorkloadProxy.Configuration;

namespace WorkloadProxy.Tests.Upstreams.AtProto;

/// <summary>The kind <c>AtprotoPassword</c> before the stand-in network.</summary>
public sealed class AppPasswordTests : IAsyncLifetime
{
    private AtProtoHost host = null!;
    private string passwordFile = null!;

    private PersonalDataServer Server => host.Alice.Server;

    public async ValueTask InitializeAsync() => host = await AtProtoHost.StartAsync(configure: (options, network) =>
    {
        passwordFile = Path.Combine(Path.GetDirectoryName(options.Audit.File)!, "app-password");
        File.WriteAllText(passwordFile, network.Accounts[0].AppPassword + "\n");
        return options with { Credentials = [new CredentialOptions { Context = AtProtoHost.ContextOf(network.Accounts[0]), Kind = CredentialKind.AtprotoPassword, File = passwordFile }] };
    });

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
            if (!context.Request.PathBase.HasValue && context.Request.ContentType?.StartsWith("application/json", StringComparison.Ordinal) != true) return false;
            context.Response.ContentType = "application/json";
            await Microsoft.AspNetCore.Http.HttpResponseWritingExtensions.WriteAsync(context.Response, $$"""{"did":"{{host.Bob.Did}}","accessJwt":"a.b.c","refreshJwt":"d.e.f"}""");
            return true;
        };

        var answer = await host.WriteAsync(host.Alice);

        Assert.Equal((HttpStatusCode.BadGateway, "credential_unavailable"), (answer.Status, answer.ErrorId));
        Assert.DoesNotContain(Server.Requests.All, request => request.Path.EndsWith("createRecord", StringComparison.Ordinal));
    }
}
