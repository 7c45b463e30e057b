using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Microsoft.Extensions.Configuration;
using WorkloadProxy.Audit;

namespace WorkloadProxy.Tests.Serving;

/// <summary>What one caller can take of what all share.</summary>
public sealed class ShareTests
{
    [Fact]
    public async Task An_address_whose_API_tokens_have_a_thousand_requests_under_way_gets_429_and_leaves_the_rest_to_others()
    {
        var release = new TaskCompletionSource();
        await using var proxy = await TestProxy.StartAsync(configure: (options, _) => options with
            { Framework = Settings("Kestrel:Endpoints:a:Protocols", "Http2") });
        proxy.Sandbox.Intercept = async http =>
        {
            if (http.Request.Headers.ContainsKey("X-Hang")) await release.Task;
            return false;
        };
        using var client = new HttpClient(new SocketsHttpHandler { EnableMultipleHttp2Connections = true });
        var hanging = Enumerable.Range(0, InFlightShares.MaxOfAddress).Select(_ => StatusAsync(proxy.Sandbox.Options.UserToken, hang: true)).ToList();
        await proxy.Sandbox.Requests.First(request => request.Number == InFlightShares.MaxOfAddress);

        using var refused = await SendAsync(proxy.Sandbox.Options.UserToken, hang: false);

        Assert.Equal((HttpStatusCode.TooManyRequests, TimeSpan.FromSeconds(1)), (refused.StatusCode, refused.Headers.RetryAfter?.Delta));
        Assert.Contains("this address has 1024 requests under way", await refused.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(proxy.IdentityToken(), hang: false));
        release.SetResult();
        Assert.All(await Task.WhenAll(hanging), status => Assert.Equal(HttpStatusCode.OK, status));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(proxy.Sandbox.Options.UserToken, hang: false));
        var line = Assert.Single(await proxy.AuditAsync(InFlightShares.MaxOfAddress + 3), line => line.GetProperty("status").GetInt32() == 429);
        Assert.Equal(("deny", "too_many_requests"), (line.GetProperty("decision").GetString(), line.GetProperty("error").GetString()));

        async Task<HttpStatusCode> StatusAsync(string token, bool hang)
        {
            using var answer = await SendAsync(token, hang);
            return answer.StatusCode;
        }

        Task<HttpResponseMessage> SendAsync(string token, bool hang)
        {
            var request = new HttpRequestMessage(HttpMethod.Get, new Uri(proxy.Address, "/v2/account"))
                { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            if (hang) request.Headers.Add("X-Hang", "1");
            return client.SendAsync(request);
        }
    }

    [Fact]
    public async Task Connections_beyond_the_limit_are_closed()
    {
        await using var proxy = await TestProxy.StartAsync(configure: (options, _) => options with
            { Framework = Settings("Kestrel:Limits:MaxConcurrentConnections", "2") });
        using var first = await ConnectAsync();
        using var second = await ConnectAsync();
        using var third = new TcpClient();
        await third.ConnectAsync(IPAddress.Loopback, proxy.Address.Port);

        Assert.Equal(0, await ReadAsync(third));

        async Task<TcpClient> ConnectAsync()
        {
            var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, proxy.Address.Port);
            await client.GetStream().WriteAsync("GET /health/live HTTP/1.1\r\nHost: proxy.test\r\n\r\n"u8.ToArray());
            Assert.True(await ReadAsync(client) > 0);
            return client;
        }

        static async Task<int> ReadAsync(TcpClient client)
        {
            try
            {
                return await client.GetStream().ReadAsync(new byte[1000]);
            }
            catch (IOException)
            {
                return 0;
            }
        }
    }

    private static IConfigurationRoot Settings(string key, string value) => new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
    {
        ["Kestrel:Endpoints:a:Url"] = "http://127.0.0.1:0",
        ["Logging:LogLevel:Default"] = "Error",
        [key] = value,
    }).Build();
}
