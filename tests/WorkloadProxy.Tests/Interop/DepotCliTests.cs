using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Configuration;
using WorkloadProxy.Configuration;
using WorkloadProxy.Tests.Npm;
using WorkloadProxy.Tests.RoleCredentials;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Interop;

/// <summary>Depot's own CLI, with a run's identity token in place of Depot's.</summary>
public sealed class DepotCliTests
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

    [Fact]
    public async Task Depot_build_builds_the_run_s_project_alone_and_the_project_token_ends_with_the_run()
    {
        var depot = await NodeModules.FileAsync("@depot/cli-linux-x64/bin/depot");
        using var home = new TemporaryDirectory();
        home.Write("app/Dockerfile", "FROM scratch\n");
        await using var proxy = await StartAsync();
        var deleted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        proxy.Sandbox.Depot.TokenDeleted += _ => deleted.TrySetResult();
        // a builder would be elsewhere: the CLI speaks to it directly
        proxy.Sandbox.Intercept = NoBuilderAsync;
        var run = DepotProxy.Token(proxy, id: "run-1");

        var refused = await BuildAsync("proj-b");
        Assert.Equal(1, refused.Code);
        Assert.Contains("permission_denied: parameter `#1` has a value that is not permitted", refused.Output + refused.Error, StringComparison.Ordinal);
        Assert.Empty(proxy.Sandbox.Requests.All);

        var built = await BuildAsync("proj-a");
        Assert.Contains("no builder is left", built.Output + built.Error, StringComparison.Ordinal);
        var build = Assert.Single(proxy.Sandbox.Depot.Builds);
        Assert.Equal(("proj-a", true), (build.Project, build.IsFinished));
        Assert.StartsWith("Bearer depot_project_", Assert.Single(proxy.Sandbox.Requests.All, request => request.Target == DepotProxy.CreateBuild).Header("Authorization"), StringComparison.Ordinal);
        var connecting = proxy.Sandbox.Requests.All.First(request => request.Target == DepotProxy.Service + "GetBuildKitConnection");
        Assert.Equal($"Bearer {build.Token}", connecting.Header("Authorization"));
        var line = await proxy.AuditOfAsync(connecting.Header("X-Request-Id")!);
        Assert.Equal(("pass", "mint:org:web", "run-1"), (line.GetProperty("decision").GetString(), line.GetProperty("sub").GetString(), line.GetProperty("jti").GetString()));

        Assert.Single(proxy.Sandbox.Depot.ProjectTokens);
        using var revocation = new FormUrlEncodedContent([new("token", run)]);
        Assert.Equal(HttpStatusCode.OK, (await proxy.SendAsync(HttpMethod.Post, "/v1/oidc/revoke", null, revocation, Http2)).Status);
        await deleted.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Empty(proxy.Sandbox.Depot.ProjectTokens);

        Task<RealProgram> BuildAsync(string project) => RealProgram.RunAsync(depot, home.Path, new Dictionary<string, string>
        {
            ["DEPOT_API_URL"] = proxy.Address.GetLeftPart(UriPartial.Authority),
            ["DEPOT_TOKEN"] = run,
            ["DEPOT_NO_UPDATE_NOTIFIER"] = "1",
            ["DEPOT_NO_SUMMARY_LINK"] = "1",
            ["DEPOT_ERROR_TELEMETRY"] = "0",
            ["DEPOT_DISABLE_OTEL"] = "1",
        }, "build", "--project", project, "--progress", "plain", "app");
    }

    /// <summary>Without TLS the CLI speaks HTTP/2 with prior knowledge.</summary>
    private static Task<TestProxy> StartAsync() => DepotProxy.StartAsync(
        DepotProxy.Policies(Rules),
        options => options with
        {
            Framework = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["Kestrel:Endpoints:a:Url"] = "http://127.0.0.1:0",
                ["Kestrel:Endpoints:a:Protocols"] = "Http2",
                ["Logging:LogLevel:Default"] = "Error",
            }).Build(),
        },
        upstream: upstream => upstream with { HandsOut = [new HandsOutOptions(DepotProxy.CreateBuild, "#2", TimeSpan.FromHours(1))] });

    private static void Http2(HttpRequestMessage request) => (request.Version, request.VersionPolicy) = (HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact);

    private static async Task<bool> NoBuilderAsync(HttpContext context)
    {
        if (!context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.EndsWith("/GetBuildKitConnection", StringComparison.Ordinal)) return false;
        await Results.Json(new { code = "permission_denied", message = "no builder is left" }, statusCode: 403).ExecuteAsync(context);
        return true;
    }
}
