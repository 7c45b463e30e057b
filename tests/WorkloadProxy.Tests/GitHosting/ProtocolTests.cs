using System.Diagnostics;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Configuration;
using WorkloadProxy.Git;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Hosted;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Tests.GitHosting;

public class ProtocolTests
{
    [Theory]
    [InlineData("0")]
    [InlineData("1")]
    [InlineData("2")]
    public async Task Every_version_of_the_protocol_is_spoken(string version)
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();
        Assert.True((await test.Git.TryAsync("-c", $"protocol.version={version}", "push", test.Url(), "main")).Succeeded);

        test.Git.Environment["GIT_TRACE_PACKET"] = "1";
        var fetch = await test.Git.TryAsync("-c", $"protocol.version={version}", "clone", "--quiet", test.Url(), Path.Combine(test.Git.Home, "clone"));

        Assert.True(fetch.Succeeded, fetch.Errors);
        Assert.Equal(version == "2", fetch.Errors.Contains("< version 2", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Clones_may_be_shallow_or_partial()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();
        test.Write("README.md", "two");
        await test.Git.CommitAsync();
        Assert.True((await test.PushAsync()).Succeeded);

        var (shallow, partial) = (Path.Combine(test.Git.Home, "shallow"), Path.Combine(test.Git.Home, "partial"));
        await test.Git.RunAsync("clone", "--quiet", "--depth", "1", "--branch", "main", test.Url(), shallow);
        await test.Git.RunAsync("clone", "--quiet", "--filter=blob:none", "--branch", "main", test.Url(), partial);

        Assert.Equal("1", (await test.Git.RunInAsync(shallow, null, "rev-list", "--count", "HEAD")).Output.Trim());
        Assert.Contains("README.md", Directory.GetFiles(partial).Select(Path.GetFileName));
    }

    [Fact]
    public async Task A_gzipped_request_is_read()
    {
        await using var test = await HostedTest.StartAsync();
        await test.Git.RunAsync("ls-remote", test.Url());
        using var body = new MemoryStream();
        using (var gzip = new GZipStream(body, CompressionLevel.Fastest)) gzip.Write("0014command=ls-refs\n0016object-format=sha100010009peel\n0000"u8);
        var content = new ByteArrayContent(body.ToArray());
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-git-upload-pack-request");
        content.Headers.ContentEncoding.Add("gzip");

        var answer = await test.Proxy.SendAsync(HttpMethod.Post, "/git-upload-pack", test.Tokens.UserToken, content,
            request => request.Headers.Add("Git-Protocol", "version=2"));

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Contains("refs/heads/main", answer.Body);
        Assert.Contains("no-cache", answer.Headers["Cache-Control"]);
    }

    [Theory]
    [InlineData("upload", 10_000_000)]
    [InlineData("receive", 80_000_000)]
    public async Task A_gzipped_request_that_inflates_beyond_the_limit_is_refused(string service, int limit)
    {
        await using var test = await HostedTest.StartAsync();
        await test.Git.RunAsync("ls-remote", test.Url());
        using var body = new MemoryStream();
        using (var gzip = new GZipStream(body, CompressionLevel.Fastest))
        {
            // refs without end, for git to remember
            var (line, sent) = (Encoding.ASCII.GetBytes($"0067{new string('0', 40)} {new string('1', 40)} refs/heads/abcde\n"), 0);
            for (; sent < limit + 2_000_000; sent += line.Length) gzip.Write(line);
        }
        var content = new ByteArrayContent(body.ToArray());
        content.Headers.ContentType = new MediaTypeHeaderValue($"application/x-git-{service}-pack-request");
        content.Headers.ContentEncoding.Add("gzip");

        var answer = await test.Proxy.SendAsync(HttpMethod.Post, $"/git-{service}-pack", test.Tokens.UserToken, content);

        Assert.True(answer.Status == HttpStatusCode.RequestEntityTooLarge, $"{answer.Status} {answer.Body}");
        Assert.True((await test.Git.TryAsync("ls-remote", test.Url())).Succeeded);
    }

    [Fact]
    public async Task A_large_pack_is_streamed_in_both_directions()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();
        var noise = new byte[8_000_000];
        new Random(1).NextBytes(noise);
        await File.WriteAllBytesAsync(Path.Combine(test.Git.WorkTree, "noise"), noise);
        await test.Git.CommitAsync();

        var push = await test.PushAsync();
        Assert.True(push.Succeeded, push.Errors);

        var clone = Path.Combine(test.Git.Home, "clone");
        await test.Git.RunAsync("clone", "--quiet", test.Url(), clone);
        Assert.Equal(noise, await File.ReadAllBytesAsync(Path.Combine(clone, "noise")));
    }

    [Fact]
    public async Task A_repository_may_be_of_SHA_256()
    {
        await using var test = await HostedTest.StartAsync(new HostedGitOptions(ObjectFormat: "sha256"), init: "--object-format=sha256");
        var commit = await test.CommitPolicyAsync();
        Assert.Equal(64, commit.Length);

        var push = await test.PushAsync();

        Assert.True(push.Succeeded, push.Errors);
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
        test.Write("policies/ci.hcl", "path \"/x\" {");
        await test.Git.CommitAsync();
        Assert.False((await test.PushAsync()).Succeeded);
    }

    [Fact]
    public async Task A_connection_that_ends_in_the_middle_of_a_push_changes_nothing()
    {
        await using var test = await HostedTest.StartAsync();
        await test.Git.RunAsync("ls-remote", test.Url());
        using (var client = new TcpClient())
        {
            await client.ConnectAsync(IPAddress.Loopback, test.Proxy.Address.Port);
            var update = $"{new string('0', 40)} {new string('1', 40)} refs/heads/main\0report-status\n";
            var body = $"{update.Length + 4:x4}{update}0000PACK";
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
                $"POST /git-receive-pack HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {test.Tokens.UserToken}\r\nContent-Type: "
                    + $"application/x-git-receive-pack-request\r\nTransfer-Encoding: chunked\r\n\r\n{body.Length:x}\r\n{body}\r\n"));
        }

        var line = await test.AuditedAsync(line => line.TryGetProperty("path", out var path) && path.GetString() == "/git-receive-pack");
        Assert.DoesNotContain("pushed", line.TryGetProperty("reason", out var reason) ? reason.GetString() : "");
        await test.CommitPolicyAsync();
        Assert.True((await test.PushAsync()).Succeeded);
        Assert.Empty(Directory.GetDirectories(Path.Combine(test.Repository, "objects"), "*incoming*"));
    }

    [Fact]
    public async Task Of_ten_pushes_at_once_one_whole_commit_is_in_force()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();
        Assert.True((await test.PushAsync()).Succeeded);
        var clients = new List<string>();
        for (var i = 0; i < 10; i++)
        {
            var clone = Path.Combine(test.Git.Home, $"clone{i}");
            await test.Git.RunAsync("clone", "--quiet", test.Url(), clone);
            await File.WriteAllTextAsync(Path.Combine(clone, "policies", $"p{i}.hcl"), HostedTest.Policy);
            await test.Git.RunInAsync(clone, null, "add", "--all");
            await test.Git.RunInAsync(clone, null, "commit", "-qm", $"feat: p{i}");
            clients.Add(clone);
        }

        var pushes = await Task.WhenAll(clients.Select(clone => test.Git.RunInAsync(clone, null, "push", "origin", "main")));

        Assert.Single(pushes, push => push.Succeeded);
        Assert.All(pushes.Where(push => !push.Succeeded),
            push => Assert.Matches("has moved since|fetch first|failed to update ref|cannot lock ref|incorrect old value", push.Errors));
        await test.Git.RunAsync("fetch", "--quiet", test.Url(), "main", "schema");
        var winner = pushes.Index().Single(push => push.Item.Succeeded).Index;
        Assert.Contains($"policies/p{winner}.hcl", await test.Git.RunAsync("ls-tree", "-r", "--name-only", await TipAsync(test, "main")));
        Assert.Contains($"policies/p{winner}.hcl", await test.Git.RunAsync("show", $"{await TipAsync(test, "schema")}:rbac.json"));
    }

    [Fact]
    public async Task A_restarted_server_has_the_same_policy_in_force()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();
        Assert.True((await test.PushAsync()).Succeeded);

        await test.Proxy.StopServerAsync();
        await test.Proxy.StartServerAsync();

        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
    }

    [Fact]
    public async Task After_a_crash_between_the_ref_and_the_store_the_repository_is_the_truth()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();
        Assert.True((await test.PushAsync()).Succeeded);
        await test.Proxy.StopServerAsync();
        // a push that moved the ref and then lost its server, with a lock and a quarantine left behind
        test.Write("policies/ci.hcl", HostedTest.Policy.Replace("/v2/databases", "/v2/account", StringComparison.Ordinal));
        await test.Git.CommitAsync();
        await test.Git.RunAsync("push", "--quiet", "--no-verify", test.Repository, "main");
        await File.WriteAllTextAsync(Path.Combine(test.Repository, "refs", "heads", "main.lock"), "");
        Directory.CreateDirectory(Path.Combine(test.Repository, "objects", "tmp_objdir-incoming-x"));

        await test.Proxy.StartServerAsync();

        Assert.Equal(HttpStatusCode.Forbidden, await test.AskAsync());
        Assert.Equal(HttpStatusCode.OK, (await test.Proxy.GetAsync("/v2/account", test.Proxy.IdentityToken())).Status);
        Assert.Empty(Directory.GetDirectories(Path.Combine(test.Repository, "objects"), "*incoming*"));
        test.Write("README.md", "goes on");
        await test.Git.CommitAsync();
        Assert.True((await test.PushAsync()).Succeeded);
    }

    [Fact]
    public async Task A_hook_that_reaches_no_server_refuses()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();
        File.Delete(Path.Combine(test.Proxy.Options.DataDirectory, "control.sock"));

        var push = await test.PushAsync();

        Assert.False(push.Succeeded);
        Assert.Contains("remote: refused: the policy can't be checked: no server is running here", push.Errors);
    }

    [Fact]
    public async Task A_hook_of_no_push_is_refused()
    {
        await using var test = await HostedTest.StartAsync();
        var start = new ProcessStartInfo(OwnProgram.Path) { RedirectStandardInput = true, RedirectStandardError = true };
        start.Environment[GitHook.PushVariable] = "0123456789abcdef0123456789abcdef";
        start.Environment[GitHook.DataVariable] = test.Proxy.Options.DataDirectory;
        using var hook = Process.Start(start)!;
        await hook.StandardInput.WriteAsync($"{new string('0', 40)} {new string('1', 40)} refs/heads/main\n");
        hook.StandardInput.Close();

        Assert.Equal("refused: this push is not known to the server\n", await hook.StandardError.ReadToEndAsync());
        await hook.WaitForExitAsync();
        Assert.Equal(1, hook.ExitCode);
    }

    [Fact]
    public async Task A_push_that_never_ends_is_ended()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var test = await HostedTest.StartAsync(configure: (options, _) => options with
            { Git = new GitOptions { Timeout = TimeSpan.FromSeconds(2) } }, time: time);
        await test.Git.RunAsync("ls-remote", test.Url());

        var answering = test.Proxy.SendRawAsync(
            $"POST /git-receive-pack HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {test.Tokens.UserToken}\r\nContent-Type: "
                + "application/x-git-receive-pack-request\r\nContent-Length: 1000\r\n\r\n00");
        while (await Task.WhenAny(answering, Task.Delay(50)) != answering) time.Advance(TimeSpan.FromMilliseconds(100));

        var answer = await answering;
        Assert.StartsWith("HTTP/1.1 504 ", answer);
        Assert.Contains("upstream_timeout", answer);
    }

    [Fact]
    public async Task The_initial_directory_is_the_first_commit_and_in_force_from_the_start()
    {
        using var directory = new TemporaryDirectory();
        directory.Write("policies/ci.hcl", HostedTest.Policy);
        HostedTest? test = null;
        await using (test = await HostedTest.StartAsync(configure: (options, sandbox) =>
        {
            directory.Write("roles/ci.hcl", HostedTest.Role.Replace("ISSUER", sandbox.Issuer.Issuer, StringComparison.Ordinal));
            return options with { Policies = [options.Policies[0] with { Hosted = new HostedGitOptions(directory.Path) }] };
        }))
        {
            Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
            var clone = Path.Combine(test.Git.Home, "clone");
            await test.Git.RunAsync("clone", "--quiet", test.Url(), clone);
            Assert.Equal(HostedTest.Policy, await File.ReadAllTextAsync(Path.Combine(clone, "policies", "ci.hcl")));
            Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
        }
    }

    [Fact]
    public async Task A_repository_lies_under_the_hash_of_its_context()
    {
        await using var test = await HostedTest.StartAsync();
        await test.Git.RunAsync("ls-remote", test.Url());

        Assert.Equal(GitDirectories.NameOf(Serving.TestProxy.DigitalOcean), Path.GetFileName(test.Repository));
        Assert.Matches("^[0-9a-f]{64}\\.git$", Path.GetFileName(test.Repository));
    }

    private static async Task<string> TipAsync(HostedTest test, string branch) =>
        (await test.Git.RunAsync("ls-remote", test.Url(), $"refs/heads/{branch}")).Split('\t')[0];
}
