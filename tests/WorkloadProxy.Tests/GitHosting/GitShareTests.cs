using System.Net;
using System.Net.Sockets;
using System.Text;
using WorkloadProxy.Configuration;
using WorkloadProxy.Git;
using WorkloadProxy.PolicyDelivery.Hosted.Repositories;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.GitHosting;

/// <summary>What one tenant may take of what all share.</summary>
public class GitShareTests
{
    [Fact]
    public async Task Requests_whose_bodies_do_not_come_keep_nobody_from_git()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();
        Assert.True((await test.PushAsync()).Succeeded);
        var stalled = new List<TcpClient>();
        try
        {
            for (var i = 0; i < 40; i++) stalled.Add(await StallAsync(test));

            var fetch = await test.Git.TryAsync("fetch", test.Url(), "main");

            Assert.True(fetch.Succeeded, fetch.Errors);
        }
        finally
        {
            foreach (var client in stalled) client.Dispose();
        }
    }

    [Fact]
    public async Task A_body_that_comes_too_slowly_is_not_waited_for()
    {
        await using var test = await HostedTest.StartAsync();
        await test.Git.RunAsync("ls-remote", test.Url());
        using var client = await StallAsync(test);
        using var reader = new StreamReader(client.GetStream(), Encoding.Latin1);

        Assert.Equal("HTTP/1.1 400 Bad Request", await reader.ReadLineAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task One_context_has_a_quarter_of_the_places()
    {
        var places = new GitPlaces();
        var (mine, others) = (Repository("mine"), Repository("others"));
        var taken = new List<IDisposable>();
        for (var i = 0; i < GitPlaces.OfOneContext; i++) taken.Add(await places.TakeAsync(mine, TestContext.Current.CancellationToken));

        var ninth = places.TakeAsync(mine, TestContext.Current.CancellationToken);

        Assert.False(ninth.IsCompleted);
        using (await places.TakeAsync(others, TestContext.Current.CancellationToken)) Assert.False(ninth.IsCompleted);
        taken[0].Dispose();
        await ninth;
    }

    [Fact]
    public async Task A_pushed_set_of_a_few_kilobytes_has_one_budget_for_all_its_files()
    {
        await using var test = await HostedTest.StartAsync();
        var inForce = await test.CommitPolicyAsync();
        Assert.True((await test.PushAsync()).Succeeded);
        // two megabytes of values each, so that no file alone is over its own budget
        var text = $"sub = [for a in [for b in {Numbers(50)} : [for c in {Numbers(20)} : c]] : [for d in a : "
            + $"\"actx:{{actx}}:role:${{d}}{new string('y', 2000)}\"][0]]";
        for (var i = 0; i < 60; i++)
            test.Write($"roles/r{i}.hcl", $"role \"r{i}\" {{\n  aud = \"api://DigitalOcean?actx={{actx}}\"\n  policies = []\n  {text}\n}}\n");
        await test.Git.CommitAsync();

        var push = await test.PushAsync();

        Assert.False(push.Succeeded);
        Assert.Contains("evaluation-budget", push.Errors);
        Assert.StartsWith(inForce, await test.Git.RunAsync("ls-remote", test.Url(), "refs/heads/main"));
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
    }

    [Fact]
    public async Task Two_sets_are_worked_on_at_once_and_a_third_waits()
    {
        var places = new ReviewPlaces(new GitOptions(), TimeProvider.System);
        using var release = new SemaphoreSlim(0);
        using var begun = new SemaphoreSlim(0);
        var works = Enumerable.Range(0, 3).Select(_ => places.RunAsync(stop =>
        {
            begun.Release();
            release.Wait(stop);
            return null!;
        }, TestContext.Current.CancellationToken)).ToList();
        for (var i = 0; i < ReviewPlaces.InAll; i++) await begun.WaitAsync(TestContext.Current.CancellationToken);

        Assert.Equal(0, begun.CurrentCount);
        release.Release();
        await begun.WaitAsync(TestContext.Current.CancellationToken);
        release.Release(2);
        await Task.WhenAll(works);
    }

    private static string Numbers(int count) => $"[{string.Join(",", Enumerable.Range(0, count))}]";

    private static HostedRepository Repository(string id)
    {
        var directories = new GitDirectories(Path.GetTempPath());
        return new(new("DigitalOcean", id), new HostedGitOptions(), new GitProgram(directories, new GitOptions(), TimeProvider.System), TimeProvider.System);
    }

    /// <summary>A fetch that says 100,000 bytes and sends four.</summary>
    private static async Task<TcpClient> StallAsync(HostedTest test)
    {
        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, test.Proxy.Address.Port, TestContext.Current.CancellationToken);
        await client.GetStream()
            .WriteAsync(Encoding.ASCII.GetBytes($"POST /git-upload-pack HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {test.Tokens.UserToken}\r\n"
            + "Content-Type: application/x-git-upload-pack-request\r\nContent-Length: 100000\r\n\r\n0014"), TestContext.Current.CancellationToken);
        return client;
    }
}
