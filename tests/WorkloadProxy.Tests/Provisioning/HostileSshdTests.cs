using System.Net;
using System.Net.Sockets;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Provisioning;

/// <summary>What listens at a droplet's address is its owner's to choose: it may be slow, lie, or never end.</summary>
public sealed class HostileSshdTests
{
    private static readonly byte[] banner = "SSH-2.0-OpenSSH_9.2p1\r\n"u8.ToArray();

    public static TheoryData<string> Kinds => ["closed", "silent", "banner", "endless banner", "endless", "garbage", "http"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task An_sshd_that_shows_no_key_costs_seconds_and_spends_nothing(string kind)
    {
        var port = Ports.Free();
        using var listener = new TcpListener(IPAddress.Loopback, port);
        listener.Start();
        using var ended = new CancellationTokenSource();
        var serving = kind == "closed" ? Task.CompletedTask : ServeAsync(listener, kind, ended.Token);
        if (kind == "closed") listener.Stop();

        await using var test = await ProvisioningTest.StartAsync(configure: options => options with { Provisioning = new(port, AllowPrivateAddresses: true) });
        var token = ProvisioningTest.TokenIn((await test.CreateAsync()).UserData);
        var signature = await test.SignAsync(token);
        var answer = await test.ProveAsync(token, signature, tries: 1);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "upstream_unreachable"), (answer.Status, answer.ErrorId));
        Assert.True(answer.Headers.ContainsKey("Retry-After"));
        await ended.CancelAsync();
        await serving;
        listener.Stop();

        // the same proof, once the real one listens there
        await using var real = await GitHosting.LocalSshd.StartAsync(test.Files, at: port, name: "late");
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.ProveAsync(token, signature)).Status);
        Assert.Equal(HttpStatusCode.OK, (await test.ProveAsync(token, await test.SignAsync(token, Path.Combine(test.Files.Path, "late")))).Status);
    }

    [Fact]
    public async Task Ten_proofs_a_minute_are_tried_for_a_droplet()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var test = await ProvisioningTest.StartAsync(time, options => options with { TrustedProxies = [IPNetwork.Parse("127.0.0.0/8")] });
        var token = ProvisioningTest.TokenIn((await test.CreateAsync()).UserData);
        var wrong = await test.SignAsync(token + "x");
        // from another address each
        for (var i = 0; i < 10; i++) Assert.Equal(HttpStatusCode.Unauthorized, (await ProveFromAsync(test, $"203.0.113.{i}", token, wrong)).Status);
        var limited = await ProveFromAsync(test, "203.0.113.100", token, wrong);
        Assert.Equal((HttpStatusCode.TooManyRequests, "too_many_requests"), (limited.Status, limited.ErrorId));
        Assert.True(limited.Headers.ContainsKey("Retry-After"));
        time.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(HttpStatusCode.OK, (await ProveFromAsync(test, "203.0.113.100", token, await test.SignAsync(token))).Status);
    }

    [Fact]
    public async Task Ten_failures_a_minute_are_heard_from_an_address_also_at_once_and_good_refresh_tokens_go_on()
    {
        await using var test = await ProvisioningTest.StartAsync();
        var (_, tokens) = await test.ProvedAsync();
        var signature = await test.SignAsync("x");
        var proofs = await Task.WhenAll(Enumerable.Range(10, 40).Select(i => test.ProveAsync($"eyJhbGciOiJFUzI1NiJ9.e30.AA{i}", signature)));
        var refreshes = await Task.WhenAll(Enumerable.Range(10, 40).Select(i => test.RefreshAsync($"wpr_{new string('A', 41)}{i}")));
        foreach (var answers in new[] { proofs, refreshes })
        {
            Assert.Equal(10, answers.Count(answer => answer.Status == HttpStatusCode.Unauthorized));
            Assert.Equal(30, answers.Count(answer => answer.Status == HttpStatusCode.TooManyRequests && answer.Headers.ContainsKey("Retry-After")));
        }
        Assert.Equal(HttpStatusCode.OK, (await test.RefreshAsync(tokens.GetProperty("refresh_token").GetString()!)).Status);
    }

    [Fact]
    public async Task Bodies_that_come_slowly_keep_nobody_waiting()
    {
        await using var test = await ProvisioningTest.StartAsync();
        var token = ProvisioningTest.TokenIn((await test.CreateAsync()).UserData);
        var slow = new List<TcpClient>();
        for (var i = 0; i < 20; i++)
        {
            var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, test.Proxy.Address.Port);
            await client.GetStream().WriteAsync(System.Text.Encoding.ASCII.GetBytes(
                $"POST /v1/oidc/prove HTTP/1.1\r\nHost: proxy.test\r\nAuthorization: Bearer {token}\r\nContent-Length: 100\r\n\r\n{{"));
            slow.Add(client);
        }
        Assert.Equal(HttpStatusCode.OK, (await test.ProveAsync(token, await test.SignAsync(token))).Status);
        foreach (var client in slow) client.Dispose();
    }

    private static Task<Answer> ProveFromAsync(ProvisioningTest test, string client, string token, string signature) => test.Proxy.SendAsync(
        HttpMethod.Post, "/v1/oidc/prove", token, new StringContent(System.Text.Json.JsonSerializer.Serialize(new { sig = signature })),
        request => request.Headers.Add("X-Forwarded-For", client));

    private static async Task ServeAsync(TcpListener listener, string kind, CancellationToken ended)
    {
        var connections = new List<Task>();
        try
        {
            while (true) connections.Add(AnswerAsync(await listener.AcceptTcpClientAsync(ended), kind, ended));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            await Task.WhenAll(connections);
        }
    }

    private static async Task AnswerAsync(TcpClient client, string kind, CancellationToken ended)
    {
        using (client)
        {
            try
            {
                await using var stream = client.GetStream();
                if (kind is "banner" or "endless" or "garbage") await stream.WriteAsync(banner, ended);
                if (kind == "http") await stream.WriteAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray(), ended);
                if (kind == "garbage") await stream.WriteAsync(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF }, ended);
                while (kind is "endless banner" or "endless") await stream.WriteAsync(new byte[8192], ended);
                if (kind is "silent" or "banner") await Task.Delay(Timeout.Infinite, ended);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                // the scan has ended
            }
        }
    }
}
