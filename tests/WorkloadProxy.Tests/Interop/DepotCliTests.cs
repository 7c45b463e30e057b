using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Configuration;
using WorkloadProxy.Configuration;
using WorkloadProxy.Tests.Npm;
using WorkloadProxy.Tests.RoleCredentials;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Interop;

/// <summary>Depot's own CLI, with a run's identity token in place of Depot's.</summary>
public sealed class DepotCliTests : IAsyncLifetime
{
    private const string Rules = """
        path "/depot.cli.v1.BuildService/CreateBuild" {
          capabilities       = ["create"]
          allowed_parameters = { "#1" = "proj-a", "*" = [] }
        }
        path "/depot.cli.v1.BuildService/*" {
          capabilities = ["create"]
        }
        """;

    private readonly TemporaryDirectory home = new();
    private readonly TestAuthority authority = new("proxy");
    private string depot = "";
    private TestProxy? running;

    private TestProxy Proxy => running!;

    public async ValueTask InitializeAsync()
    {
        depot = await NodeModules.FileAsync("@depot/cli-linux-x64/bin/depot");
        home.Write("app/Dockerfile", "FROM scratch\n");
        using (var certificate = authority.Issue("127.0.0.1"))
        {
            home.Write("tls.crt", certificate.ExportCertificatePem());
            home.Write("tls.key", certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        }
        home.Write("ca.crt", authority.Pem);
        var policies = DepotProxy.Policies(Rules);
        policies["roles/github.hcl"] = DepotProxy.RoleOf("github", "proj-a").Replace("api://Depot?actx=acme", "https://depot.dev")
            .Replace("mint:org:github", "repo:org/repo:ref:refs/heads/main");
        running = await DepotProxy.StartAsync(
            policies,
            options => options with
            {
                BaseDirectory = home.Path,
                Audiences = [new("https://depot.dev", DepotProxy.Context)],
                Framework = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
                {
                    // without TLS the CLI speaks HTTP/2 with prior knowledge
                    ["Kestrel:Endpoints:a:Url"] = "http://127.0.0.1:0",
                    ["Kestrel:Endpoints:a:Protocols"] = "Http2",
                    ["Kestrel:Endpoints:b:Url"] = "https://127.0.0.1:0",
                    ["Kestrel:Endpoints:b:Certificate:Path"] = "tls.crt",
                    ["Kestrel:Endpoints:b:Certificate:KeyPath"] = "tls.key",
                    ["Logging:LogLevel:Default"] = "Error",
                }).Build(),
            },
            upstream: upstream => upstream with { HandsOut = [new HandsOutOptions(DepotProxy.CreateBuild, "#2", TimeSpan.FromHours(1))] });
        // a builder would be elsewhere: the CLI speaks to it directly
        Proxy.Sandbox.Intercept = NoBuilderAsync;
    }

    public async ValueTask DisposeAsync()
    {
        if (running is not null) await running.DisposeAsync();
        authority.Dispose();
        home.Dispose();
    }

    [Fact]
    public async Task Depot_build_builds_the_run_s_project_alone_and_the_project_token_ends_with_the_run()
    {
        var deleted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Proxy.Sandbox.Depot.TokenDeleted += _ => deleted.TrySetResult();
        var run = DepotProxy.Token(Proxy, id: "run-1");

        Assert.Contains("permission_denied: parameter `#1` has a value that is not permitted", await BuildAsync(0, "proj-b", run), StringComparison.Ordinal);
        Assert.Contains("permission_denied: no role matches this token", await BuildAsync(0, "proj-a", DepotProxy.Token(Proxy, "another-vault")),
            StringComparison.Ordinal);
        Assert.Contains("unauthenticated: ", await BuildAsync(0, "proj-a", run[..^8] + "AAAAAAAA"), StringComparison.Ordinal);
        Assert.Empty(Proxy.Sandbox.Requests.All);

        Assert.Contains("no builder is left", await BuildAsync(0, "proj-a", run), StringComparison.Ordinal);
        var build = Assert.Single(Proxy.Sandbox.Depot.Builds);
        Assert.Equal(("proj-a", true), (build.Project, build.IsFinished));
        Assert.StartsWith("Bearer depot_project_", Assert.Single(Proxy.Sandbox.Requests.All, request => request.Target == DepotProxy.CreateBuild)
            .Header("Authorization"), StringComparison.Ordinal);
        var connecting = Proxy.Sandbox.Requests.All.First(request => request.Target == DepotProxy.Service + "GetBuildKitConnection");
        Assert.Equal($"Bearer {build.Token}", connecting.Header("Authorization"));
        var line = await Proxy.AuditOfAsync(connecting.Header("X-Request-Id")!);
        Assert.Equal(("pass", "mint:org:web", "run-1"),
            (line.GetProperty("decision").GetString(), line.GetProperty("sub").GetString(), line.GetProperty("jti").GetString()));

        Assert.Single(Proxy.Sandbox.Depot.ProjectTokens);
        using var revocation = new FormUrlEncodedContent([new("token", run)]);
        Assert.Equal(HttpStatusCode.OK, (await Proxy.SendAsync(HttpMethod.Post, "/v1/oidc/revoke", null, revocation, Http2)).Status);
        await deleted.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Empty(Proxy.Sandbox.Depot.ProjectTokens);
    }

    [Fact]
    public async Task In_a_job_of_GitHub_Actions_it_fetches_the_token_itself_and_builds_over_TLS()
    {
        Assert.Contains("no builder is left", await BuildAsync(1, "proj-a", null), StringComparison.Ordinal);

        var build = Assert.Single(Proxy.Sandbox.Depot.Builds);
        Assert.Equal(("proj-a", true), (build.Project, build.IsFinished));
        var connecting = Proxy.Sandbox.Requests.All.First(request => request.Target == DepotProxy.Service + "GetBuildKitConnection");
        Assert.Equal("repo:org/repo:ref:refs/heads/main", (await Proxy.AuditOfAsync(connecting.Header("X-Request-Id")!)).GetProperty("sub").GetString());
    }

    /// <summary>What it printed. Without a token, it looks for one in its surroundings.</summary>
    private async Task<string> BuildAsync(int address, string project, string? token)
    {
        var ran = await RealProgram.RunAsync(depot, home.Path, new Dictionary<string, string>
        {
            ["DEPOT_API_URL"] = Proxy.Addresses[address].GetLeftPart(UriPartial.Authority),
            ["DEPOT_TOKEN"] = token ?? "",
            ["GITHUB_ACTIONS"] = token is null ? "true" : "",
            ["ACTIONS_ID_TOKEN_REQUEST_URL"] = token is null ? Proxy.Sandbox.Issuer.TokenRequestUrl.ToString() : "",
            ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = Proxy.Sandbox.Options.TokenRequestToken,
            ["SSL_CERT_FILE"] = Path.Combine(home.Path, "ca.crt"),
            ["DEPOT_NO_UPDATE_NOTIFIER"] = "1",
            ["DEPOT_NO_SUMMARY_LINK"] = "1",
            ["DEPOT_ERROR_TELEMETRY"] = "0",
            ["DEPOT_DISABLE_OTEL"] = "1",
        }, "build", "--project", project, "--progress", "plain", "app");
        Assert.NotEqual(0, ran.Code);
        return ran.Output + ran.Error;
    }

    private static void Http2(HttpRequestMessage request) =>
        (request.Version, request.VersionPolicy) = (HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact);

    private static async Task<bool> NoBuilderAsync(HttpContext context)
    {
        if (!context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.EndsWith("/GetBuildKitConnection", StringComparison.Ordinal)) return false;
        await Results.Json(new { code = "permission_denied", message = "no builder is left" }, statusCode: 403).ExecuteAsync(context);
        return true;
    }
}
