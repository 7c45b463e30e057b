using Sandbox;
using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.Storage;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.GitHosting;

/// <summary>The whole server with a hosted repository for the team, and a person with git.</summary>
internal sealed class HostedTest : IAsyncDisposable
{
    public const string Policy = """
        path "/v2/databases" {
          capabilities = ["read"]
        }
        """;

    public const string Role = """
        role "ci" {
          iss      = "ISSUER"
          aud      = "api://DigitalOcean?actx={actx}"
          sub      = "repo:org/repo:ref:refs/heads/main"
          policies = ["ci"]
        }
        """;

    private HostedTest(TestProxy proxy, GitClient git) => (Proxy, Git) = (proxy, git);

    public TestProxy Proxy { get; }
    public GitClient Git { get; }
    public SandboxOptions Tokens => Proxy.Sandbox.Options;
    public string Repositories => Path.Combine(Proxy.Options.DataDirectory, "repositories");
    public string Repository => Directory.GetDirectories(Repositories, "*.git").Single();
    /// <summary>Where git finds it: over TLS if the server does that.</summary>
    public string Root => (Proxy.Addresses.FirstOrDefault(address => address.Scheme == Uri.UriSchemeHttps) ?? Proxy.Address).GetLeftPart(UriPartial.Authority);
    public string Scoped => $"{Root}/_rbac/DigitalOcean/{TestProxy.Team}";

    public static async Task<HostedTest> StartAsync(HostedGitOptions? hosted = null, Func<ProxyOptions, SandboxServer, ProxyOptions>? configure = null,
        TimeProvider? time = null, params string[] init)
    {
        var proxy = await TestProxy.StartAsync(configure: (options, sandbox) =>
        {
            options = options with { Policies = [new PolicySourceOptions(TestProxy.DigitalOcean, Hosted: hosted ?? new HostedGitOptions())] };
            return configure?.Invoke(options, sandbox) ?? options;
        }, time: time);
        return new HostedTest(proxy, await GitClient.InitAsync(init));
    }

    /// <summary>An address with a credential in it: what the person's credential helper would say.</summary>
    public string Url(string? token = null, string? path = null)
    {
        var address = new UriBuilder(path ?? Root) { UserName = "token", Password = Uri.EscapeDataString(token ?? Tokens.UserToken) };
        return address.Uri.ToString().TrimEnd('/');
    }

    /// <summary>Policy files that permit the sandbox's job to read databases, committed.</summary>
    public async Task<string> CommitPolicyAsync(string? policy = null, string? role = null)
    {
        Write("policies/ci.hcl", policy ?? Policy);
        Write("roles/ci.hcl", role ?? Role);
        return await Git.CommitAsync();
    }

    public void Write(string path, string text) => Git.Write(path, text.Replace("ISSUER", Proxy.Sandbox.Issuer.Issuer, StringComparison.Ordinal));

    public Task<GitClientResult> PushAsync(string? token = null, string refs = "main", string? path = null) => Git.TryAsync("push", Url(token, path), refs);

    /// <summary>Whether the sandbox's job may read databases now: what a policy that is in force shows.</summary>
    public async Task<System.Net.HttpStatusCode> AskAsync() => (await Proxy.GetAsync("/v2/databases", Proxy.IdentityToken())).Status;

    /// <summary>The first audit line that is as expected, once it is there.</summary>
    public async Task<System.Text.Json.JsonElement> AuditedAsync(Func<System.Text.Json.JsonElement, bool> expected)
    {
        for (var count = 1; ; count++)
        {
            var lines = await Proxy.AuditAsync(count);
            if (lines.Any(expected)) return lines.First(expected);
            count = Math.Max(count, lines.Count);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Git.Dispose();
        await Proxy.DisposeAsync();
    }
}
