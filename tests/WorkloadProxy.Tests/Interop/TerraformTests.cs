using System.Buffers.Text;
using System.Diagnostics;
using System.IO.Compression;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Configuration;
using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Policies;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Interop;

/// <summary>
/// <c>terraform login</c> and the download of a module: discovery, a code with PKCE, a token, the registry. Word for word as its documents say, and by
/// Terraform or OpenTofu where one is installed.
/// </summary>
public sealed class TerraformTests : IAsyncLifetime
{
    private const string Modules = "/opendepot/modules/v1/", Archive = "/opendepot/download/network.zip";

    private static readonly Dictionary<string, string> rules = new()
    {
        ["roles/people.hcl"] = "role \"people\" {\n  iss = \"ISSUER\"\n  aud = \"opendepot\"\n  groups = \"my-org:platform\"\n  policies = [\"modules\"]\n}\n",
        ["policies/modules.hcl"] = "path \"/opendepot/modules/v1/acme/*\" {\n  capabilities = [\"read\"]\n}\n",
    };

    private readonly TemporaryDirectory home = new();
    private readonly TestAuthority authority = new("proxy");
    private DexServer? dex;
    private TestProxy? running;

    private TestProxy Proxy => running!;

    public async ValueTask InitializeAsync()
    {
        using (var certificate = authority.Issue("localhost", "127.0.0.1"))
        {
            home.Write("tls.crt", certificate.ExportCertificatePem());
            home.Write("tls.key", certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        }
        home.Write("ca.crt", authority.Pem);
        dex = await DexServer.StartAsync("opendepot",
            () => Proxy.Token(new JsonObject { ["aud"] = "opendepot", ["sub"] = "CgR1c2VyEgVsb2NhbA", ["groups"] = new JsonArray("my-org:platform") }));
        var document = new JsonObject
        {
            ["modules.v1"] = Modules,
            ["login.v1"] = new JsonObject { ["client"] = "opendepot", ["authz"] = dex.Authorization, ["token"] = dex.Token,
                ["grant_types"] = new JsonArray("authz_code"), ["ports"] = new JsonArray(20000, 59999) },
        };
        running = await InteropProxy.StartAsync(rules, (options, _) => options with
        {
            BaseDirectory = home.Path,
            Audiences = [new("opendepot", InteropProxy.Registry)],
            Public =
            [
                new(Pattern("/.well-known/terraform.json")) { Document = Encoding.UTF8.GetBytes(document.ToJsonString()) },
                new(Pattern("/opendepot/download/*")) { Upstream = "OpenDepot" },
            ],
            Framework = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["Kestrel:Endpoints:a:Url"] = "http://127.0.0.1:0",
                ["Kestrel:Endpoints:b:Url"] = "https://127.0.0.1:0",
                ["Kestrel:Endpoints:b:Certificate:Path"] = "tls.crt",
                ["Kestrel:Endpoints:b:Certificate:KeyPath"] = "tls.key",
                ["Logging:LogLevel:Default"] = "Error",
            }).Build(),
        });
        Proxy.Sandbox.Intercept = RegistryAsync;
    }

    public async ValueTask DisposeAsync()
    {
        if (running is not null) await running.DisposeAsync();
        if (dex is not null) await dex.DisposeAsync();
        authority.Dispose();
        home.Dispose();
    }

    [Fact]
    public async Task Login_by_the_documents_gets_a_token_that_reads_the_permitted_modules()
    {
        var discovered = await Proxy.GetAsync("/.well-known/terraform.json", null);
        Assert.Equal(HttpStatusCode.OK, discovered.Status);
        var login = discovered.Json.GetProperty("login.v1");

        // https://developer.hashicorp.com/terraform/internals/login-protocol
        var (verifier, state, redirect) = (Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)), "s-1", "http://localhost:20000/login");
        var challenge = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)));
        using var http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });
        using var authorized = await http.GetAsync(QueryHelpers.AddQueryString(login.GetProperty("authz").GetString()!, new Dictionary<string, string?>
        {
            ["client_id"] = login.GetProperty("client").GetString(), ["code_challenge"] = challenge, ["code_challenge_method"] = "S256",
            ["redirect_uri"] = redirect, ["response_type"] = "code", ["state"] = state,
        }));
        var answer = QueryHelpers.ParseQuery(authorized.Headers.Location!.Query);
        Assert.Equal(state, answer["state"]);
        using var form = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["grant_type"] = "authorization_code", ["code"] = answer["code"].ToString(), ["code_verifier"] = verifier, ["client_id"] = "opendepot",
            ["redirect_uri"] = redirect,
        });
        using var exchanged = await http.PostAsync(login.GetProperty("token").GetString(), form);
        var token = JsonDocument.Parse(await exchanged.Content.ReadAsStringAsync()).RootElement.GetProperty("access_token").GetString();

        // https://developer.hashicorp.com/terraform/internals/module-registry-protocol
        var modules = discovered.Json.GetProperty("modules.v1").GetString();
        Assert.Equal(HttpStatusCode.OK, (await Proxy.GetAsync($"{modules}acme/network/aws/versions", token)).Status);
        var download = await Proxy.GetAsync($"{modules}acme/network/aws/1.0.0/download", token);
        Assert.Equal((HttpStatusCode.NoContent, Archive), (download.Status, download.Headers["X-Terraform-Get"]));
        Assert.Equal(HttpStatusCode.OK, (await Proxy.GetAsync(Archive, null)).Status);

        Assert.Equal(HttpStatusCode.Forbidden, (await Proxy.GetAsync($"{modules}other/network/aws/versions", token)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await Proxy.GetAsync($"{modules}acme/network/aws/versions", null)).Status);
        Assert.All(Proxy.Sandbox.Requests.All.Where(request => request.Target.StartsWith(Modules, StringComparison.Ordinal)),
            request => Assert.Equal("Bearer " + Proxy.Sandbox.Options.TeamToken, request.Header("Authorization")));
        Assert.Null(Assert.Single(Proxy.Sandbox.Requests.All, request => request.Target == Archive).Header("Authorization"));

        if (((string[])["terraform", "tofu"]).SelectMany(name => Environment.GetEnvironmentVariable("PATH")!.Split(':')
            .Select(folder => Path.Combine(folder, name))).FirstOrDefault(File.Exists) is { } program)
            await ByProgramAsync(program, http);
    }

    private async Task ByProgramAsync(string program, HttpClient http)
    {
        Directory.CreateDirectory(Path.Combine(home.Path, ".terraform.d"));
        var host = Proxy.Addresses[1].Authority;
        // without a browser to open, it prints the address
        var environment = new Dictionary<string, string>
            { ["SSL_CERT_FILE"] = Path.Combine(home.Path, "ca.crt"), ["PATH"] = home.Path, ["CHECKPOINT_DISABLE"] = "1", ["TF_CLI_CONFIG_FILE"] = "" };
        var start = new ProcessStartInfo(program, ["login", host])
            { WorkingDirectory = home.Path, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["HOME"] = home.Path;
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using (var login = Process.Start(start)!)
        {
            using var limit = RealProgram.Limit();
            // its output then ends
            using var killing = limit.Token.Register(() => login.Kill(entireProcessTree: true));
            var errors = login.StandardError.ReadToEndAsync();
            await login.StandardInput.WriteLineAsync("yes");
            var said = new StringBuilder();
            while (await login.StandardOutput.ReadLineAsync() is { } line)
            {
                said.AppendLine(line);
                if (!line.Contains(dex!.Authorization, StringComparison.Ordinal)) continue;
                using var signedIn = await http.GetAsync(line.Trim());
                try
                {
                    using var told = await http.GetAsync(signedIn.Headers.Location);
                }
                catch (HttpRequestException)
                {
                    // it has the code, and may stop listening before it has answered
                }
            }
            await login.WaitForExitAsync();
            Assert.True(login.ExitCode == 0, $"{said}\n{await errors}");
        }
        home.Write("main.tf", $"module \"network\" {{\n  source  = \"{host}/acme/network/aws\"\n  version = \"1.0.0\"\n}}\n");
        var got = await RealProgram.RunAsync(program, home.Path, environment, "get", "-no-color");
        Assert.True(got.Code == 0, got.Output + got.Error);
        Assert.Single(Directory.GetFiles(Path.Combine(home.Path, ".terraform/modules"), "network.tf", SearchOption.AllDirectories));
    }

    private static async Task<bool> RegistryAsync(HttpContext context)
    {
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (target.StartsWith(Modules, StringComparison.Ordinal) && target.EndsWith("/versions", StringComparison.Ordinal))
            await Results.Text("""{"modules":[{"versions":[{"version":"1.0.0"}]}]}""", "application/json").ExecuteAsync(context);
        else if (target.EndsWith("/1.0.0/download", StringComparison.Ordinal))
            (context.Response.StatusCode, context.Response.Headers["X-Terraform-Get"]) = (StatusCodes.Status204NoContent, Archive);
        else if (target.StartsWith(Archive, StringComparison.Ordinal)) await Results.Bytes(Zip(), "application/zip").ExecuteAsync(context);
        else return false;
        return true;
    }

    private static byte[] Zip()
    {
        using var content = new MemoryStream();
        using (var archive = new ZipArchive(content, ZipArchiveMode.Create, leaveOpen: true))
        using (var writer = new StreamWriter(archive.CreateEntry("network.tf").Open())) writer.Write("output \"a\" {\n  value = 1\n}\n");
        return content.ToArray();
    }

    private static PublicPattern Pattern(string text) =>
        PublicPattern.TryParse(text, out var pattern, out var error) ? pattern : throw new InvalidOperationException(error);
}
