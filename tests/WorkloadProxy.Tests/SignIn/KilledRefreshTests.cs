using System.Net;
using System.Text.Json.Nodes;
using Sandbox.OAuth;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.SignIn;

/// <summary>A real process that is killed in the middle of a refresh, and what the next one finds.</summary>
public sealed class KilledRefreshTests
{
    [Fact]
    public async Task Before_the_cloud_has_seen_it_nothing_is_lost()
    {
        await using var test = await KilledAsync(OAuthFault.Slow, () => true);

        Assert.Equal(HttpStatusCode.OK, (await test.AskAsync()).Status);
        Assert.Equal(1, test.OAuth.Refreshes);
        Assert.Equal("ok", (await test.HealthAsync()).Status);
    }

    [Fact]
    public async Task Between_the_answer_and_the_commit_the_credential_is_lost_and_everything_says_so_until_someone_signs_in()
    {
        SignInTest? running = null;
        await using var test = await KilledAsync(OAuthFault.HeldAnswer, () => running!.OAuth.Refreshes == 1, started => running = started);

        var answer = await test.AskAsync();

        Assert.Equal((HttpStatusCode.BadGateway, "credential_unavailable"), (answer.Status, answer.ErrorId));
        var (status, detail) = await test.HealthAsync();
        Assert.Equal("degraded", status);
        Assert.Contains("the answer to an earlier refresh was lost", detail);
        Assert.Contains(">connected<", (await test.SignInAsync()).Page.Body);
        Assert.Equal(HttpStatusCode.OK, (await test.AskAsync()).Status);
    }

    /// <summary>A team is connected, the program is killed while it refreshes, and a server is started again on what it left.</summary>
    private static async Task<SignInTest> KilledAsync(OAuthFault fault, Func<bool> isThere, Action<SignInTest>? started = null)
    {
        var test = await SignInTest.ConnectedAsync();
        started?.Invoke(test);
        test.OAuth.Lifetime = TimeSpan.FromSeconds(2);
        await test.SignInAsync();
        await test.Proxy.StopServerAsync();
        test.OAuth.Order(fault);
        var expired = TimeProvider.System.GetUtcNow() + TimeSpan.FromSeconds(2);
        await SignInTest.UntilAsync(() => TimeProvider.System.GetUtcNow() > expired, "the end of the token");
        var before = Asked(test);
        await using (var process = ServedProcess.Start(Configure(test)))
        {
            using var http = new HttpClient();
            await process.ReadyAsync(test.Proxy.Address);
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(test.Proxy.Address, "/v2/databases"));
            request.Headers.Authorization = new("Bearer", test.Proxy.IdentityToken());
            var hanging = http.SendAsync(request);
            await SignInTest.UntilAsync(() => Asked(test) > before && isThere(), "a refresh");
            await process.KillAsync();
            await Assert.ThrowsAnyAsync<HttpRequestException>(() => hanging);
        }
        test.OAuth.Lifetime = TimeSpan.FromDays(30);
        await test.Proxy.StartServerAsync();
        return test;
    }

    private static int Asked(SignInTest test) => test.Proxy.Sandbox.Requests.All.Count(request => request.Target == "/v1/oauth/token");

    private static string Configure(SignInTest test)
    {
        var options = test.Proxy.Options;
        var oauth = options.Upstreams["DigitalOcean"].OAuth!;
        var file = Path.Combine(test.Proxy.Folder, "workload-proxy.json");
        File.WriteAllText(file, new JsonObject
        {
            ["PublicUrl"] = options.PublicUrl,
            ["Urls"] = options.PublicUrl,
            ["DataDirectory"] = options.DataDirectory,
            ["Upstreams"] = new JsonObject
            {
                ["DigitalOcean"] = new JsonObject
                {
                    ["Kind"] = "digitalocean",
                    ["Address"] = test.Proxy.Sandbox.Address.ToString(),
                    ["OAuth"] = new JsonObject { ["Address"] = oauth.Address.ToString(), ["ClientId"] = oauth.ClientId,
                        ["ClientSecretFile"] = oauth.ClientSecretFile, ["Teams"] = new JsonArray("*") },
                },
            },
            ["Issuers"] = new JsonArray(new JsonObject { ["Issuer"] = test.Proxy.Sandbox.Issuer.Issuer }),
            ["Tokens"] = new JsonObject { ["Algorithm"] = "ES256" },
            ["Audit"] = new JsonObject { ["File"] = test.Proxy.AuditFile },
        }.ToJsonString());
        return file;
    }
}
