using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using WorkloadProxy.Cli.Output;

namespace WorkloadProxy.Tests.GitHosting;

public class WebhookTests
{
    private const string Path = "/_rbac/DigitalOcean/f81d4fae-7dec-11d0-a765-00a0c91e6bf6/webhook";

    [Theory]
    [InlineData("ping")]
    [InlineData("pull_request")]
    [InlineData("no such event")]
    public async Task Whatever_the_event_a_good_signature_is_a_reason_to_look(string type)
    {
        await using var test = await StartAsync();

        Assert.Equal(HttpStatusCode.Accepted, await PostAsync(test, "{\"zen\":\"…\"}", Sign("{\"zen\":\"…\"}"), type));
    }

    [Fact]
    public async Task A_signature_of_another_length_or_form_is_wrong()
    {
        await using var test = await StartAsync();
        var good = Sign("{}");

        foreach (var signature in new[] { good[..^2], good + "00", good[..^1], good.ToUpperInvariant(), "sha256=", good["sha256=".Length..], good[..^1]
            + "g", new string('0', 10_000) })
            Assert.Contains(await PostAsync(test, "{}", signature), (HttpStatusCode[])[HttpStatusCode.Unauthorized, HttpStatusCode.TooManyRequests]);
    }

    [Fact]
    public async Task A_signature_in_upper_case_digits_is_the_same_and_one_over_another_body_is_not()
    {
        await using var test = await StartAsync();

        Assert.Equal(HttpStatusCode.Accepted, await PostAsync(test, "{}", "sha256=" + Sign("{}")["sha256=".Length..].ToUpperInvariant()));
        Assert.Equal(HttpStatusCode.Unauthorized, await PostAsync(test, "{ }", Sign("{}")));
    }

    [Fact]
    public async Task A_body_over_a_megabyte_is_refused_unread()
    {
        await using var test = await StartAsync();

        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, test.Proxy.Address.Port, TestContext.Current.CancellationToken);
        await client.GetStream()
            .WriteAsync(Encoding.ASCII.GetBytes($"POST {Path} HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: {Sign("")}\r\nContent-Length: 1048577\r\n\r\n"),
                TestContext.Current.CancellationToken);

        // nothing of the body is ever sent
        using var reader = new StreamReader(client.GetStream(), Encoding.Latin1);
        Assert.StartsWith("HTTP/1.1 413 ", await reader.ReadLineAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Wrong_deliveries_from_an_address_do_not_stop_a_good_one()
    {
        await using var test = await StartAsync();
        for (var i = 0; i < 10; i++) Assert.Equal(HttpStatusCode.Unauthorized, await PostAsync(test, "{}", "sha256=00"));

        Assert.Equal(HttpStatusCode.TooManyRequests, await PostAsync(test, "{}", "sha256=00"));
        Assert.Equal(HttpStatusCode.Accepted, await PostAsync(test, "{}", Sign("{}")));
    }

    [Theory]
    [InlineData(Path)]
    [InlineData("/_rbac/DigitalOcean/nobody/webhook")]
    [InlineData("/_rbac/Nowhere/nobody/webhook")]
    public async Task A_webhook_that_is_not_configured_answers_as_a_wrong_signature_does(string path)
    {
        await using var test = await StartAsync();
        var wrong = await test.Proxy.SendAsync(HttpMethod.Post, Path, null, new StringContent("{}"));
        await using var without = await RemoteTest.StartAsync();

        var answer = await without.Proxy.SendAsync(HttpMethod.Post, path, null, new StringContent("{}"));

        Assert.Equal((wrong.Status, wrong.Json.GetProperty("message").GetString(), wrong.Headers["WWW-Authenticate"]),
            (answer.Status, answer.Json.GetProperty("message").GetString(), answer.Headers["WWW-Authenticate"]));
        Assert.Equal(HttpStatusCode.Unauthorized, answer.Status);
    }

    [Fact]
    public async Task A_body_that_does_not_come_is_waited_for_as_long_as_a_forms()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var test = await StartAsync(time);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, test.Proxy.Address.Port, TestContext.Current.CancellationToken);
        await client.GetStream()
            .WriteAsync(Encoding.ASCII.GetBytes($"POST {Path} HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: {Sign("{}")}\r\nContent-Length: 2\r\n\r\n{{"),
                TestContext.Current.CancellationToken);
        using var reader = new StreamReader(client.GetStream(), Encoding.Latin1);

        var answer = reader.ReadLineAsync(TestContext.Current.CancellationToken).AsTask();
        while (!answer.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(31));
            await Task.WhenAny(answer, Task.Delay(10, TestContext.Current.CancellationToken));
        }

        Assert.StartsWith("HTTP/1.1 400 ", await answer);
    }

    [Fact]
    public async Task Wrong_deliveries_fill_no_audit()
    {
        // the clock stands still: all of it comes in one second
        await using var test = await StartAsync(new FakeTimeProvider(TimeProvider.System.GetUtcNow()));
        for (var i = 0; i < 130; i++) await PostAsync(test, "{}", "sha256=00");
        await test.Proxy.StopServerAsync();

        var lines = await test.Proxy.AuditAsync(2);

        Assert.Equal(100, lines.Count(line => line.TryGetProperty("request_id", out _)));
        Assert.Single(lines, line => line.GetProperty("reason").GetString()!.StartsWith("30 more requests", StringComparison.Ordinal));
        // whoever set up the secret wrongly finds out which
        Assert.Equal("api://DigitalOcean?actx=f81d4fae-7dec-11d0-a765-00a0c91e6bf6", lines[0].GetProperty("context").GetString());
        await test.Proxy.StartServerAsync();
    }

    [Fact]
    public async Task A_flood_of_replays_is_answered_and_looks_no_oftener_than_a_look_lasts()
    {
        await using var test = await StartAsync();
        await RemoteTest.WriteAndCommit(test.Git, test.Proxy.Sandbox, "/v2/account");
        var signature = Sign("{}");

        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => PostAsync(test, "{}", signature)));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.Accepted, answer));
        while (await test.AskAsync("/v2/account") != HttpStatusCode.OK) Assert.Equal(0, (await test.PullAsync()).ExitCode);
    }

    private static Task<RemoteTest> StartAsync(TimeProvider? time = null)
        => RemoteTest.StartAsync((_, files, remote) => Task.FromResult(remote with { WebhookSecretFile = files.Write("secret", "s3cret\n") }), time: time);

    private static string Sign(string body) => "sha256=" + Convert.ToHexStringLower(HMACSHA256.HashData("s3cret"u8, Encoding.UTF8.GetBytes(body)));

    private static async Task<HttpStatusCode> PostAsync(RemoteTest test, string body, string signature, string type = "push")
    {
        var content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        return (await test.Proxy.SendAsync(HttpMethod.Post, Path, null, content, request =>
        {
            request.Headers.TryAddWithoutValidation("X-Hub-Signature-256", signature);
            request.Headers.TryAddWithoutValidation("X-GitHub-Event", type);
        })).Status;
    }
}
