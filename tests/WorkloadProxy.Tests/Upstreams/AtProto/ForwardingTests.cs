using System.Net;
using System.Net.Http.Headers;
using System.Net.WebSockets;
using System.Text;
using Sandbox.AtProto;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Upstreams.AtProto;

/// <summary>What reaches the server of an account, and what comes back. The stand-in checks proofs, nonces and tokens as real servers do.</summary>
public sealed class ForwardingTests : IAsyncLifetime
{
    private AtProtoHost host = null!;

    private PersonalDataServer Server => host.Alice.Server;

    public async ValueTask InitializeAsync()
    {
        host = await AtProtoHost.StartAsync();
        await host.SignInAsync(host.Alice);
        Server.Requests.Clear();
    }

    public ValueTask DisposeAsync() => host.DisposeAsync();

    [Fact]
    public async Task Each_account_s_agent_writes_to_its_own_server_and_to_no_other_account()
    {
        await host.SignInAsync(host.Bob);

        Assert.Equal(HttpStatusCode.OK, (await host.WriteAsync(host.Alice, "from alice")).Status);
        Assert.Equal(HttpStatusCode.OK, (await host.WriteAsync(host.Bob, "from bob")).Status);
        // another account of the same server, and one elsewhere: the server's own answers
        Assert.Equal(HttpStatusCode.Unauthorized, (await host.WriteAsync(host.Alice, "stolen", repo: host.Network.Accounts[2])).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await host.WriteAsync(host.Alice, "stolen", repo: host.Bob)).Status);

        Assert.Equal(["from alice"], AtProtoHost.TextsOf(host.Alice));
        Assert.Equal(["from bob"], AtProtoHost.TextsOf(host.Bob));
        Assert.Empty(AtProtoHost.TextsOf(host.Network.Accounts[2]));
    }

    [Fact]
    public async Task The_server_gets_the_session_s_credential_and_the_caller_nothing_of_it()
    {
        var answer = await host.Proxy.SendAsync(HttpMethod.Get, "/xrpc/com.atproto.server.getSession?x=1", host.TokenFor(host.Alice), with: request =>
        {
            request.Headers.TryAddWithoutValidation("DPoP", "the-caller-s-own");
            request.Headers.TryAddWithoutValidation("atproto-proxy", "did:web:evil.example#bsky_appview");
            request.Headers.TryAddWithoutValidation("atproto-accept-labelers", "did:plc:ar7c4by46qjdydhdevvrndac");
        });

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.False(answer.Headers.ContainsKey("DPoP-Nonce"));
        Assert.False(answer.Headers.ContainsKey("WWW-Authenticate"));
        var received = Server.Requests.All[^1];
        var session = Assert.Single(Server.OAuth.Sessions);
        Assert.Equal($"DPoP {session.AccessToken}", received.Header("Authorization"));
        Assert.NotEqual("the-caller-s-own", Assert.Single(received.Headers["DPoP"]));
        Assert.False(received.Headers.ContainsKey("atproto-proxy"));
        Assert.Equal("did:plc:ar7c4by46qjdydhdevvrndac", received.Header("atproto-accept-labelers"));
    }

    [Fact]
    public async Task A_stale_nonce_costs_one_more_round_and_the_write_happens_once()
    {
        await host.WriteAsync(host.Alice, "first");
        Server.Nonces.Change();
        Server.Requests.Clear();

        Assert.Equal(HttpStatusCode.OK, (await host.WriteAsync(host.Alice, "second")).Status);

        Assert.Equal([401, 200], Server.Requests.All.Select(request => request.Status));
        Assert.Equal(["second", "first"], AtProtoHost.TextsOf(host.Alice));
    }

    [Fact]
    public async Task A_server_that_always_asks_for_another_nonce_is_asked_twice()
    {
        await host.WriteAsync(host.Alice);
        Server.Requests.Clear();
        Server.Intercept = context => { Server.Nonces.Change(); return Task.FromResult(false); };

        var answer = await host.WriteAsync(host.Alice);

        Assert.Equal((HttpStatusCode.BadGateway, "credential_unavailable"), (answer.Status, answer.ErrorId));
        Assert.Equal([401, 401], Server.Requests.All.Select(request => request.Status));
    }

    [Fact]
    public async Task A_token_that_ended_early_is_refreshed_once_and_the_request_goes_again()
    {
        await host.WriteAsync(host.Alice, "first");
        Server.OAuth.EndAccessTokens();

        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(i => host.WriteAsync(host.Alice, $"later {i}")));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
        Assert.Equal(1, Server.OAuth.Refreshes);
        Assert.Equal(6, AtProtoHost.TextsOf(host.Alice).Count());
    }

    [Fact]
    public async Task A_session_that_its_owner_ended_says_where_to_sign_in()
    {
        Server.OAuth.EndSessions(host.Alice);

        var answer = await host.WriteAsync(host.Alice);

        Assert.Equal((HttpStatusCode.BadGateway, "credential_unavailable"), (answer.Status, answer.ErrorId));
        Assert.Contains(host.Alice.Did, answer.Body);
        Assert.Contains("/auth/atproto/v1/login?did=", answer.Body);
    }

    [Fact]
    public async Task An_account_that_never_signed_in_is_told_where_to()
    {
        var answer = await host.WriteAsync(host.Bob);

        Assert.Equal((HttpStatusCode.BadGateway, "credential_unavailable"), (answer.Status, answer.ErrorId));
        Assert.Contains($"/auth/atproto/v1/login?did={Uri.EscapeDataString(host.Bob.Did)}", answer.Body);
        Assert.DoesNotContain(host.Bob.Server.Requests.All, request => request.Target.StartsWith("/xrpc/", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("/oauth/authorize")]
    [InlineData("/xrpc")]
    [InlineData("/xrpc/")]
    [InlineData("/xrpc/a/b")]
    [InlineData("/xrpc/com.atproto.server.getSession/")]
    [InlineData("/xrpc/com_atproto")]
    [InlineData("/XRPC/com.atproto.server.getSession")]
    [InlineData("/account")]
    public async Task Nothing_but_methods_of_a_server_is_open(string path)
    {
        Server.Requests.Clear();
        var answer = await host.Proxy.GetAsync(path, host.TokenFor(host.Alice));

        Assert.True(answer.Status is HttpStatusCode.Forbidden or HttpStatusCode.BadRequest, answer.Body);
        Assert.Empty(Server.Requests.All);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_long_body_streams(bool chunked)
    {
        var answer = await UploadAsync(3 << 20, chunked);

        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
        Assert.Equal(3 << 20, answer.Json.GetProperty("blob").GetProperty("size").GetInt64());
        Assert.Equal("/xrpc/com.atproto.repo.uploadBlob", Server.Requests.All[^1].Path);
        Assert.Equal(200, Server.Requests.All[^1].Status);
    }

    [Fact]
    public async Task A_nonce_that_changes_under_a_long_body_is_a_502_that_says_when_to_come_back()
    {
        await host.WriteAsync(host.Alice);
        Server.Nonces.Change();

        var refused = await UploadAsync(3 << 20, chunked: false);
        Assert.Equal((HttpStatusCode.BadGateway, "credential_unavailable"), (refused.Status, refused.ErrorId));
        Assert.Equal("1", refused.Headers["Retry-After"]);

        Assert.Equal(HttpStatusCode.OK, (await UploadAsync(3 << 20, chunked: false)).Status);
    }

    [Fact]
    public async Task A_short_upload_is_sent_again_whole()
    {
        await host.WriteAsync(host.Alice);
        Server.Nonces.Change();

        var answer = await UploadAsync(1 << 20, chunked: false);

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal(1 << 20, answer.Json.GetProperty("blob").GetProperty("size").GetInt64());
    }

    [Fact]
    public async Task The_server_s_own_refusals_pass()
    {
        Assert.Equal((HttpStatusCode.Forbidden, "ScopeMissingError"),
            await ErrorOf(host.Proxy.GetAsync("/xrpc/com.atproto.server.getServiceAuth", host.TokenFor(host.Alice))));
        Assert.Equal((HttpStatusCode.BadRequest, "InvalidRequest"),
            await ErrorOf(host.Proxy.PostJsonAsync("/xrpc/com.atproto.repo.createRecord", host.TokenFor(host.Alice), "{}")));
        Server.Faults.Order("/xrpc/", AtProtoFault.TooManyRequests);
        Assert.Equal((HttpStatusCode.TooManyRequests, "RateLimitExceeded"), await ErrorOf(host.WriteAsync(host.Alice)));
        // the write may have been done: it isn't for the proxy to repeat
        Server.Faults.Order("/xrpc/", AtProtoFault.ServerError);
        Server.Requests.Clear();
        Assert.Equal(HttpStatusCode.InternalServerError, (await host.WriteAsync(host.Alice)).Status);
        Assert.Single(Server.Requests.All);
    }

    [Fact]
    public async Task A_firehose_comes_through_until_the_listener_leaves()
    {
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Authorization", $"Bearer {host.TokenFor(host.Alice)}");
        await socket.ConnectAsync(new Uri($"ws://{host.Proxy.Address.Authority}/xrpc/com.atproto.sync.subscribeRepos?cursor=0"), CancellationToken.None);
        await host.WriteAsync(host.Alice);

        var buffer = new byte[4096];
        var frame = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);

        Assert.Equal(WebSocketMessageType.Binary, frame.MessageType);
        var text = Encoding.Latin1.GetString(buffer, 0, frame.Count);
        Assert.Contains("#commit", text);
        Assert.Contains(host.Alice.Did, text);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
    }

    private static async Task<(HttpStatusCode, string?)> ErrorOf(Task<Answer> asking)
    {
        var answer = await asking;
        return (answer.Status, answer.Json.GetProperty("error").GetString());
    }

    private Task<Answer> UploadAsync(int size, bool chunked)
    {
        var content = new ByteArrayContent(new byte[size]);
        content.Headers.ContentType = new MediaTypeHeaderValue("image/png");
        return host.Proxy.SendAsync(HttpMethod.Post, "/xrpc/com.atproto.repo.uploadBlob", host.TokenFor(host.Alice), content,
            request => request.Headers.TransferEncodingChunked = chunked);
    }
}
