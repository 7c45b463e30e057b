using System.Net;
using System.Net.Http.Headers;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.GitHosting;

/// <summary>The built program, killed in the middle of a push.</summary>
public sealed class KilledServerTests
{
    [Theory]
    // git has begun to receive
    [InlineData("objects", "*incoming-*", false)]
    [InlineData("objects", "*incoming-*", true)]
    // accepted, and not written yet
    [InlineData("refs/heads", "main.lock", false)]
    [InlineData("refs/heads", "main.lock", true)]
    // written, and not in force yet
    [InlineData("refs/heads", "main", false)]
    [InlineData("refs/heads", "main", true)]
    public async Task After_a_kill_in_a_push_one_whole_accepted_commit_is_in_force_and_the_next_push_works(string directory, string name, bool gitToo)
    {
        await using var test = await HostedTest.StartAsync();
        var old = await test.CommitPolicyAsync();
        Assert.True((await test.PushAsync()).Succeeded);
        await test.Proxy.StopServerAsync();
        var (configuration, address) = ServedProcess.Configure(test.Proxy);
        var pushed = await CommitAsync(test, "/v2/account");

        await using (var process = ServedProcess.Start(configuration))
        {
            await process.ReadyAsync(address);
            using var watcher = new FileSystemWatcher(Path.Combine(test.Repository, directory), name);
            var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            watcher.Created += (_, _) => seen.TrySetResult();
            watcher.Renamed += (_, _) => seen.TrySetResult();
            watcher.Changed += (_, _) => seen.TrySetResult();
            watcher.EnableRaisingEvents = true;
            var push = test.PushAsync(path: address.ToString());
            await seen.Task.WaitAsync(TimeSpan.FromSeconds(60));
            await process.KillAsync(gitToo);
            await push;
        }
        await NoGitIsLeftAsync(Path.GetDirectoryName(test.Repository)!);

        await using var again = ServedProcess.Start(configuration);
        await again.ReadyAsync(address);
        using var http = new HttpClient { BaseAddress = address };
        var tip = (await test.Git.RunAsync("ls-remote", test.Url(path: address.ToString()), "main"))[..40];
        Assert.Contains(tip, new[] { old, pushed });
        Assert.Contains(tip, await http.GetStringAsync("/health/ready"));
        Assert.Equal(tip == old ? HttpStatusCode.OK : HttpStatusCode.Forbidden, await AskAsync(test, http, "/v2/databases"));
        Assert.Equal(tip == pushed ? HttpStatusCode.OK : HttpStatusCode.Forbidden, await AskAsync(test, http, "/v2/account"));
        Assert.Empty(Directory.GetDirectories(Path.Combine(test.Repository, "objects"), "*incoming-*"));

        await CommitAsync(test, "/v2/echo/a");
        var next = await test.PushAsync(path: address.ToString());
        Assert.True(next.Succeeded, next.Errors);
        Assert.Equal(HttpStatusCode.OK, await AskAsync(test, http, "/v2/echo/a"));
        var whole = await test.Git.RunInAsync(test.Repository, null, "fsck", "--full", "--strict");
        Assert.True(whole.Succeeded, whole.Errors);
    }

    /// <summary>Nobody waits for what the killed server had git do: it ends by itself, and takes no processor for ever.</summary>
    private static async Task NoGitIsLeftAsync(string repositories)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        for (var left = 1500; left > 0 && await poll.WaitForNextTickAsync(); left--)
        {
            if (!Directory.EnumerateDirectories("/proc")
                .Any(process => EnvironmentOf(process).Contains($"GIT_PROJECT_ROOT={repositories}\0", StringComparison.Ordinal)))
                return;
        }
        Assert.Fail("a git still runs half a minute after the server that started it was killed");
    }

    private static string EnvironmentOf(string process)
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, "environ"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    // large enough that receiving it takes a while
    private static async Task<string> CommitAsync(HostedTest test, string path)
    {
        var noise = new byte[4_000_000];
        Random.Shared.NextBytes(noise);
        await File.WriteAllBytesAsync(Path.Combine(test.Git.WorkTree, "noise"), noise);
        return await test.CommitPolicyAsync($"path \"{path}\" {{\n  capabilities = [\"read\"]\n}}\n");
    }

    private static async Task<HttpStatusCode> AskAsync(HostedTest test, HttpClient http, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", test.Proxy.IdentityToken());
        using var response = await http.SendAsync(request);
        return response.StatusCode;
    }
}
