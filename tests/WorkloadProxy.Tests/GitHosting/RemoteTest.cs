using System.Net;
using System.Text.Json;
using Sandbox;
using WorkloadProxy.Cli.Commands;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.Storage;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.GitHosting;

/// <summary>The whole server with a policy that comes from a remote repository on the disk.</summary>
internal sealed class RemoteTest : IAsyncDisposable
{
    private RemoteTest(TestProxy proxy, GitClient git, TemporaryDirectory files) => (Proxy, Git, Files) = (proxy, git, files);

    public TestProxy Proxy { get; }
    public GitClient Git { get; }
    public TemporaryDirectory Files { get; }
    public string Mirror => Directory.GetDirectories(Path.Combine(Proxy.Options.DataDirectory, "mirrors")).Single();

    /// <summary>
    /// The remote already holds a set that permits the sandbox's job to read databases, unless <paramref name="prepare"/> does something else.
    /// </summary>
    public static async Task<RemoteTest> StartAsync(Func<GitClient, TemporaryDirectory, RemoteGitOptions, Task<RemoteGitOptions>>? configure = null,
        bool empty = false, string? dataDirectory = null, TimeProvider? time = null, params string[] init)
    {
        var git = await GitClient.InitAsync(init);
        var files = new TemporaryDirectory();
        var remote = new RemoteGitOptions { Url = new Uri(git.WorkTree).AbsoluteUri, Interval = TimeSpan.FromHours(1) };
        if (configure is not null) remote = await configure(git, files, remote);
        var proxy = await TestProxy.StartAsync(configure: (options, sandbox) =>
        {
            if (!empty) WriteAndCommit(git, sandbox).GetAwaiter().GetResult();
            return options with { DataDirectory = dataDirectory
                ?? options.DataDirectory, Policies = [new PolicySourceOptions(TestProxy.DigitalOcean, Git: remote)] };
        }, time: time);
        return new RemoteTest(proxy, git, files);
    }

    public static async Task WriteAndCommit(GitClient git, SandboxServer sandbox, string path = "/v2/databases", string below = "")
    {
        git.Write(below + "policies/ci.hcl", $"path \"{path}\" {{\n  capabilities = [\"read\"]\n}}\n");
        git.Write(below + "roles/ci.hcl", HostedTest.Role.Replace("ISSUER", sandbox.Issuer.Issuer, StringComparison.Ordinal));
        await git.CommitAsync();
    }

    /// <summary><c>workload-proxy policy pull</c>: exit code and what it printed.</summary>
    public async Task<(int ExitCode, string Text)> PullAsync(string? context = null)
    {
        using var text = new StringWriter();
        var exitCode = await PullCommand.RunAsync(Proxy.Options.DataDirectory, context ?? TestProxy.DigitalOcean.ToString(), text, text,
            CancellationToken.None);
        return (exitCode, text.ToString().TrimEnd());
    }

    public async Task<HttpStatusCode> AskAsync(string path = "/v2/databases") => (await Proxy.GetAsync(path, Proxy.IdentityToken())).Status;

    /// <summary>The context's entry of <c>/health/ready</c>.</summary>
    public async Task<JsonElement> ReadyAsync() => (await Proxy.GetAsync("/health/ready", null)).Json;

    public async ValueTask DisposeAsync()
    {
        await Proxy.DisposeAsync();
        Git.Dispose();
        Files.Dispose();
    }
}
