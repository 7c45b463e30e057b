using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http.Features;
using Sandbox.AtProto;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.SignIn.AtProto;

/// <summary>
/// A real process that is killed in the middle of a refresh, and what the next one finds: it need not wait for the lease to run out, for it knows that the
/// holder is gone.
/// </summary>
public sealed class KilledRefreshTests
{
    [Fact]
    public async Task Before_the_authorization_server_has_seen_it_nothing_is_lost()
    {
        await using var test = await KilledAsync(AtProtoFault.Slow, _ => true);

        Assert.Equal(HttpStatusCode.OK, (await test.WriteAsync(test.Alice)).Status);
        Assert.Equal(1, test.Server.OAuth.Refreshes);
        Assert.Equal("ok", (await test.HealthAsync()).Status);
    }

    [Fact]
    public async Task Between_the_answer_and_the_commit_the_session_ends_with_the_next_try_and_everything_says_so()
    {
        await using var test = await KilledAsync(AtProtoFault.HeldAnswer, test => test.Server.OAuth.Refreshes == 1);

        var answer = await test.WriteAsync(test.Alice);

        Assert.Equal((HttpStatusCode.BadGateway, "credential_unavailable"), (answer.Status, answer.ErrorId));
        Assert.Contains("the answer to an earlier refresh was lost", (await test.HealthAsync()).Detail);
        await test.SignInAsync(test.Alice);
        Assert.Equal(HttpStatusCode.OK, (await test.WriteAsync(test.Alice)).Status);
    }

    private static async Task<AccountTest> KilledAsync(AtProtoFault fault, Func<AccountTest, bool> isThere)
    {
        var test = await AccountTest.StartAsync(forwards: true, development: true);
        test.Server.Nonces.Period = TimeSpan.FromHours(1);
        test.Server.OAuth.AccessLifetime = TimeSpan.FromSeconds(1);
        await test.SignInAsync(test.Alice);
        await test.Proxy.StopServerAsync();
        var expired = TimeProvider.System.GetUtcNow() + TimeSpan.FromSeconds(1.1);
        await SignInTest.UntilAsync(() => TimeProvider.System.GetUtcNow() > expired, "the end of the token");
        test.Server.OAuth.AccessLifetime = TimeSpan.FromHours(1);
        await using (var process = ServedProcess.Start(Configure(test)))
        {
            using var http = new HttpClient();
            await process.ReadyAsync(test.Proxy.Address);
            // a nonce that is not known yet costs a first call, before the one that counts
            var asked = 0;
            test.Server.Intercept = context =>
            {
                if (context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget == "/oauth/token" && Interlocked.Increment(ref asked) == 2)
                    test.Server.Faults.Order("/oauth/token", fault);
                return Task.FromResult(false);
            };
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(test.Proxy.Address, "/xrpc/com.atproto.server.getSession"));
            request.Headers.Authorization = new("Bearer", test.Proxy.Sandbox.Issuer.Token(AccountTest.ContextOf(test.Alice).ToString(), Examples.Job));
            var hanging = http.SendAsync(request);
            await SignInTest.UntilAsync(() => Volatile.Read(ref asked) == 2 && isThere(test), "a refresh");
            await process.KillAsync();
            await Assert.ThrowsAnyAsync<HttpRequestException>(() => hanging);
        }
        test.Server.Intercept = null;
        test.Server.Faults.Clear();
        await test.Proxy.StartServerAsync();
        return test;
    }

    private static string Configure(AccountTest test)
    {
        var options = test.Proxy.Options;
        var atproto = options.Upstreams["ATProto"].AtProto!;
        var file = Path.Combine(test.Proxy.Folder, "workload-proxy.json");
        File.WriteAllText(file, new JsonObject
        {
            ["PublicUrl"] = options.PublicUrl,
            ["Urls"] = options.Urls[0],
            ["DataDirectory"] = options.DataDirectory,
            ["Upstreams"] = new JsonObject
            {
                ["ATProto"] = new JsonObject
                {
                    ["Kind"] = "atproto",
                    ["PlcDirectory"] = atproto.PlcDirectory.ToString(),
                    ["Servers"] = new JsonArray([.. atproto.Servers.Select(server => JsonValue.Create(server))]),
                    ["OAuth"] = new JsonObject { ["Accounts"] = new JsonArray("*") },
                },
            },
            ["Policies"] = new JsonArray(new JsonObject
                { ["Context"] = AccountTest.ContextOf(test.Alice).ToString(), ["Directory"] = test.Proxy.PolicyDirectory }),
            ["Issuers"] = new JsonArray(new JsonObject { ["Issuer"] = test.Proxy.Sandbox.Issuer.Issuer }),
            ["Tokens"] = new JsonObject { ["Algorithm"] = "ES256" },
            ["Audit"] = new JsonObject { ["File"] = test.Proxy.AuditFile },
        }.ToJsonString());
        return file;
    }
}
