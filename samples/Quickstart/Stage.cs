using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Shared;

namespace Quickstart;

/// <summary>The stand-in cloud and the proxy, running, with everything the proxy was given in one temporary folder.</summary>
internal sealed class Stage : IAsyncDisposable
{
    public const string Team = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
    public const string Context = $"api://DigitalOcean?actx={Team}";

    /// <summary>GitHub's issuer in the example role; here the stand-in's takes its place.</summary>
    private const string GitHubIssuer = "https://token.actions.githubusercontent.com";

    private readonly ChildProgram sandbox;
    private readonly ChildProgram proxy;
    private readonly Screen screen;

    private Stage(Screen screen, DirectoryInfo folder, ChildProgram sandbox, ChildProgram proxy, JsonObject addresses, string url, string teamToken)
    {
        this.sandbox = sandbox;
        this.proxy = proxy;
        this.screen = screen;
        Folder = folder.FullName;
        ProxyUrl = url;
        TeamToken = teamToken;
        SandboxUrl = addresses["api"]!.ToString();
        TokenRequestUrl = addresses["token_request_url"]!.ToString();
        TokenRequestToken = addresses["token_request_token"]!.ToString();
    }

    public string Folder { get; }
    public string ProxyUrl { get; }
    public string SandboxUrl { get; }
    public string TokenRequestUrl { get; }
    public string TokenRequestToken { get; }

    /// <summary>The credential that only the proxy holds.</summary>
    public string TeamToken { get; }

    public string CommandsFile => Path.Combine(Folder, "commands.sh");
    public string AuditFile => Path.Combine(Folder, "audit.jsonl");

    public static async Task<Stage> StartAsync(Screen screen, CancellationToken cancellation)
    {
        screen.Line("""
            WorkloadProxy, in one minute
            ============================

              a CI job  --- identity token --->  workload-proxy  --- the team's credential --->  the cloud's API
              (holds no secret)                  (roles and policies)                            (records what it got)

            A workload proves what it is with a short-lived OIDC token. The proxy matches it against roles, exchanges it for a scoped token, and
            forwards only what the role's policies permit, injecting the real credential on the way.
            Below, the cloud and the CI's token service are stand-ins (samples/Sandbox). The proxy is the real one, configured as yours would be.

            """);
        var folder = Directory.CreateTempSubdirectory("workload-proxy-quickstart-");
        ChildProgram? sandbox = null, proxy = null;
        try
        {
            var teamToken = "dop_v1_" + RandomNumberGenerator.GetHexString(64, lowercase: true);
            var clock = Stopwatch.StartNew();
            sandbox = ChildProgram.Start("samples/Sandbox", "sandbox", [], new Dictionary<string, string>
            {
                ["SANDBOX_TEAMTOKEN"] = teamToken,
                ["SANDBOX_TEAMUUID"] = Team,
                ["SANDBOX_TOKENREQUESTTOKEN"] = "runner_" + RandomNumberGenerator.GetHexString(16, lowercase: true),
            });
            var addresses = JsonNode.Parse(await sandbox.FirstLine.WaitAsync(TimeSpan.FromSeconds(30), cancellation))!.AsObject();
            screen.Labelled("the cloud", $"{addresses["api"]} (its token service: {addresses["issuer"]}), up after {clock.Elapsed.TotalSeconds:0.0} s");

            var url = $"http://127.0.0.1:{ProxyProgram.FreePort()}";
            var configuration = Write(folder, url, addresses);
            clock.Restart();
            proxy = ProxyProgram.Start(configuration, new Dictionary<string, string> { ["DIGITALOCEAN_TOKEN"] = teamToken });
            await ProxyProgram.Ready(proxy, url, cancellation);
            proxy.ErrorLine += line =>
            {
                if (ProxyProgram.PolicyNews(line) is { } news) screen.Labelled("the proxy says", news);
            };
            screen.Labelled("the proxy", $"{url}, ready after {clock.Elapsed.TotalSeconds:0.0} s");
            screen.Labelled("its folder", $"{folder.FullName}: workload-proxy.json, policy/, audit.jsonl, data/");
            return new Stage(screen, folder, sandbox, proxy, addresses, url, teamToken);
        }
        catch
        {
            if (proxy is not null) await proxy.DisposeAsync();
            if (sandbox is not null) await sandbox.DisposeAsync();
            folder.Delete(recursive: true);
            throw;
        }
    }

    public string Hints() => $"""

        Everything is still up, until Ctrl+C.
          bash {CommandsFile}
              repeats every command above
          {Path.Combine(Folder, "policy/policies/database-and-spaces-keys-access.hcl")}
              is the policy that decided: change the bucket, save, and repeat the two calls; the proxy's word on each edit appears here
          {Path.Combine(Folder, "workload-proxy.json")}
              is the whole configuration
          curl -s {SandboxUrl}/_sandbox/requests | jq
              is what the cloud received
          tail -f {AuditFile}
              is what the proxy decided

        Where to look next, in this repository:
          sudo samples/droplet/run
              gives a VM an identity of its own (docs/provisioning.md)
          docs/sign-in.md
              has a team connect itself in the browser
          samples/README.md
              lists what else can be run: GitHub Actions, agents, Kubernetes
        """;

    public async ValueTask DisposeAsync()
    {
        await proxy.DisposeAsync();
        await sandbox.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
        screen.Line($"removed {Folder}");
    }

    /// <summary>The configuration, and the tutorial's policies with the stand-in's issuer in place of GitHub's.</summary>
    private static string Write(DirectoryInfo folder, string url, JsonObject addresses)
    {
        var source = Path.Combine(AppContext.BaseDirectory, "policy");
        foreach (var file in Directory.EnumerateFiles(source, "*.hcl", SearchOption.AllDirectories))
        {
            var target = Path.Combine(folder.FullName, "policy", Path.GetRelativePath(source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.WriteAllText(target, File.ReadAllText(file).Replace(GitHubIssuer, addresses["issuer"]!.ToString(), StringComparison.Ordinal));
        }
        var configuration = Path.Combine(folder.FullName, "workload-proxy.json");
        File.WriteAllText(configuration, JsonSerializer.Serialize(new
        {
            PublicUrl = url,
            Urls = url,
            DataDirectory = "data",
            Upstreams = new { DigitalOcean = new { Kind = "digitalocean", Address = addresses["api"]!.ToString() } },
            Issuers = new[] { new { Issuer = addresses["issuer"]!.ToString() } },
            Policies = new[] { new { Context, Directory = "policy" } },
            Credentials = new[] { new { Context, Kind = "Bearer", EnvironmentVariable = "DIGITALOCEAN_TOKEN" } },
            Audit = new { File = "audit.jsonl" },
        }, new JsonSerializerOptions { WriteIndented = true }));
        return configuration;
    }
}
