using System.Net;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Time.Testing;
using WorkloadProxy.Cli.Commands;

namespace WorkloadProxy.Tests.SignIn.AtProto;

/// <summary>The keys that the proxy has as a client, by the commands that operators use.</summary>
public sealed class ClientKeyTests
{
    [Fact]
    public async Task A_new_key_is_published_an_hour_before_it_begins_sessions_and_a_session_keeps_its_own()
    {
        var clock = SignInTest.NewClock();
        await using var test = await AccountTest.StartAsync(forwards: true, time: clock);
        await test.SignInAsync(test.Alice);
        var first = Assert.Single(await PublishedAsync(test));

        Assert.Contains("is published now and begins sessions from",
            await RunAsync((output, errors) => KeysCommands.RotateAsync(test.Proxy.Options, output, errors, clock, CancellationToken.None, client: true)));
        var keys = await PublishedAsync(test);
        Assert.Equal(2, keys.Count);
        Assert.Contains(first, keys);
        await test.SignInAsync(test.Carol);
        Assert.All(test.Server.OAuth.Sessions, session => Assert.Equal(first, session.ClientKey));

        clock.Advance(TimeSpan.FromMinutes(61));
        await SignInTest.PassAsync(test.SignInAsync(test.Bob), clock);
        Assert.Equal(keys.Single(key => key != first), Assert.Single(test.Network.Servers[1].OAuth.Sessions).ClientKey);
        // its token has expired by now, and is refreshed with the key that the session began with
        Assert.Equal(HttpStatusCode.OK, (await SignInTest.PassAsync(test.WriteAsync(test.Alice), clock)).Status);
        Assert.Equal(1, test.Server.OAuth.Refreshes);
        Assert.Equal(2, test.Server.OAuth.Sessions.Count);
    }

    [Fact]
    public async Task A_key_that_no_session_needs_any_more_leaves_the_document()
    {
        var clock = SignInTest.NewClock();
        await using var test = await AccountTest.StartAsync(time: clock);
        var (visitor, page) = await test.SignInAsync(test.Alice);
        var first = Assert.Single(await PublishedAsync(test));
        await RunAsync((output, errors) => KeysCommands.RotateAsync(test.Proxy.Options, output, errors, clock, CancellationToken.None, client: true));

        await PassHoursAsync(clock, test, 4);
        Assert.Contains(first, await PublishedAsync(test));
        Assert.Equal(HttpStatusCode.SeeOther, (await visitor.SubmitAsync(AccountTest.Disconnect, page)).Status);
        await PassHoursAsync(clock, test, 3);

        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        for (var left = 500; left > 0 && (await PublishedAsync(test)).Contains(first) && await poll.WaitForNextTickAsync(); left--)
            clock.Advance(TimeSpan.FromSeconds(10));
        Assert.DoesNotContain(first, await PublishedAsync(test));
    }

    [Fact]
    public async Task A_revoked_key_is_gone_at_once_and_so_are_its_sessions_here_and_there()
    {
        await using var test = await AccountTest.StartAsync(forwards: true);
        await test.SignInAsync(test.Alice);
        await test.SignInAsync(test.Bob);
        var key = Assert.Single(await PublishedAsync(test));
        await test.Network.Servers[1].StopAsync();

        var said = await RunAsync((output, errors) => KeysCommands.RevokeAsync(test.Proxy.Options, key, output, errors, TimeProvider.System,
            CancellationToken.None));

        Assert.Equal($"{key} is revoked; sessions ended: 2, of which 1 are known to have ended at their authorization servers", said);
        Assert.Empty(test.Server.OAuth.Sessions);
        Assert.NotEqual(key, Assert.Single(await PublishedAsync(test)));
        Assert.Equal("credential_unavailable", (await test.WriteAsync(test.Alice)).ErrorId);
        Assert.Contains("its client key was revoked", (await test.HealthAsync()).Detail);
    }

    [Fact]
    public async Task A_key_that_is_revoked_while_somebody_signs_in_leaves_no_session_behind()
    {
        await using var test = await AccountTest.StartAsync(forwards: true);
        var key = Assert.Single(await PublishedAsync(test));
        var revoked = 0;
        test.Server.Intercept = async http =>
        {
            if (http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget == "/oauth/token" && Interlocked.Exchange(ref revoked, 1) == 0)
                await RunAsync((output, errors) => KeysCommands.RevokeAsync(test.Proxy.Options, key, output, errors, TimeProvider.System,
                    CancellationToken.None));
            return false;
        };

        var (_, page) = await test.SignInAsync(test.Alice);

        Assert.Equal(1, revoked);
        Assert.Contains("own key was revoked while you signed in", page.Body);
        Assert.Equal("credential_unavailable", (await test.WriteAsync(test.Alice)).ErrorId);
        // a server that hasn't kept the document learns of the next key at once
        await test.SignInAsync(test.Bob);
        Assert.Equal(HttpStatusCode.OK, (await test.WriteAsync(test.Bob)).Status);
    }

    [Fact]
    public async Task A_credential_is_disconnected_by_command_with_the_server_running_or_not()
    {
        await using var test = await AccountTest.StartAsync(forwards: true);
        await test.SignInAsync(test.Alice);
        await test.SignInAsync(test.Bob);

        Assert.EndsWith("revoked where it came from", await DisconnectAsync(AccountTest.ContextOf(test.Alice).ToString()));
        Assert.Empty(test.Server.OAuth.Sessions);
        Assert.Equal("credential_unavailable", (await test.WriteAsync(test.Alice)).ErrorId);
        await test.Proxy.StopServerAsync();
        await DisconnectAsync(AccountTest.ContextOf(test.Bob).ToString());
        await test.Proxy.StartServerAsync();
        Assert.Equal("credential_unavailable", (await test.WriteAsync(test.Bob)).ErrorId);

        using var errors = new StringWriter();
        Assert.Equal(1, await KeysCommands.DisconnectAsync(test.Proxy.Options, AccountTest.ContextOf(test.Bob).ToString(), TextWriter.Null, errors,
            TimeProvider.System, CancellationToken.None));
        Assert.Equal($"nobody has signed in for `{AccountTest.ContextOf(test.Bob)}`", errors.ToString().Trim());

        Task<string> DisconnectAsync(string context) => RunAsync((output, errors) => KeysCommands.DisconnectAsync(test.Proxy.Options, context, output, errors,
            TimeProvider.System, CancellationToken.None));
    }

    private static async Task<string> RunAsync(Func<TextWriter, TextWriter, Task<int>> command)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        Assert.True(await command(output, errors) == 0, errors.ToString());
        return output.ToString().Trim();
    }

    private static async Task<IReadOnlyList<string>> PublishedAsync(AccountTest test) =>
        [.. (await test.Proxy.GetAsync(AccountTest.Document, null)).Json.GetProperty("jwks").GetProperty("keys").EnumerateArray()
            .Select(key => key.GetProperty("kid").GetString()!)];

    /// <summary>The server looks every ten seconds, and once an hour for what is only in the store.</summary>
    private static async Task PassHoursAsync(FakeTimeProvider clock, AccountTest test, int hours)
    {
        for (var passed = 0; passed < hours * 2; passed++)
        {
            clock.Advance(TimeSpan.FromMinutes(30));
            await test.HealthAsync();
        }
    }
}
