using System.Text.Json;
using System.Text.Json.Nodes;

namespace Compare;

/// <summary>All subjects, each in the configuration that its name stands for.</summary>
internal sealed class Field : IAsyncDisposable
{
    private const string TeamToken = "dop_v1_bench";

    private readonly WorkFolder folder;
    private readonly Dictionary<string, Subject> subjects = [];

    private Field(WorkFolder folder) => this.folder = folder;

    public Subject this[string name] => subjects[name];

    public static async Task<Field> StartAsync(WorkFolder folder, Tokens tokens, string? against = null)
    {
        var field = new Field(folder);
        try
        {
            folder.File("jwks.json", tokens.Jwks);
            PolicyFiles.Ordinary(folder, "policy");
            await field.AddAsync("nginx", () => field.NginxAsync("nginx", Subject.FreePort()));
            await field.AddAsync("yarp", () => field.YarpAsync("yarp", field["nginx"].Address));
            await field.AddAsync("haproxy", () => field.HaProxyAsync(tokens));
            await field.AddAsync("product", () => field.ProductAsync("product"));
            await field.AddAsync("product-es256", () => field.ProductAsync("product-es256", "ES256"));
            if (against is not null) await field.AddAsync(Workload.OlderBuild, () => field.OlderBuildAsync(Path.Combine(against, "workload-proxy.dll")));
            return field;
        }
        catch
        {
            await field.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// The product as it is run: policies from a directory unless told otherwise, an audit file, metrics exported (to the origin, which takes anything). Its
    /// data stays for the next of that name.
    /// </summary>
    /// <param name="name">Of the process, its configuration and its data.</param>
    /// <param name="algorithm">That it signs with.</param>
    /// <param name="policy">An element of <c>Policies</c>.</param>
    /// <param name="mcp">Where its MCP server is: at the origin otherwise.</param>
    /// <param name="program">Another build of it.</param>
    /// <param name="change">What is different.</param>
    public Task<Subject> ProductAsync(string name, string algorithm = "RS256", object? policy = null, Uri? mcp = null, string? program = null,
        Action<JsonObject>? change = null)
    {
        var port = Subject.FreePort();
        var url = $"http://127.0.0.1:{port}";
        var origin = subjects["nginx"].Address.ToString();
        var settings = JsonSerializer.SerializeToNode(new
        {
            PublicUrl = url,
            Urls = url,
            DataDirectory = $"{name}.data",
            Upstreams = new { DigitalOcean = new
                { Kind = "digitalocean", Address = origin, Mcp = new
                    { bench = new { Address = new Uri(mcp ?? subjects["nginx"].Address, Agents.McpClient.Path) } } } },
            Issuers = new[] { new { Tokens.Issuer, JwksFile = "jwks.json" } },
            Policies = new[] { policy ?? new { Tokens.Context, Directory = "policy" } },
            Credentials = new[] { new { Tokens.Context, Kind = "Bearer", EnvironmentVariable = "DIGITALOCEAN_TOKEN" } },
            Tokens = new { Algorithm = algorithm },
            Audit = new { File = $"{name}.audit.jsonl" },
        })!.AsObject();
        change?.Invoke(settings);
        var configuration = folder.File($"{name}.json", settings.ToJsonString());
        return Subject.StartAsync(name, port, "/health/ready", "dotnet", [program ?? WorkloadProxy, "serve", "--config", configuration],
            new Dictionary<string, string>
        {
            ["DIGITALOCEAN_TOKEN"] = TeamToken,
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = origin,
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_TRACES_EXPORTER"] = "none",
        });
    }

    /// <summary>Likewise, with no more than the first release knew.</summary>
    private Task<Subject> OlderBuildAsync(string program)
    {
        PolicyFiles.WithoutTools(folder, "policy-before");
        return ProductAsync(Workload.OlderBuild, policy: new { Tokens.Context, Directory = "policy-before" }, program: program,
            change: settings => settings["Upstreams"]!["DigitalOcean"]!.AsObject().Remove("Mcp"));
    }

    /// <summary>Audit files are moved away now and then, as a log rotation does: the product opens new ones.</summary>
    public void ForgetAudit()
    {
        foreach (var audit in Directory.GetFiles(folder.Path, "*.audit.jsonl"))
        {
            File.Move(audit, audit + ".old", overwrite: true);
            File.Delete(audit + ".old");
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var subject in subjects.Values.Reverse()) await subject.DisposeAsync();
    }

    public Task<Subject> NginxAsync(string name, int port)
    {
        var body = JsonSerializer.Serialize(new
            { database = new { id = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30", name = "backend", engine = "pg", note = new string('x', 900) } });
        var called = JsonSerializer.Serialize(new
            { jsonrpc = "2.0", id = 7, result = new { content = new[] { new { type = "text", text = new string('x', 900) } }, resultType = "complete" } });
        var configuration = folder.File($"{name}/nginx.conf", $$"""
            worker_processes 1;
            daemon off;
            pid {{folder.File($"{name}/pid")}};
            error_log stderr crit;
            events { worker_connections 4096; }
            http {
              access_log off;
              keepalive_requests 1000000000;
              client_body_temp_path {{folder.File($"{name}/body")}};
              proxy_temp_path {{folder.File($"{name}/proxy")}};
              fastcgi_temp_path {{folder.File($"{name}/fastcgi")}};
              uwsgi_temp_path {{folder.File($"{name}/uwsgi")}};
              scgi_temp_path {{folder.File($"{name}/scgi")}};
              server {
                listen 127.0.0.1:{{port}};
                location /_mcp/ { default_type application/json; return 200 '{{called}}'; }
                location / { default_type application/json; return 200 '{{body}}'; }
              }
            }
            """);
        return Subject.StartAsync(name, port, "/", "nginx", ["-p", folder.File(name), "-c", configuration]);
    }

    public Task<Subject> YarpAsync(string name, Uri origin)
    {
        var port = Subject.FreePort();
        return Subject.StartAsync(name, port, "/", "dotnet",
            [Published("BareYarp", "bare-yarp.dll"), "--urls", $"http://127.0.0.1:{port}", "--Origin", origin.ToString()]);
    }

    /// <summary>Verifies signature, issuer, audience and expiry, and puts the credential in the token's place.</summary>
    private Task<Subject> HaProxyAsync(Tokens tokens)
    {
        var port = Subject.FreePort();
        var rsa = folder.File("rsa.pem", tokens.RsaPublicPem);
        var ecdsa = folder.File("ecdsa.pem", tokens.EcdsaPublicPem);
        var configuration = folder.File("haproxy.cfg", $$"""
            global
              maxconn 4096
            defaults
              mode http
              timeout connect 5s
              timeout client 60s
              timeout server 60s
              http-reuse always
            frontend proxy
              bind 127.0.0.1:{{port}}
              http-request set-var(txn.bearer) http_auth_bearer
              http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
              http-request deny deny_status 401 unless { var(txn.alg) -m str RS256 } || { var(txn.alg) -m str ES256 }
              http-request deny deny_status 401 if { var(txn.alg) -m str RS256 } !{ var(txn.bearer),jwt_verify(txn.alg,"{{rsa}}") 1 }
              http-request deny deny_status 401 if { var(txn.alg) -m str ES256 } !{ var(txn.bearer),jwt_verify(txn.alg,"{{ecdsa}}") 1 }
              http-request deny deny_status 401 unless { var(txn.bearer),jwt_payload_query('$.iss') -m str {{Tokens.Issuer}} }
              http-request deny deny_status 401 unless { var(txn.bearer),jwt_payload_query('$.aud') -m str {{Tokens.Context}} }
              http-request set-var(txn.now) date()
              http-request set-var(txn.exp) var(txn.bearer),jwt_payload_query('$.exp','int')
              http-request deny deny_status 401 if { var(txn.exp),sub(txn.now) -m int lt 0 }
              http-request set-header Authorization "Bearer {{TeamToken}}"
              default_backend origin
            backend origin
              server origin {{subjects["nginx"].Address.Authority}}

            """);
        return Subject.StartAsync("haproxy", port, "/", "haproxy", ["-f", configuration]);
    }

    private async Task AddAsync(string name, Func<Task<Subject>> start) => subjects[name] = await start();

    /// <summary>The published program.</summary>
    public static string WorkloadProxy { get; } = Published("WorkloadProxy", "workload-proxy.dll");

    /// <summary>The same as a program of its own, as hosts start it.</summary>
    public static string Program { get; } = Published("WorkloadProxy", "workload-proxy");

    /// <summary>Where the runtime is that this program has, for one that has to find it.</summary>
    public static string Runtime { get; } = Path.GetFullPath(Path.Combine(System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory(), "..",
        "..", ".."));

    /// <summary>Where <c>bench/run</c> published it.</summary>
    private static string Published(string project, string name)
    {
        var here = new DirectoryInfo(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        return Path.Combine(here.Parent!.Parent!.Parent!.Parent!.Parent!.FullName, "artifacts", "bench", project, name);
    }
}
