using System.Text.Json;
using System.Text.Json.Nodes;
using WorkloadProxy.EndToEnd.Tests;
using WorkloadProxy.Tests;

[assembly: AssemblyFixture(typeof(Deployment))]

namespace WorkloadProxy.EndToEnd.Tests;

/// <summary>
/// The built server before the built sandbox, with the repository's own example policies, unchanged: the sandbox's token service signs as GitHub's issuer, and
/// the server is told where its keys are. One role is added: the droplet's identity token comes from provisioning, and here an exchange stands for it.
/// </summary>
public sealed class Deployment : IAsyncLifetime
{
    public const string Team = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
    public const string Did = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
    public const string TeamToken = "dop_v1_end_to_end";
    public const string AtProtoToken = "atproto_end_to_end";
    public const string DigitalOcean = $"api://DigitalOcean?actx={Team}";

    /// <summary>The collection of the tests that have requests of theirs sent upstream: what one of them finds there must be its own.</summary>
    public const string Upstream = "upstream";

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("workload-proxy-e2e-");
    private readonly HttpClient http = new();
    private Server? sandbox;
    private Server? proxy;
    private JsonObject addresses = [];

    public string Url { get; private set; } = "";
    public string TokenRequestUrl => addresses["token_request_url"]!.ToString();
    public string TokenRequestToken => addresses["token_request_token"]!.ToString();
    public string AuditFile => Path.Combine(folder.FullName, "audit.jsonl");

    public async ValueTask InitializeAsync()
    {
        sandbox = Server.Start(Repository.Built("samples/Sandbox", "sandbox"), ["--Issuer", "https://token.actions.githubusercontent.com"],
            new Dictionary<string, string>
        {
            ["SANDBOX_TEAMTOKEN"] = TeamToken,
            ["SANDBOX_ATPROTOTOKEN"] = AtProtoToken,
        });
        addresses = JsonNode.Parse(await sandbox.Line(line => line.StartsWith('{')))!.AsObject();
        foreach (var part in (string[])["policies", "roles", "droplet-roles", "gha-roles"])
        {
            var target = Directory.CreateDirectory(Path.Combine(folder.FullName, "policy", part)).FullName;
            foreach (var file in Directory.EnumerateFiles(Path.Combine(Repository.Top, part), "*.hcl"))
                File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        }
        Write("policy/roles/provisioning.hcl", """
            role "provisioning" {
              iss      = "https://token.actions.githubusercontent.com"
              aud      = "api://DigitalOcean?actx={actx}"
              sub      = "repo:org/provisioning:ref:refs/heads/main"
              policies = ["provisioning"]
            }
            """);
        Write("policy/policies/provisioning.hcl", """
            path "/v1/oidc/issue" {
              capabilities       = ["create"]
              allowed_parameters = {
                "aud" = "api://DigitalOcean?actx={actx}"
                "sub" = "actx:{actx}:role:ex-database-and-spaces-keys-access"
                "ttl" = 900
              }
            }
            """);
        Url = $"http://127.0.0.1:{Ports.Free()}";
        var atProto = $"api://ATProto?actx={Did}";
        Write("workload-proxy.json", JsonSerializer.Serialize(new
        {
            PublicUrl = Url,
            Urls = Url,
            DataDirectory = "data",
            Upstreams = new
            {
                DigitalOcean = new { Kind = "digitalocean", Address = addresses["api"]!.ToString() },
                ATProto = new { Kind = "http", Address = addresses["api"]!.ToString() },
            },
            Issuers = new[] { new { Issuer = "https://token.actions.githubusercontent.com", MetadataAddress = addresses["metadata"]!.ToString() } },
            Policies = new[] { new { Context = DigitalOcean, Directory = "policy" }, new { Context = atProto, Directory = "policy" } },
            Credentials = new[]
            {
                new { Context = DigitalOcean, Kind = "Bearer", EnvironmentVariable = "DIGITALOCEAN_TOKEN" },
                new { Context = atProto, Kind = "Bearer", EnvironmentVariable = "ATPROTO_TOKEN" },
            },
            Audit = new { File = "audit.jsonl" },
        }));
        proxy = Server.Start(Repository.Built("src/WorkloadProxy", "workload-proxy"),
            ["serve", "--config", Path.Combine(folder.FullName, "workload-proxy.json")], new Dictionary<string, string>
        {
            ["DIGITALOCEAN_TOKEN"] = TeamToken,
            ["ATPROTO_TOKEN"] = AtProtoToken,
        });
        await proxy.Ready($"{Url}/health/ready");
    }

    public async ValueTask DisposeAsync()
    {
        if (proxy is not null) await proxy.DisposeAsync();
        if (sandbox is not null) await sandbox.DisposeAsync();
        http.Dispose();
        folder.Delete(recursive: true);
    }

    /// <summary>An identity token as a job gets it, with the given claims in place of the usual ones.</summary>
    public async Task<string> IdentityToken(JsonObject? claims = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get,
            $"{TokenRequestUrl}&audience={Uri.EscapeDataString(DigitalOcean)}&claims={Uri.EscapeDataString((claims ?? []).ToJsonString())}");
        request.Headers.Authorization = new("Bearer", TokenRequestToken);
        using var answer = await http.SendAsync(request);
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["value"]!.ToString();
    }

    /// <summary>What provisioning puts on a droplet that was created with the tutorial's tag.</summary>
    public async Task<string> DropletToken()
    {
        var identity = await IdentityToken(new JsonObject { ["sub"] = "repo:org/provisioning:ref:refs/heads/main", ["repository"] = "org/provisioning" });
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{Url}/v1/oidc/issue")
        {
            Content = new StringContent(new JsonObject
                { ["aud"] = DigitalOcean, ["sub"] = $"actx:{Team}:role:ex-database-and-spaces-keys-access", ["ttl"] = 900 }.ToJsonString()),
        };
        request.Headers.Authorization = new("Bearer", identity);
        using var answer = await http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonNode.Parse(text)!["token"]!.ToString();
    }

    /// <summary>Runs something and returns what the upstream received meanwhile.</summary>
    public async Task<IReadOnlyList<JsonObject>> Received(Func<Task> meanwhile)
    {
        var before = (await Received(0)).LastOrDefault()?["number"]!.GetValue<int>() ?? 0;
        await meanwhile();
        return await Received(before);
    }

    private async Task<IReadOnlyList<JsonObject>> Received(int after) =>
        [.. JsonNode.Parse(await http.GetStringAsync($"{addresses["requests"]}?after={after}"))!.AsArray().Select(request => request!.AsObject())];

    private void Write(string name, string content) => File.WriteAllText(Path.Combine(folder.FullName, name), content);
}
