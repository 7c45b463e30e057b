using System.Net;
using Microsoft.AspNetCore.Http;
using Sandbox.AtProto;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.SignIn.AtProto;

/// <summary>What a login that does not begin is answered with, and callbacks that nobody should believe.</summary>
public sealed class LoginAnswerTests
{
    [Fact]
    public async Task Without_an_account_there_is_a_page_with_a_field()
    {
        await using var test = await AccountTest.StartAsync();

        var page = await test.Visit().GetAsync(AccountTest.Login);

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Contains("<input id=\"account\" name=\"handle\"", page.Body);
        Assert.Contains("form-action *;", page.Response.Headers.GetValues("Content-Security-Policy").Single());
        Assert.Contains("form-action 'self';", (await test.Visit().GetAsync("/")).Response.Headers.GetValues("Content-Security-Policy").Single());
    }

    [Fact]
    public async Task A_login_that_can_not_begin_says_why()
    {
        await using var test = await AccountTest.StartAsync();
        foreach (var (query, status) in new[]
        {
            ("did=did:plc:short", 400),
            ("did=did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme", 400),
            ("did=did:web:Example.com", 400),
            ("did=did:web:example.com%253A8443", 400),
            ("did=did:web:127.0.0.1", 400),
            ("did=did:web:example.com:path", 400),
            ("handle=localhost", 400),
            ("handle=127.0.0.1", 400),
            ("handle=a..b", 400),
            ("handle=alice.test/x", 400),
            ("did=did:plc:ewvi7nxzyoun6zhxrhs64oiz&handle=alice.test", 400),
            ("did=did:plc:ewvi7nxzyoun6zhxrhs64oiz&did=did:plc:ewvi7nxzyoun6zhxrhs64oiz", 400),
            ("did=did:plc:ewvi7nxzyoun6zhxrhs64oiz", 422),
            ("handle=nobody.test", 422),
        })
        {
            var visitor = test.Visit();
            var page = await visitor.GetAsync($"{AccountTest.Login}?{query}");
            visitor.Accept = "application/json";
            var json = await visitor.GetAsync($"{AccountTest.Login}?{query}");

            Assert.Equal((query, status, status), (query, (int)page.Status, (int)json.Status));
            Assert.Contains("<h1>Signing in failed</h1>", page.Body);
            Assert.Contains("\"id\":\"", json.Body);
            Assert.Empty(page.Cookies);
        }
    }

    [Fact]
    public async Task A_source_that_fails_or_redirects_is_502_and_documents_that_are_wrong_are_422()
    {
        await using var test = await AccountTest.StartAsync();
        var directory = test.Network.DirectoryFaults;

        Assert.Equal(502, await AskAsync(AtProtoFault.ServerError, null));
        Assert.Equal(502, await AskAsync(AtProtoFault.Redirect, null));
        Assert.Equal(422, await AskAsync(AtProtoFault.NotJson, null));
        Assert.Equal(502, await AskAsync(AtProtoFault.Unavailable, "/.well-known/oauth-protected-resource"));
        Assert.Equal(422, await AskAsync(AtProtoFault.NotJson, "/.well-known/oauth-authorization-server"));
        Assert.Equal(502, await AskAsync(AtProtoFault.TooManyRequests, "/oauth/par"));

        async Task<int> AskAsync(AtProtoFault fault, string? path)
        {
            if (path is null) directory.Order("/did", fault);
            else test.Server.Faults.Order(path, fault);
            return (int)(await test.Visit().GetAsync($"{AccountTest.Login}?did={test.Alice.Did}")).Status;
        }
    }

    [Fact]
    public async Task A_server_that_is_not_listed_must_be_https_on_a_public_address()
    {
        await using var test = await AccountTest.StartAsync(options => options with { Servers = [] });

        Assert.Equal(422, (int)(await test.Visit().GetAsync($"{AccountTest.Login}?did={test.Alice.Did}")).Status);
        test.Alice.StatedServer = test.Server.Url.Replace("http:", "https:", StringComparison.Ordinal);
        Assert.Equal(502, (int)(await test.Visit().GetAsync($"{AccountTest.Login}?did={test.Alice.Did}")).Status);
        Assert.Empty(test.Server.Requests.All);
    }

    [Fact]
    public async Task A_handle_that_its_DID_does_not_call_its_own_asks_for_the_DID()
    {
        await using var test = await AccountTest.StartAsync();
        test.Server.Intercept = async http =>
        {
            if (!http.Request.QueryString.Value!.Contains("impostor.test", StringComparison.Ordinal)) return false;
            http.Response.ContentType = "application/json";
            await http.Response.WriteAsync($$"""{"did":"{{test.Alice.Did}}"}""");
            return true;
        };

        var page = await test.Visit().GetAsync($"{AccountTest.Login}?handle=impostor.test");

        Assert.Equal(HttpStatusCode.UnprocessableEntity, page.Status);
        Assert.Contains("sign in with the DID", page.Body);
    }

    [Fact]
    public async Task The_eleventh_start_of_a_minute_is_429()
    {
        await using var test = await AccountTest.StartAsync();
        var visitor = test.Visit();

        for (var i = 0; i < 10; i++) Assert.Equal(422, (int)(await visitor.GetAsync($"{AccountTest.Login}?did={TestProxy.Did}")).Status);
        var last = await visitor.GetAsync($"{AccountTest.Login}?did={TestProxy.Did}");

        Assert.Equal(HttpStatusCode.TooManyRequests, last.Status);
        Assert.True(last.Response.Headers.RetryAfter!.Delta > TimeSpan.Zero);
        Assert.Equal(HttpStatusCode.OK, (await visitor.GetAsync(AccountTest.Login)).Status);
    }

    [Fact]
    public async Task A_callback_serves_once_for_the_browser_that_began_and_for_the_server_that_was_asked()
    {
        await using var test = await AccountTest.StartAsync();
        var visitor = test.Visit();
        var back = await visitor.ConsentAsync($"{AccountTest.Login}?did={test.Alice.Did}", test.Alice);

        Assert.Equal(HttpStatusCode.BadRequest, (await test.Visit().GetAsync(back)).Status);
        var other = test.Visit();
        await other.GetAsync($"{AccountTest.Login}?did={test.Alice.Did}");
        Assert.Equal(HttpStatusCode.BadRequest, (await other.GetAsync(back)).Status);
        Assert.Equal(HttpStatusCode.SeeOther, (await visitor.GetAsync(back)).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await visitor.GetAsync(back)).Status);

        visitor = test.Visit();
        back = await visitor.ConsentAsync($"{AccountTest.Login}?did={test.Bob.Did}", test.Bob);
        var wrong = await visitor.GetAsync(back.Replace(Uri.EscapeDataString(test.Network.Servers[1].Url), Uri.EscapeDataString(test.Server.Url),
            StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.BadRequest, wrong.Status);
        Assert.Contains("another authorization server", wrong.Body);
        Assert.Empty(test.Network.Servers[1].OAuth.Sessions);
    }
}
