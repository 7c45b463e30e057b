using System.Net;
using System.Text;
using WorkloadProxy.Forwarding;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Forwarding;

/// <summary>What a kind of credential or upstream can do on a request's way, whatever the kind.</summary>
public sealed class SeamTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
    private const string Unauthorized =
        "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nX-First: 1\r\nWWW-Authenticate: DPoP\r\nContent-Length: 4\r\n\r\nnope";

    [Fact]
    public async Task A_request_goes_again_with_its_body_and_another_credential_when_the_kind_says_so()
    {
        await using var upstream = new RawUpstream(head => head.Contains("secret-1", StringComparison.Ordinal) ? Ok : Unauthorized);
        var credential = new ScriptedCredential();
        await using var host = await ForwarderHost.StartAsync(upstream.Address, credential);

        using var answer = await host.Client.PostAsync("/a", new StringContent("held"));

        Assert.Equal((HttpStatusCode.OK, "ok"), (answer.StatusCode, await answer.Content.ReadAsStringAsync()));
        Assert.False(answer.Headers.Contains("X-First"));
        Assert.Equal(2, upstream.Heads.Count);
        Assert.All(upstream.Heads, head => Assert.Contains("Content-Length: 4\r\n", head));
        Assert.Contains("DPoP: proof-0\r\n", upstream.Heads.First());
        Assert.Contains("Authorization: DPoP secret-1\r\n", upstream.Heads.Last());
        Assert.Equal([(0, true), (1, true), (2, true)], credential.Uses.Select(use => (use.Attempts, use.CanRepeat)));
        Assert.Equal(("POST", "/a"), (credential.Uses[0].Method, credential.Uses[0].Target));
    }

    [Fact]
    public async Task A_credential_that_is_never_taken_is_tried_three_times_and_then_502()
    {
        await using var upstream = new RawUpstream(_ => Unauthorized);
        await using var host = await ForwarderHost.StartAsync(upstream.Address, new ScriptedCredential());

        using var answer = await host.Client.GetAsync("/a");

        Assert.Equal(HttpStatusCode.BadGateway, answer.StatusCode);
        Assert.Contains("credential_unavailable", await answer.Content.ReadAsStringAsync());
        Assert.Equal(3, upstream.Heads.Count);
    }

    [Fact]
    public async Task A_body_that_does_not_tell_its_length_is_sent_once()
    {
        await using var upstream = new RawUpstream(_ => Unauthorized);
        var credential = new ScriptedCredential();
        await using var host = await ForwarderHost.StartAsync(upstream.Address, credential);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/a") { Content = new StringContent("once") };
        request.Headers.TransferEncodingChunked = true;

        using var answer = await host.Client.SendAsync(request);

        Assert.Equal(HttpStatusCode.BadGateway, answer.StatusCode);
        Assert.Single(upstream.Heads);
        Assert.False(credential.Uses[0].CanRepeat);
    }

    [Fact]
    public async Task An_interceptor_changes_the_body_sees_the_answer_and_can_refuse_it()
    {
        await using var upstream = new RawUpstream(head => Ok.Replace("ok", head.Contains("Content-Length: 7", StringComparison.Ordinal) ? "in" : "no",
            StringComparison.Ordinal));
        var interceptor = new Wrapper();
        await using var host = await ForwarderHost.StartAsync(upstream.Address, new ScriptedCredential(), new UpstreamParts { Interceptors = [interceptor] });

        Assert.Equal("in", await (await host.Client.PostAsync("/wrapped", new StringContent("abc"))).Content.ReadAsStringAsync());
        Assert.Equal("no", await (await host.Client.PostAsync("/other", new StringContent("abc"))).Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await host.Client.PostAsync("/wrapped", new StringContent("refuse"))).StatusCode);
        interceptor.RefusesAnswers = true;
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await host.Client.PostAsync("/wrapped", new StringContent("abc"))).StatusCode);

        Assert.Equal(["in", "in"], interceptor.Answers);
        Assert.Equal(3, upstream.Heads.Count);
    }

    [Fact]
    public async Task Each_account_s_requests_go_to_its_own_server()
    {
        await using var upstream = new RawUpstream(_ => Ok);
        var address = new OneServer(upstream.Address);
        await using var host = await ForwarderHost.StartAsync(null, new ScriptedCredential(), new UpstreamParts { Address = address });

        Assert.Equal(HttpStatusCode.OK, (await host.Client.GetAsync("/xrpc/a")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await host.Client.GetAsync("/oauth/a")).StatusCode);
        address.Server = new Uri("http://127.0.0.1:9");
        Assert.Equal(HttpStatusCode.BadGateway, (await host.Client.GetAsync("/xrpc/a")).StatusCode);

        Assert.Equal([ForwarderHost.Context], address.Silent);
        Assert.Single(upstream.Heads);
    }

    private sealed class Wrapper : IInterceptor
    {
        public List<string> Answers { get; } = [];
        public bool RefusesAnswers { get; set; }
        public string Method => "POST";
        public string Path => "/wrapped";

        public async ValueTask<Interception> BeginAsync(InterceptedRequest request, CancellationToken cancellationToken)
        {
            if (!(await request.ReadBodyAsync()).Succeeded(out var body, out var failure)) return new(Refused: failure);
            if (Encoding.UTF8.GetString(body) == "refuse") return new(Refused: new Failure(ErrorId.Unprocessable, "not wrapped"));
            request.ReplaceBody([.. "<<"u8, .. body, .. ">>"u8]);
            return new(OnAnswer: OnAnswerAsync);
        }

        private async ValueTask<Failure?> OnAnswerAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
        {
            await answer.Content.LoadIntoBufferAsync(1024, cancellationToken);
            Answers.Add(await answer.Content.ReadAsStringAsync(cancellationToken));
            return RefusesAnswers ? new Failure(ErrorId.StoreUnavailable, "not kept") : null;
        }
    }

    private sealed class OneServer(Uri server) : IUpstreamAddress
    {
        public Uri Server { get; set; } = server;
        public List<AuthContext> Silent { get; } = [];

        public ValueTask<Result<string>> FindAsync(AuthContext context, string path, CancellationToken cancellationToken) =>
            path.StartsWith("/xrpc/", StringComparison.Ordinal) ? new(Server.AbsoluteUri.TrimEnd('/')) : new(new Failure(ErrorId.Forbidden, "not this path"));

        public void NoAnswer(AuthContext context, string origin) => Silent.Add(context);
    }
}
