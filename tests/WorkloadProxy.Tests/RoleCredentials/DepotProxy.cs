using System.Text.Json.Nodes;
using WorkloadProxy.Configuration;
using WorkloadProxy.Configuration.Sources;
using WorkloadProxy.Policies;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.RoleCredentials;

/// <summary>A proxy before the sandbox's Depot, with roles for two projects.</summary>
internal static class DepotProxy
{
    public const string Service = "/depot.cli.v1.BuildService/";
    public const string CreateBuild = Service + "CreateBuild";
    public static readonly AuthContext Context = new("Depot", "acme");

    public const string Role = """
        role "NAME" {
          iss        = "ISSUER"
          aud        = "api://Depot?actx=acme"
          sub        = "mint:org:NAME"
          policies   = ["build"]
          CREDENTIAL
        }

        """;

    public static Dictionary<string, string> Policies(string? policy = null) => new()
    {
        ["policies/build.hcl"] = policy ?? """path "/depot.cli.v1.BuildService/*" { capabilities = ["create"] }""",
        ["roles/rwx.hcl"] = RoleOf("web", "proj-a") + RoleOf("api", "proj-b") + Role.Replace("NAME", "none").Replace("CREDENTIAL", ""),
    };

    public static string RoleOf(string name, string project) => Role.Replace("NAME", name).Replace("CREDENTIAL", $"credential = {{ project = \"{project}\" }}");

    public static Task<TestProxy> StartAsync(Dictionary<string, string>? policies = null, Func<ProxyOptions, ProxyOptions>? configure = null,
        TimeProvider? time = null, Func<UpstreamOptions, UpstreamOptions>? upstream = null) =>
        TestProxy.StartAsync(policies ?? Policies(), (options, sandbox) =>
        {
            var file = Path.Combine(Path.GetDirectoryName(options.Credentials[0].File)!, "organization-token");
            File.WriteAllText(file, sandbox.Options.DepotToken);
            var depot = new UpstreamOptions { Name = "Depot", Kind = UpstreamKind.Http, Address = sandbox.Address };
            options = options with
            {
                Upstreams = new Dictionary<string, UpstreamOptions> { ["Depot"] = upstream?.Invoke(depot) ?? depot },
                Policies = [options.Policies[0] with { Context = Context }],
                Credentials = [Exchange(file)],
            };
            return configure?.Invoke(options) ?? options;
        }, time);

    public static CredentialOptions Exchange(string file) => new()
    {
        Context = Context, Kind = CredentialKind.Exchange, File = file,
        Exchange = new ExchangeOptions(
            new ExchangeCall(Template("/depot.core.v1.ProjectService/CreateToken"),
                [new("projectId", Template("{project}")), new("description", Template("workload-proxy {jti}"))]), "secret", "tokenId",
            new ExchangeCall(Template("/depot.core.v1.ProjectService/DeleteToken"), [new("tokenId", Template("{id}"))])),
    };

    public static string Token(TestProxy proxy, string vault = "web", string id = "1", JsonObject? claims = null)
    {
        var all = new JsonObject { ["sub"] = $"mint:org:{vault}", ["jti"] = id };
        foreach (var (name, value) in claims ?? []) all[name] = value?.DeepClone();
        return proxy.Sandbox.Issuer.Token(Context.ToString(), all);
    }

    public static Task<Answer> BuildAsync(TestProxy proxy, string token, string project = "proj-a") =>
        proxy.PostJsonAsync(CreateBuild, token, $$"""{"projectId":"{{project}}"}""");

    private static TemplateText Template(string text) => TemplateText.TryParse(text)!;
}
