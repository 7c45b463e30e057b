using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Sandbox.AtProto;
using WorkloadProxy.Configuration;

namespace WorkloadProxy.Tests.SignIn.AtProto;

/// <summary>An account that lives elsewhere now: its former server may be anybody's by then, and gets nothing that is newer than the move.</summary>
public sealed class MovedAccountTests
{
    [Fact]
    public async Task A_former_server_that_refuses_its_old_token_is_not_given_the_new_one()
    {
        await using var test = await AccountTest.StartAsync(forwards: true);
        await test.SignInAsync(test.Alice);
        Assert.Equal(HttpStatusCode.OK, (await test.WriteAsync(test.Alice)).Status);
        var (former, asked, goOn) = (test.Server, new TaskCompletionSource(), new TaskCompletionSource());
        former.Intercept = async http =>
        {
            if (!http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.Contains("createRecord", StringComparison.Ordinal)) return false;
            asked.TrySetResult();
            await goOn.Task;
            http.Response.StatusCode = StatusCodes.Status401Unauthorized;
            http.Response.Headers.WWWAuthenticate = "DPoP algs=\"ES256\", error=\"invalid_token\"";
            return true;
        };

        var held = test.WriteAsync(test.Alice);
        await asked.Task;
        test.Alice.Server = test.Network.Servers[1];
        await test.SignInAsync(test.Alice);
        goOn.SetResult();
        var answer = await held;

        var token = Assert.Single(test.Alice.Server.OAuth.Sessions).AccessToken;
        Assert.DoesNotContain(former.Requests.All, request => request.Header("Authorization")?.EndsWith(token, StringComparison.Ordinal) == true);
        Assert.Equal((HttpStatusCode.BadGateway, "credential_unavailable", "1"), (answer.Status, answer.ErrorId, answer.Headers["Retry-After"]));
        Assert.Equal(HttpStatusCode.OK, (await test.WriteAsync(test.Alice)).Status);
    }

    [Fact]
    public async Task A_session_at_a_former_authorization_server_gives_way_to_one_with_other_scopes()
    {
        await using var test = await AccountTest.StartAsync(forwards: true);
        await test.SignInAsync(test.Alice);
        test.Alice.Server = test.Network.Servers[1];
        test.Alice.Server.OAuth.Scopes = ["atproto", "repo:*"];

        var (_, page) = await test.SignInAsync(test.Alice);

        Assert.Contains("connected with a new credential", page.Body);
        Assert.Empty(test.Server.OAuth.Sessions);
        Assert.Equal(test.Alice, Assert.Single(test.Alice.Server.OAuth.Sessions).Account);
        Assert.Equal(HttpStatusCode.OK, (await test.WriteAsync(test.Alice)).Status);
    }

    [Fact]
    public async Task A_new_app_password_is_not_presented_to_the_former_server()
    {
        const string NewPassword = "aaaa-bbbb-cccc-dddd";
        var clock = SignInTest.NewClock();
        var network = await AtProtoNetwork.StartAsync(new Sandbox.AtProto.AtProtoNetworkOptions { Time = clock });
        using var files = new TemporaryDirectory();
        await using var test = await AccountTest.StartAsync(forwards: true, time: clock, network: network, configure: options => options with
        {
            Credentials = [.. network.Accounts.Take(2)
                .Select(account => new CredentialOptions
                    { Context = AccountTest.ContextOf(account), Kind = CredentialKind.AtprotoPassword, File = FileOf(account) })],
        });
        Assert.Equal(HttpStatusCode.OK, (await test.WriteAsync(test.Alice)).Status);
        Assert.Equal(HttpStatusCode.OK, (await test.WriteAsync(test.Bob)).Status);

        test.Alice.Server = network.Servers[1];
        files.Write(test.Alice.Handle, NewPassword);
        // past 80 % of the tokens' life; Bob's turn comes after Alice's
        clock.Advance(TimeSpan.FromMinutes(100));
        await SignInTest.UntilAsync(() =>
        {
            clock.Advance(TimeSpan.FromMilliseconds(10));
            return network.Servers[1].Passwords.Refreshed == 1;
        }, "the refresh of the other account's session");

        Assert.DoesNotContain(test.Server.Requests.All, request => request.Body.Contains(NewPassword, StringComparison.Ordinal));
        Assert.Equal((1, 0), (test.Server.Passwords.Created, test.Server.Passwords.Refreshed));

        string FileOf(AtProtoAccount account) => files.Write(account.Handle, account.AppPassword);
    }
}
