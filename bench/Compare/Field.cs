using System.Text.Json;

namespace Compare;

/// <summary>All subjects, each in the configuration that its name stands for.</summary>
internal sealed class Field : IAsyncDisposable
{
    private const string TeamToken = "dop_v1_bench";

    private readonly Dictionary<string, Subject> subjects;

    private Field(Dictionary<string, Subject> subjects, StartUp start, string audit)
    {
        this.subjects = subjects;
        Start = start;
        Audit = audit;
    }

    public StartUp Start { get; }
    public string Audit { get; }
    public Subject this[string name] => subjects[name];

    public static async Task<Field> StartAsync(WorkFolder folder, Tokens tokens)
    {
        var subjects = new Dictionary<string, Subject>();
        try
        {
            var origin = subjects["nginx"] = await Nginx(folder);
            subjects["yarp"] = await Yarp(origin);
            subjects["haproxy"] = await HaProxy(folder, tokens, origin);
            WritePolicies(folder);
            folder.File("jwks.json", tokens.Jwks);

            var starts = new List<double>();
            // the first start of all makes the keys and the store
            for (var i = 0; i <= 5; i++)
            {
                await using var once = await Product(folder, origin, "start", "RS256");
                if (i > 0) starts.Add(once.Started.TotalMilliseconds);
            }
            subjects["product"] = await Product(folder, origin, "product", "RS256");
            subjects["product-es256"] = await Product(folder, origin, "product-es256", "ES256");
            var start = new StartUp(starts.Order().ElementAt(starts.Count / 2), subjects["product"].ResidentMegabytes);
            return new Field(subjects, start, folder.File("product.audit.jsonl"));
        }
        catch
        {
            foreach (var subject in subjects.Values) await subject.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var subject in subjects.Values.Reverse()) await subject.DisposeAsync();
    }

    private static Task<Subject> Nginx(WorkFolder folder)
    {
        var port = Subject.FreePort();
        var body = JsonSerializer.Serialize(new { database = new { id = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30", name = "backend", engine = "pg", note = new string('x', 900) } });
        var configuration = folder.File("nginx/nginx.conf", $$"""
            worker_processes 1;
            daemon off;
            pid {{folder.File("nginx/pid")}};
            error_log stderr crit;
            events { worker_connections 4096; }
            http {
              access_log off;
              keepalive_requests 1000000000;
              client_body_temp_path {{folder.File("nginx/body")}};
              proxy_temp_path {{folder.File("nginx/proxy")}};
              fastcgi_temp_path {{folder.File("nginx/fastcgi")}};
              uwsgi_temp_path {{folder.File("nginx/uwsgi")}};
              scgi_temp_path {{folder.File("nginx/scgi")}};
              server {
                listen 127.0.0.1:{{port}};
                location / { default_type application/json; return 200 '{{body}}'; }
              }
            }
            """);
        return Subject.StartAsync("nginx", port, "/", "nginx", ["-p", folder.File("nginx"), "-c", configuration]);
    }

    private static Task<Subject> Yarp(Subject origin)
    {
        var port = Subject.FreePort();
        return Subject.StartAsync("yarp", port, "/", "dotnet", [Published("BareYarp", "bare-yarp"), "--urls", $"http://127.0.0.1:{port}", "--Origin", origin.Address.ToString()]);
    }

    /// <summary>Verifies signature, issuer, audience and expiry, and puts the credential in the token's place.</summary>
    private static Task<Subject> HaProxy(WorkFolder folder, Tokens tokens, Subject origin)
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
              server origin {{origin.Address.Authority}}

            """);
        return Subject.StartAsync("haproxy", port, "/", "haproxy", ["-f", configuration]);
    }

    /// <summary>The product as it is run: policies from a directory, an audit file, metrics exported (to the origin, which takes anything).</summary>
    private static Task<Subject> Product(WorkFolder folder, Subject origin, string name, string algorithm)
    {
        var port = Subject.FreePort();
        var url = $"http://127.0.0.1:{port}";
        var configuration = folder.File($"{name}.json", JsonSerializer.Serialize(new
        {
            PublicUrl = url,
            Urls = url,
            DataDirectory = $"{name}.data",
            Upstreams = new { DigitalOcean = new { Kind = "digitalocean", Address = origin.Address.ToString() } },
            Issuers = new[] { new { Tokens.Issuer, JwksFile = "jwks.json" } },
            Policies = new[] { new { Tokens.Context, Directory = "policy" } },
            Credentials = new[] { new { Tokens.Context, Kind = "Bearer", EnvironmentVariable = "DIGITALOCEAN_TOKEN" } },
            Tokens = new { Algorithm = algorithm },
            Audit = new { File = $"{name}.audit.jsonl" },
        }));
        return Subject.StartAsync(name, port, "/health/ready", "dotnet", [Published("WorkloadProxy", "workload-proxy"), "serve", "--config", configuration], new Dictionary<string, string>
        {
            ["DIGITALOCEAN_TOKEN"] = TeamToken,
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = origin.Address.ToString(),
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_TRACES_EXPORTER"] = "none",
        });
    }

    /// <summary>One role for the jobs that are measured, among a hundred of others.</summary>
    private static void WritePolicies(WorkFolder folder)
    {
        folder.File("policy/roles/bench.hcl", $$"""
            role "bench" {
              iss              = "{{Tokens.Issuer}}"
              aud              = "api://DigitalOcean?actx={actx}"
              sub              = "repo:org/repo:ref:refs/heads/main"
              job_workflow_ref = "org/repo/.github/workflows/do-wid.yml@refs/heads/main"
              policies         = ["bench"]
            }
            """);
        folder.File("policy/policies/bench.hcl", """
            path "/v1/oidc/issue" {
              capabilities       = ["create"]
              allowed_parameters = { "aud" = "api://DigitalOcean?actx={actx}", "sub" = "actx:{actx}:role:bench", "ttl" = 300 }
            }
            path "/v2/databases/+" {
              capabilities       = ["read"]
              allowed_parameters = {}
            }
            path "/v2/spaces/keys" {
              capabilities       = ["create"]
              allowed_parameters = {
                "name"   = "bucket-111-read-token-*"
                "grants" = [{ "bucket" = "111", "permission" = "read" }]
                "note"   = []
              }
            }
            """);
        for (var i = 0; i < 100; i++)
        {
            folder.File($"policy/roles/other-{i}.hcl", $$"""
                role "other-{{i}}" {
                  iss      = "{{Tokens.Issuer}}"
                  aud      = "api://DigitalOcean?actx={actx}"
                  sub      = "repo:org/other-{{i}}:*"
                  policies = ["other-{{i}}"]
                }
                """);
            folder.File($"policy/policies/other-{i}.hcl", $$"""
                path "/v2/droplets/{{i}}" {
                  capabilities = ["read"]
                }
                """);
        }
    }

    /// <summary>Where <c>bench/run</c> published it.</summary>
    private static string Published(string project, string name)
    {
        var here = new DirectoryInfo(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        return Path.Combine(here.Parent!.Parent!.Parent!.Parent!.Parent!.FullName, "artifacts", "bench", project, $"{name}.dll");
    }
}

/// <summary>Start to ready (median of five starts on an existing store), and resident memory just after.</summary>
internal sealed record StartUp(double Milliseconds, double ResidentMegabytes);
