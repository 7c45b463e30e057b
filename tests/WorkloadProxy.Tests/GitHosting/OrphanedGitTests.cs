using System.Net;
using System.Runtime.InteropServices;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.GitHosting;

/// <summary>A git that goes on when the server that started it is no more.</summary>
public sealed class OrphanedGitTests
{
    private const int Stop = 19, Continue = 18;

    [Fact]
    public async Task A_git_that_outlives_a_killed_server_can_not_move_main_behind_the_next_ones_back()
    {
        await using var test = await HostedTest.StartAsync();
        var old = await test.CommitPolicyAsync();
        Assert.True((await test.PushAsync()).Succeeded);
        await test.Proxy.StopServerAsync();
        var (configuration, address) = ServedProcess.Configure(test.Proxy);
        var late = await test.CommitPolicyAsync("path \"/v2/account\" {\n  capabilities = [\"read\"]\n}\n");
        // git waits for the branch's lock, where it would give up after 100 ms
        await test.Git.RunAsync("config", "--file", Path.Combine(test.Repository, "config"), "core.filesRefLockTimeout", "120000");
        var main = Path.Combine(test.Repository, "refs", "heads", "main");
        var packs = Path.Combine(test.Repository, "objects", "pack");
        List<int> orphans;

        await using (var process = ServedProcess.Start(configuration))
        {
            await process.ReadyAsync(address);
            using var gate = HoldLock(main + ".lock");
            var before = Directory.GetFiles(packs, "*.idx").Length;
            var push = test.PushAsync(path: address.ToString());
            // accepted, out of quarantine, and before the lock
            await UntilAsync(() => Directory.GetFiles(packs, "*.idx").Length > before);
            orphans = [.. GitIn(test.Repository)];
            Assert.NotEmpty(orphans);
            foreach (var orphan in orphans) Assert.Equal(0, Signal(orphan, Stop));
            await process.KillAsync();
            await push;
        }

        await using var again = ServedProcess.Start(configuration);
        await again.ReadyAsync(address);
        Assert.Equal(old, (await File.ReadAllTextAsync(main)).Trim());
        foreach (var orphan in orphans) Assert.Equal(0, Signal(orphan, Continue));
        await UntilAsync(() => File.ReadAllText(main).Trim() == late);

        using var http = new HttpClient { BaseAddress = address };
        Assert.StartsWith(old, await test.Git.RunAsync("ls-remote", test.Url(path: address.ToString()), "refs/heads/main"));
        Assert.Equal(old, (await File.ReadAllTextAsync(main)).Trim());
        Assert.Contains(old, await http.GetStringAsync("/health/ready"));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(test, http, "/v2/databases"));
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(test, http, "/v2/account"));
        var next = await test.PushAsync(path: address.ToString());
        Assert.True(next.Succeeded, next.Errors);
        Assert.Equal(HttpStatusCode.OK, await AskAsync(test, http, "/v2/account"));
    }

    /// <summary>Holds git's lock of a branch: the server, once it is in the gate, takes away what it finds, so it is made again then.</summary>
    private static FileSystemWatcher HoldLock(string file)
    {
        File.WriteAllText(file, "");
        var watcher = new FileSystemWatcher(Path.GetDirectoryName(file)!, Path.GetFileName(file));
        watcher.Deleted += (_, _) =>
        {
            watcher.EnableRaisingEvents = false;
            File.WriteAllText(file, "");
        };
        watcher.EnableRaisingEvents = true;
        return watcher;
    }

    private static IEnumerable<int> GitIn(string repository) =>
        Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(name => int.TryParse(name, out _)).Select(name => int.Parse(name!))
        .Where(id => LinkOf($"/proc/{id}/cwd") == repository);

    private static string? LinkOf(string link)
    {
        try
        {
            return File.ResolveLinkTarget(link, returnFinalTarget: false)?.FullName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        for (var left = 6000; left > 0 && await poll.WaitForNextTickAsync(); left--) if (condition()) return;
        Assert.Fail("it did not come to that in half a minute");
    }

    private static async Task<HttpStatusCode> AskAsync(HostedTest test, HttpClient http, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = new("Bearer", test.Proxy.IdentityToken());
        using var response = await http.SendAsync(request);
        return response.StatusCode;
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Signal(int process, int signal);
}
