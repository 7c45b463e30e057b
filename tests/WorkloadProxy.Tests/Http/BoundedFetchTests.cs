using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using WorkloadProxy.Outbound;
using WorkloadProxy.Tests.Authentication;

namespace WorkloadProxy.Tests.Http;

public sealed class BoundedFetchTests : IAsyncDisposable
{
    private readonly BoundedFetch fetch = new(TimeProvider.System);
    private readonly List<WebApplication> servers = [];

    [Fact]
    public async Task A_document_comes_as_it_is()
    {
        var address = await ServeAsync((context, _) => context.Response.WriteAsync("""{"a":1}"""));
        var fetched = await GetAsync(address, FetchTrust.Listed);
        Assert.Equal("""{"a":1}""", Encoding.UTF8.GetString(fetched.Content!));
    }

    [Fact]
    public async Task A_document_of_the_largest_size_is_taken()
    {
        var address = await ServeAsync((context, _) => context.Response.Body.WriteAsync(new byte[BoundedFetch.MaxBytes]).AsTask());
        Assert.Equal(BoundedFetch.MaxBytes, (await GetAsync(address, FetchTrust.Listed)).Content?.Length);
    }

    [Fact]
    public async Task A_document_with_a_length_beyond_the_cap_is_not_read()
    {
        var address = await ServeAsync((context, _) =>
        {
            context.Response.ContentLength = BoundedFetch.MaxBytes + 1;
            return context.Response.Body.WriteAsync(new byte[BoundedFetch.MaxBytes + 1]).AsTask();
        });
        var fetched = await GetAsync(address, FetchTrust.Listed);
        Assert.Equal($"`{address}` holds more than 524288 bytes", fetched.Error);
    }

    [Fact]
    public async Task An_endless_document_is_cut_at_the_cap()
    {
        // a bare socket: Kestrel goes on writing into nothing for a while after the connection is gone
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = Task.Run(async () =>
        {
            using var socket = await listener.AcceptSocketAsync();
            long sent = 0;
            var chunk = new byte[16384];
            try
            {
                await socket.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"u8.ToArray());
                while (sent < 200_000_000) sent += await socket.SendAsync(chunk);
            }
            catch (SocketException)
            {
            }

            return sent;
        });
        var address = new Uri($"http://{listener.LocalEndpoint}/");
        var fetched = await GetAsync(address, FetchTrust.Listed);
        Assert.Equal($"`{address}` holds more than 524288 bytes", fetched.Error);
        // the sockets' own buffers take some more
        Assert.InRange(await serving.WaitAsync(TimeSpan.FromSeconds(20)), BoundedFetch.MaxBytes, 20_000_000);
    }

    [Fact]
    public async Task A_redirect_within_the_origin_is_followed()
    {
        var address = await ServeAsync((context, target) =>
        {
            if (target != "/end") context.Response.Redirect("/end");
            return target == "/end" ? context.Response.WriteAsync("{}") : Task.CompletedTask;
        });
        Assert.Equal("{}", Encoding.UTF8.GetString((await GetAsync(address, FetchTrust.Listed)).Content ?? []));
    }

    [Fact]
    public async Task A_redirect_to_another_origin_is_not_followed()
    {
        var asked = 0;
        var other = await ServeAsync((_, _) => { Interlocked.Increment(ref asked); return Task.CompletedTask; });
        foreach (var location in new[] { other.ToString(), other.ToString().Replace("127.0.0.1", "localhost"), "//" + other.Authority
            + "/", "https://issuer.example/", "file:///etc/passwd" })
        {
            var address = await ServeAsync((context, _) =>
                { context.Response.StatusCode = 302; context.Response.Headers.Location = location; return Task.CompletedTask; });
            Assert.Contains("redirects to another origin", (await GetAsync(address, FetchTrust.Listed)).Error);
        }

        Assert.Equal(0, asked);
    }

    [Fact]
    public async Task A_circle_of_redirects_ends()
    {
        var asked = 0;
        var address = await ServeAsync((context, _) => { asked++; context.Response.Redirect("/again"); return Task.CompletedTask; });
        Assert.Contains("more than 3 times", (await GetAsync(address, FetchTrust.Listed)).Error);
        Assert.Equal(4, asked);
    }

    [Fact]
    public async Task A_compressed_answer_is_refused()
    {
        var address = await ServeAsync((context, _) => { context.Response.Headers.ContentEncoding = "gzip"; return context.Response.WriteAsync("{}"); });
        Assert.Contains("compressed", (await GetAsync(address, FetchTrust.Listed)).Error);
    }

    [Fact]
    public async Task A_server_error_is_tried_again_and_a_refusal_is_not()
    {
        var asked = 0;
        var address = await ServeAsync((context, target) =>
        {
            asked++;
            context.Response.StatusCode = target == "/missing" ? 404 : asked < 3 ? 503 : 200;
            return Task.CompletedTask;
        });
        Assert.NotNull((await GetAsync(address, FetchTrust.Listed)).Content);
        Assert.Equal(3, asked);
        Assert.Contains("answered 404", (await GetAsync(new Uri(address, "/missing"), FetchTrust.Listed)).Error);
        Assert.Equal(4, asked);
    }

    [Fact]
    public async Task Cookies_are_not_kept()
    {
        var cookies = 0;
        var address = await ServeAsync((context, _) =>
        {
            if (context.Request.Headers.Cookie.Count > 0) cookies++;
            context.Response.Headers.SetCookie = "a=b";
            return context.Response.WriteAsync("{}");
        });
        await GetAsync(address, FetchTrust.Listed);
        await GetAsync(address, FetchTrust.Listed);
        Assert.Equal(0, cookies);
    }

    [Fact]
    public async Task A_server_that_never_answers_is_given_up()
    {
        var time = new ManualTime();
        using var timed = new BoundedFetch(time);
        var address = await ServeAsync((context, _) => Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }));
        var fetched = await time.AdvanceUntilAsync(timed.GetAsync(address, FetchTrust.Listed, CancellationToken.None), TimeSpan.FromSeconds(1),
            TimeSpan.FromMinutes(1));
        Assert.Equal($"`{address}` did not answer in 4 s", fetched.Error);
    }

    [Theory]
    [InlineData("https://127.0.0.1:{0}/")]
    [InlineData("https://127.1:{0}/")]
    [InlineData("https://0x7f000001:{0}/")]
    [InlineData("https://2130706433:{0}/")]
    [InlineData("https://0.0.0.0:{0}/")]
    [InlineData("https://[::ffff:127.0.0.1]:{0}/")]
    [InlineData("https://[::1]:{0}/")]
    [InlineData("https://[64:ff9b::7f00:1]:{0}/")]
    [InlineData("https://localhost:{0}/")]
    public async Task An_unlisted_address_on_loopback_is_refused_before_a_connection(string template)
    {
        var connections = 0;
        var address = await ServeAsync((_, _) => Task.CompletedTask, () => Interlocked.Increment(ref connections));
        var fetched = await GetAsync(new Uri(template.Replace("{0}", address.Port.ToString())), FetchTrust.Public);
        Assert.Contains("has no public address", fetched.Error);
        Assert.Equal(0, connections);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("169.254.169.254")]
    [InlineData("10.0.0.1")]
    [InlineData("fd00:ec2::254")]
    [InlineData("::ffff:100.64.0.1")]
    public async Task A_name_that_resolves_to_a_private_address_is_refused_before_a_connection(string resolved)
    {
        using var guarded = new BoundedFetch(TimeProvider.System, (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Parse(resolved), IPAddress.Loopback]));
        var fetched = await guarded.GetAsync(new Uri("https://issuer.example/"), FetchTrust.Public, CancellationToken.None);
        Assert.Equal("`issuer.example` has no public address", fetched.Error);
        Assert.False(fetched.Transient);
    }

    [Theory]
    [InlineData("http://issuer.example/")]
    [InlineData("http://100.64.0.1/")]
    [InlineData("https://user@issuer.example/")]
    [InlineData("ftp://127.0.0.1/")]
    [InlineData("file:///etc/passwd")]
    public async Task A_listed_address_is_https_or_http_on_loopback_and_in_the_cluster(string address) =>
        Assert.Equal($"`{address}` is refused: expected https, or http on loopback or in the cluster", (await GetAsync(new Uri(address), FetchTrust.Listed))
            .Error);

    [Fact]
    public async Task An_unlisted_address_is_https()
    {
        var asked = 0;
        var address = await ServeAsync((_, _) => { asked++; return Task.CompletedTask; });
        Assert.Equal($"`{address}` is refused: expected https", (await GetAsync(address, FetchTrust.Public)).Error);
        Assert.Equal(0, asked);
    }

    public async ValueTask DisposeAsync()
    {
        fetch.Dispose();
        foreach (var server in servers) await server.DisposeAsync();
    }

    private Task<Fetched> GetAsync(Uri address, FetchTrust trust) => fetch.GetAsync(address, trust, CancellationToken.None);

    private async Task<Uri> ServeAsync(Func<HttpContext, string, Task> answer, Action? connected = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Use(next => connection =>
        {
            connected?.Invoke();
            return next(connection);
        })));
        var app = builder.Build();
        servers.Add(app);
        app.Run(context => answer(context, context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget));
        await app.StartAsync();
        return new Uri(app.Urls.First() + "/");
    }
}
