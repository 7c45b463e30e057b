using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Forwarding;

/// <summary>Which requests share a connection to the upstream.</summary>
public sealed class ConnectionPoolTests
{
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(20);
    private static readonly AuthContext other = new("DigitalOcean", "11111111-2222-3333-4444-555555555555");

    [Fact]
    public async Task Each_context_has_connections_of_its_own_and_users_tokens_have_others()
    {
        using var upstream = new ManualUpstream();
        await using var proxy = await StartAsync(upstream);
        var of = new Dictionary<string, string>
        {
            ["first"] = proxy.IdentityToken(),
            ["second"] = proxy.Sandbox.Issuer.Token(other.ToString(), Examples.Job),
            ["user"] = proxy.Sandbox.Options.UserToken,
        };
        var connections = new Dictionary<string, TcpClient>();

        foreach (var round in (int[])[1, 2, 3])
        {
            foreach (var (name, token) in of)
            {
                var asking = proxy.GetAsync($"/v2/{name}/{round}", token);
                if (round == 1) connections[name] = await upstream.AcceptAsync().WaitAsync(patience);
                Assert.StartsWith($"GET /v2/{name}/{round} ", await ManualUpstream.ReadUntilAsync(connections[name], "\r\n\r\n").WaitAsync(patience));
                await ManualUpstream.AnswerAsync(connections[name]);
                Assert.Equal(HttpStatusCode.OK, (await asking.WaitAsync(patience)).Status);
            }
        }

        Assert.False(upstream.IsAsked);
        foreach (var connection in connections.Values) connection.Dispose();
    }

    [Fact]
    public async Task Connections_of_a_context_that_has_become_idle_are_closed_and_made_anew()
    {
        using var upstream = new ManualUpstream();
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var proxy = await StartAsync(upstream, time);
        var claims = Examples.Job;
        claims["exp"] = time.GetUtcNow().AddHours(1).ToUnixTimeSeconds();
        var token = proxy.IdentityToken(claims);
        var asking = proxy.GetAsync("/v2/a", token);
        using var connection = await upstream.AcceptAsync().WaitAsync(patience);
        await ManualUpstream.ReadUntilAsync(connection, "\r\n\r\n").WaitAsync(patience);
        await ManualUpstream.AnswerAsync(connection);
        await asking.WaitAsync(patience);

        for (var minutes = 0; minutes < 15; minutes += 5) time.Advance(TimeSpan.FromMinutes(5));

        Assert.Equal("", await ManualUpstream.ReadToEndAsync(connection).WaitAsync(patience));
        asking = proxy.GetAsync("/v2/b", token);
        using var next = await upstream.AcceptAsync().WaitAsync(patience);
        await ManualUpstream.ReadUntilAsync(next, "\r\n\r\n").WaitAsync(patience);
        await ManualUpstream.AnswerAsync(next);
        Assert.Equal(HttpStatusCode.OK, (await asking.WaitAsync(patience)).Status);
    }

    [Fact]
    public async Task An_answer_under_way_goes_on_when_its_context_is_idle_otherwise()
    {
        await using var answer = await OpenAnswer.BeginAsync(OpenAnswer.Download);

        for (var minutes = 0; minutes < 30; minutes += 5) answer.Time.Advance(TimeSpan.FromMinutes(5));

        await answer.AssertGoesOnAsync();
    }

    private static Task<TestProxy> StartAsync(ManualUpstream upstream, TimeProvider? time = null) =>
        TestProxy.StartAsync(configure: (options, _) => options with
    {
        Upstreams = options.Upstreams.ToDictionary(entry => entry.Key, entry => entry.Value with { Address = upstream.Address }),
        Policies = [.. options.Policies, options.Policies[0] with { Context = other }],
        Credentials = [.. options.Credentials, options.Credentials[0] with { Context = other }],
    }, time: time);
}
