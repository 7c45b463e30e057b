using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Provisioning;

/// <summary><c>kill -9</c> around the moment in which a proof or a refresh is stored.</summary>
public sealed class KilledServerTests
{
    [Fact]
    public async Task A_proof_that_a_kill_interrupts_is_either_unspent_or_has_served_for_good()
    {
        await using var test = await ProvisioningTest.StartAsync();
        await test.Proxy.StopServerAsync();
        var (configuration, address) = ServedProcess.Configure(test.Proxy);
        using var http = new HttpClient { BaseAddress = address };
        string early, late, earlySignature, lateSignature;
        await using (var process = Start(test, configuration))
        {
            await process.ReadyAsync(address);
            (early, late) = (await CreateAsync(test, http), await CreateAsync(test, http));
            (earlySignature, lateSignature) = (await test.SignAsync(early), await test.SignAsync(late));
            var proof = ProveAsync(http, late, lateSignature);
            await UntilAsync(test, "SELECT count(*) FROM provisioned_droplets WHERE proved_at IS NOT NULL");
            var interrupted = ProveAsync(http, early, earlySignature);
            await test.Proxy.Sandbox.Requests.First(request => request.Method == "GET" && request.Target.EndsWith("3164444", StringComparison.Ordinal));
            await process.KillAsync();
            await Task.WhenAll(IgnoreAsync(proof), IgnoreAsync(interrupted));
        }
        await using var again = Start(test, configuration);
        await again.ReadyAsync(address);
        Assert.Equal(HttpStatusCode.Unauthorized, (await ProveAsync(http, late, lateSignature)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await ProveAsync(http, early, earlySignature)).StatusCode);
    }

    [Fact]
    public async Task A_refresh_whose_answer_a_kill_swallows_is_answered_by_the_server_after_it()
    {
        await using var test = await ProvisioningTest.StartAsync();
        await test.Proxy.StopServerAsync();
        var (configuration, address) = ServedProcess.Configure(test.Proxy);
        using var http = new HttpClient { BaseAddress = address };
        string refresh;
        await using (var process = Start(test, configuration))
        {
            await process.ReadyAsync(address);
            var token = await CreateAsync(test, http);
            using var proved = await ProveAsync(http, token, await test.SignAsync(token));
            refresh = JsonDocument.Parse(await proved.Content.ReadAsStringAsync()).RootElement.GetProperty("refresh_token").GetString()!;
            var lost = PostAsync(http, "/v1/oidc/refresh", refresh, "");
            await UntilAsync(test, "SELECT count(*) FROM refresh_tokens WHERE spent_at IS NOT NULL");
            await process.KillAsync();
            await IgnoreAsync(lost);
        }
        await using var again = Start(test, configuration);
        await again.ReadyAsync(address);
        using var answer = await PostAsync(http, "/v1/oidc/refresh", refresh, "");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var next = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("refresh_token").GetString()!;
        using var after = await PostAsync(http, "/v1/oidc/refresh", next, "");
        Assert.Equal(HttpStatusCode.OK, after.StatusCode);
    }

    private static ServedProcess Start(ProvisioningTest test, string configuration) => ServedProcess.Start(configuration,
        ("Upstreams__DigitalOcean__PassThrough", "true"), ("Provisioning__SshPort", $"{test.Sshd.Port}"), ("Provisioning__AllowPrivateAddresses", "true"));

    private static async Task<string> CreateAsync(ProvisioningTest test, HttpClient http)
    {
        using var answer = await PostAsync(http, "/v2/droplets", test.Proxy.Sandbox.Options.UserToken, ProvisioningTest.Body().ToJsonString());
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        return ProvisioningTest.TokenIn(test.LastUserData());
    }

    private static Task<HttpResponseMessage> ProveAsync(HttpClient http, string token, string signature) => PostAsync(http, "/v1/oidc/prove", token, JsonSerializer.Serialize(new { sig = signature }));

    private static async Task<HttpResponseMessage> PostAsync(HttpClient http, string path, string token, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return await http.SendAsync(request);
    }

    private static async Task UntilAsync(ProvisioningTest test, string count)
    {
        await using var connection = new SqliteConnection($"Data Source={Path.Combine(test.Proxy.Options.DataDirectory, "store.db")};Mode=ReadOnly;Pooling=False");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = count;
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (command.ExecuteScalar() is not > 0L) await poll.WaitForNextTickAsync(patience.Token);
    }

    private static async Task IgnoreAsync(Task<HttpResponseMessage> sent)
    {
        try
        {
            (await sent).Dispose();
        }
        catch (HttpRequestException)
        {
            // the kill was first
        }
    }
}
