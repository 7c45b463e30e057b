using System.Net;
using System.Net.Http.Headers;
using Dapper;
using Microsoft.Data.Sqlite;
using WorkloadProxy.Configuration;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.RoleCredentials;

public sealed class HandedOutTests
{
    private const string Finish = DepotProxy.Service + "FinishBuild";

    [Theory]
    [InlineData("#2")]
    [InlineData("buildToken")]
    public async Task A_token_that_came_through_the_proxy_passes_as_its_caller_s(string name)
    {
        await using var proxy = await StartAsync(name);

        var build = await BuildAsync(proxy, DepotProxy.Token(proxy, id: "7"), isProto: name[0] == '#');
        var answer = await proxy.PostJsonAsync(Finish, build, "{}");

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.True(Assert.Single(proxy.Sandbox.Depot.Builds).IsFinished);
        Assert.Equal("Bearer " + build, proxy.Sandbox.Requests.All[^1].Header("Authorization"));
        var line = await proxy.AuditOfAsync(answer);
        Assert.Equal(("pass", "mint:org:web", "7"),
            (line.GetProperty("decision").GetString(), line.GetProperty("sub").GetString(), line.GetProperty("jti").GetString()));
        Assert.Equal("identity", proxy.Sandbox.Requests.All.First(request => request.Target == DepotProxy.CreateBuild).Header("Accept-Encoding"));
    }

    [Fact]
    public async Task What_was_never_handed_out_is_401_and_goes_nowhere()
    {
        await using var proxy = await StartAsync();
        var build = await BuildAsync(proxy, DepotProxy.Token(proxy));
        proxy.Sandbox.Requests.Clear();

        foreach (var token in new[] { build + "x", build[..^1], "depot_build_0", proxy.Sandbox.Options.DepotToken, "a.b.c" })
            Assert.Equal((HttpStatusCode.Unauthorized, "invalid_token"), (await proxy.PostJsonAsync(Finish, token, "{}")) is var answer
                ? (answer.Status, answer.ErrorId) : default);

        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task The_role_s_policies_hold_for_it_as_they_are_now()
    {
        await using var proxy = await StartAsync();
        var build = await BuildAsync(proxy, DepotProxy.Token(proxy));
        Assert.Equal(HttpStatusCode.Forbidden, (await proxy.PostJsonAsync("/depot.core.v1.ProjectService/DeleteToken", build, "{}")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.PostJsonAsync("/v1/oidc/issue", build, "{}")).Status);

        proxy.WritePolicy("policies/build.hcl", """path "/depot.cli.v1.BuildService/CreateBuild" { capabilities = ["create"] }""");

        Assert.Equal(HttpStatusCode.Forbidden, await UntilRefusedAsync(() => proxy.PostJsonAsync(Finish, build, "{}")));
    }

    [Fact]
    public async Task It_ends_with_the_revocation_of_its_caller_s_token_and_stays_ended_after_a_restart()
    {
        await using var proxy = await StartAsync();
        var caller = DepotProxy.Token(proxy);
        var build = await BuildAsync(proxy, caller);
        await proxy.StopServerAsync();
        await proxy.StartServerAsync();
        Assert.Equal(HttpStatusCode.OK, (await proxy.PostJsonAsync(Finish, build, "{}")).Status);

        using var revocation = new FormUrlEncodedContent([new("token", caller)]);
        await proxy.SendAsync(HttpMethod.Post, "/v1/oidc/revoke", null, revocation);

        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.PostJsonAsync(Finish, build, "{}")).Status);
        await proxy.StopServerAsync();
        await proxy.StartServerAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.PostJsonAsync(Finish, build, "{}")).Status);
    }

    [Fact]
    public async Task It_outlives_its_caller_s_token_and_so_does_the_credential_that_was_exchanged_for_it()
    {
        var time = new ShiftedTime();
        await using var proxy = await StartAsync(time: time);
        var caller = DepotProxy.Token(proxy);
        var build = await BuildAsync(proxy, caller);

        // sandbox tokens live five minutes, and another issuer's clock may be a minute off
        time.Shift(TimeSpan.FromMinutes(7));

        Assert.Equal(HttpStatusCode.Unauthorized, (await DepotProxy.BuildAsync(proxy, caller)).Status);
        Assert.Equal(HttpStatusCode.OK, (await proxy.PostJsonAsync(Finish, build, "{}")).Status);
        Assert.Single(proxy.Sandbox.Depot.ProjectTokens);
    }

    [Fact]
    public async Task It_ends_with_its_lifetime_and_the_exchanged_credential_with_it()
    {
        var time = new ShiftedTime();
        await using var proxy = await StartAsync(time: time);
        var deleted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        proxy.Sandbox.Depot.TokenDeleted += _ => deleted.TrySetResult();
        var build = await BuildAsync(proxy, DepotProxy.Token(proxy));

        time.Shift(TimeSpan.FromMinutes(61));

        await deleted.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.PostJsonAsync(Finish, build, "{}")).Status);
    }

    [Fact]
    public async Task It_ends_with_the_revocation_of_a_caller_s_token_that_has_expired_long_before()
    {
        var time = new ShiftedTime();
        await using var proxy = await StartAsync(time: time, lifetime: TimeSpan.FromHours(6));
        var caller = DepotProxy.Token(proxy);
        var build = await BuildAsync(proxy, caller);
        // over the chain of exchanges that the caller's token could have begun
        time.Shift(TimeSpan.FromMinutes(5 + 120));
        Assert.Equal(HttpStatusCode.OK, (await proxy.PostJsonAsync(Finish, build, "{}")).Status);
        proxy.Sandbox.Requests.Clear();

        using var revocation = new FormUrlEncodedContent([new("token", caller)]);
        Assert.Equal(HttpStatusCode.OK, (await proxy.SendAsync(HttpMethod.Post, "/v1/oidc/revoke", null, revocation)).Status);

        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.PostJsonAsync(Finish, build, "{}")).Status);
        Assert.DoesNotContain(proxy.Sandbox.Requests.All, request => request.Target == Finish);
    }

    [Fact]
    public async Task It_never_goes_to_another_upstream_that_takes_users_own_tokens()
    {
        await using var users = new RawUpstream(_ => "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}");
        await using var proxy = await StartAsync(configure: options => options with
        {
            Upstreams = new Dictionary<string, UpstreamOptions>(options.Upstreams)
                { ["Users"] = new() { Name = "Users", Kind = UpstreamKind.Http, Address = users.Address, PassThrough = true } },
        });
        var build = await BuildAsync(proxy, DepotProxy.Token(proxy));

        Assert.Equal(HttpStatusCode.OK, (await proxy.PostJsonAsync(Finish, build, "{}")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await proxy.GetAsync("/v2/account", build)).Status);
        await proxy.StopServerAsync();
        await proxy.StartServerAsync();
        Assert.Equal(HttpStatusCode.OK, (await proxy.PostJsonAsync(Finish, build, "{}")).Status);

        Assert.Empty(users.Heads);
        Assert.Equal(HttpStatusCode.OK, (await proxy.PostJsonAsync(Finish, "a-users-own", "{}")).Status);
        Assert.Contains("Bearer a-users-own", Assert.Single(users.Heads), StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_has_ended_never_goes_there_either()
    {
        var time = new ShiftedTime();
        await using var users = new RawUpstream(_ => "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}");
        await using var proxy = await StartAsync(time: time, configure: options => options with
        {
            Upstreams = new Dictionary<string, UpstreamOptions>(options.Upstreams)
                { ["Users"] = new() { Name = "Users", Kind = UpstreamKind.Http, Address = users.Address, PassThrough = true } },
        });
        var build = await BuildAsync(proxy, DepotProxy.Token(proxy));
        time.Shift(TimeSpan.FromMinutes(61));

        // it is 401 while it is still known as one that passed, and then as one that did
        do Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.PostJsonAsync(Finish, build, "{}")).Status);
        while (await EndedAsync(proxy) == 0);
        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.PostJsonAsync(Finish, build, "{}")).Status);
        await proxy.StopServerAsync();
        await proxy.StartServerAsync(time);
        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.PostJsonAsync(Finish, build, "{}")).Status);

        Assert.Empty(users.Heads);
    }

    [Fact]
    public async Task An_answer_without_the_token_goes_on_and_hands_nothing_out()
    {
        await using var proxy = await StartAsync("otherName");

        var answer = await DepotProxy.BuildAsync(proxy, DepotProxy.Token(proxy));

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.PostJsonAsync(Finish, answer.Json.GetProperty("buildToken").GetString()!, "{}")).Status);
    }

    [Fact]
    public async Task A_protobuf_rule_decides_over_a_real_connection()
    {
        var policies = DepotProxy.Policies("""
            path "/depot.cli.v1.BuildService/CreateBuild" {
              capabilities       = ["create"]
              allowed_parameters = { "#1" = "proj-a", "*" = [] }
            }
            """);
        await using var proxy = await DepotProxy.StartAsync(policies);
        var token = DepotProxy.Token(proxy);

        Assert.Equal(HttpStatusCode.OK, (await SendProtoAsync(proxy, token, [10, 6, .. "proj-a"u8, 18, 1, 0x61])).Status);
        Assert.Equal([10, 6, .. "proj-a"u8, 18, 1, 0x61], proxy.Sandbox.Requests.All[^1].BodyBytes);
        proxy.Sandbox.Requests.Clear();
        Assert.Equal(HttpStatusCode.Forbidden, (await SendProtoAsync(proxy, token, [10, 6, .. "proj-b"u8])).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await SendProtoAsync(proxy, token, [10, 6, .. "proj-a"u8, 10, 6, .. "proj-b"u8])).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await SendProtoAsync(proxy, token, [10, 9, .. "proj-a"u8])).Status);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await DepotProxy.BuildAsync(proxy, token)).Status);
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    private static async Task<long> EndedAsync(TestProxy proxy)
    {
        await using var connection = new SqliteConnection($"Data Source={Path.Combine(proxy.Options.DataDirectory, "store.db")};Mode=ReadOnly;Pooling=False");
        return await connection.ExecuteScalarAsync<long>("SELECT count(*) FROM handed_out_tokens WHERE caller = 'null'");
    }

    /// <summary>Asks until the answer says that it may no longer.</summary>
    private static async Task<HttpStatusCode> UntilRefusedAsync(Func<Task<Answer>> ask)
    {
        while (true)
        {
            if ((await ask()).Status is (HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized) and var refused) return refused;
        }
    }

    private static Task<TestProxy> StartAsync(string token = "buildToken", TimeProvider? time = null, TimeSpan? lifetime = null,
        Func<ProxyOptions, ProxyOptions>? configure = null) =>
        DepotProxy.StartAsync(configure: configure, time: time,
            upstream: depot => depot with { HandsOut = [new HandsOutOptions(DepotProxy.CreateBuild, token, lifetime ?? TimeSpan.FromHours(1))] });

    private static async Task<string> BuildAsync(TestProxy proxy, string token, bool isProto = false)
    {
        if (!isProto) return (await DepotProxy.BuildAsync(proxy, token)).Json.GetProperty("buildToken").GetString()!;
        var answer = await SendProtoAsync(proxy, token, [10, 6, .. "proj-a"u8]);
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
        return answer.Body[answer.Body.IndexOf("depot_build_", StringComparison.Ordinal)..];
    }

    private static Task<Answer> SendProtoAsync(TestProxy proxy, string token, byte[] body) =>
        proxy.SendAsync(HttpMethod.Post, DepotProxy.CreateBuild, token, new ByteArrayContent(body)
            { Headers = { ContentType = new MediaTypeHeaderValue("application/proto") } }, request => request.Headers.AcceptEncoding.ParseAdd("gzip"));
}
