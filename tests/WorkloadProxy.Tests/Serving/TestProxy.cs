using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using Sandbox;
using Sandbox.Tokens;
using WorkloadProxy.Cli;
using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Configuration;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Server;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Tests.Serving;

/// <summary>
/// The whole server on a free port, before the sandbox, in a directory of its own. Each test has one to itself: what it records is the test's.
/// </summary>
internal sealed class TestProxy : IAsyncDisposable
{
    public const string Team = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
    public const string Did = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
    public static readonly AuthContext DigitalOcean = new("DigitalOcean", Team);
    public static readonly AuthContext AtProto = new("ATProto", Did);

    // making an RSA key takes longer than all else that a start does
    private static readonly SigningKey issuerKey = SigningKey.Rsa();

    private readonly DirectoryInfo directory;
    private ProxyServer? server;

    private TestProxy(SandboxServer sandbox, DirectoryInfo directory) => (Sandbox, this.directory) = (sandbox, directory);

    public SandboxServer Sandbox { get; }
    public ProxyOptions Options { get; private set; } = null!;
    public Uri Address { get; private set; } = null!;
    /// <summary>All that it listens on, in the order of the configuration.</summary>
    public IReadOnlyList<Uri> Addresses { get; private set; } = [];
    public HttpClient Client { get; private set; } = null!;
    public string Folder => directory.FullName;
    public string PolicyDirectory => Path.Combine(directory.FullName, "rbac");
    public string AuditFile => Path.Combine(directory.FullName, "audit.jsonl");

    /// <summary>
    /// Starts with the files of <paramref name="policies"/> (path → HCL) for the DigitalOcean context; <c>ISSUER</c> in them stands for the sandbox's.
    /// </summary>
    public static async Task<TestProxy> StartAsync(IReadOnlyDictionary<string, string>? policies = null,
        Func<ProxyOptions, SandboxServer, ProxyOptions>? configure = null, TimeProvider? time = null)
    {
        var sandbox = await SandboxServer.StartAsync(new SandboxOptions { TeamUuid = Team });
        sandbox.Issuer.Keys = [issuerKey];
        var proxy = new TestProxy(sandbox, Directory.CreateTempSubdirectory("workload-proxy-"));
        foreach (var (path, text) in policies ?? Examples.EverythingForOneJob) proxy.WritePolicy(path, text);
        var secret = Path.Combine(proxy.directory.FullName, "team-token");
        await File.WriteAllTextAsync(secret, sandbox.Options.TeamToken + "\n");
        var options = new ProxyOptions
        {
            PublicUrl = "http://proxy.test",
            Urls = ["http://127.0.0.1:0"],
            DataDirectory = Path.Combine(proxy.directory.FullName, "data"),
            Upstreams = new Dictionary<string, UpstreamOptions>
            {
                ["DigitalOcean"] = new() { Name = "DigitalOcean", Kind = UpstreamKind.DigitalOcean, Address = sandbox.Address, PassThrough = true },
            },
            Issuers = [new IssuerOptions(sandbox.Issuer.Issuer, null, null, [])],
            Policies = [new PolicySourceOptions(DigitalOcean, Directory: proxy.PolicyDirectory)],
            Credentials = [new CredentialOptions { Context = DigitalOcean, Kind = CredentialKind.Bearer, File = secret }],
            Audit = new AuditOptions(proxy.AuditFile),
            Tokens = new TokenOptions { Algorithm = "ES256" },
            Framework = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["Logging:LogLevel:Default"] = "Error" }).Build(),
        };
        proxy.Options = configure?.Invoke(options, sandbox) ?? options;
        await proxy.StartServerAsync(time);
        return proxy;
    }

    public async Task StartServerAsync(TimeProvider? time = null)
    {
        server = await ProxyServer.StartAsync(Options, time ?? TimeProvider.System, CancellationToken.None);
        Addresses = [.. server.Addresses.Select(address => new Uri(address))];
        Address = Addresses[0];
        Client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false }) { BaseAddress = Address };
    }

    /// <summary>Changes the configuration that the next start reads.</summary>
    public void Change(Func<ProxyOptions, ProxyOptions> change) => Options = change(Options);

    /// <summary>Stops the server as SIGTERM does; <see cref="StartServerAsync"/> starts it again on the same data.</summary>
    public async Task StopServerAsync()
    {
        if (server is null) return;
        Client.Dispose();
        await server.DisposeAsync();
        server = null;
    }

    public void WritePolicy(string path, string text)
    {
        var file = new FileInfo(Path.Combine(PolicyDirectory, path));
        file.Directory!.Create();
        // in one step: half a file is never read
        var draft = Path.Combine(file.DirectoryName!, $".{file.Name}.new");
        File.WriteAllText(draft, text.Replace("ISSUER", Sandbox.Issuer.Issuer, StringComparison.Ordinal));
        File.Move(draft, file.FullName, overwrite: true);
    }

    /// <summary>An identity token as GitHub would give it to the job that <see cref="Examples"/> speaks of.</summary>
    public string IdentityToken(JsonObject? claims = null) => Sandbox.Issuer.Token(DigitalOcean.ToString(), claims ?? Examples.Job);

    public async Task<Answer> SendAsync(HttpMethod method, string target, string? token, HttpContent? content = null, Action<HttpRequestMessage>? with = null)
    {
        using var request = new HttpRequestMessage(method, new Uri(Address, target)) { Content = content };
        if (token is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        with?.Invoke(request);
        using var response = await Client.SendAsync(request);
        return new Answer(response.StatusCode, await response.Content.ReadAsStringAsync(),
            response.Headers.Concat(response.Content.Headers)
                .ToDictionary(header => header.Key, header => string.Join(", ", header.Value), StringComparer.OrdinalIgnoreCase));
    }

    public Task<Answer> GetAsync(string target, string? token) => SendAsync(HttpMethod.Get, target, token);

    public Task<Answer> PostJsonAsync(string target, string? token, string json) =>
        SendAsync(HttpMethod.Post, target, token, new StringContent(json, Encoding.UTF8, "application/json"));

    /// <summary>The exchange for <paramref name="role"/> of the same context, as the tutorial does it; the scoped token.</summary>
    public async Task<string> ExchangeAsync(string token, string role, int ttl = 300)
    {
        var answer = await PostJsonAsync("/v1/oidc/issue", token, $$"""{"aud":"{{DigitalOcean}}","sub":"actx:{{Team}}:role:{{role}}","ttl":{{ttl}}}""");
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
        return answer.Json.GetProperty("token").GetString()!;
    }

    /// <summary>Sends bytes as they are and reads until the server closes, for what no client would send.</summary>
    public async Task<string> SendRawAsync(string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, Address.Port);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request));
        using var reader = new StreamReader(stream, Encoding.Latin1);
        return await reader.ReadToEndAsync();
    }

    /// <summary>A raw GET with the target byte for byte.</summary>
    public Task<string> SendRawGetAsync(string target, string? token, string extraHeaders = "") =>
        SendRawAsync($"GET {target} HTTP/1.1\r\nHost: proxy.test\r\nConnection: "
            + $"close\r\n{(token is null ? "" : $"Authorization: Bearer {token}\r\n")}{extraHeaders}\r\n");

    /// <summary>The audit's lines, once there are at least <paramref name="count"/>: the writer works behind the answers.</summary>
    public async Task<IReadOnlyList<JsonElement>> AuditAsync(int count)
    {
        using var watcher = new FileSystemWatcher(directory.FullName, "audit.jsonl");
        using var changed = new SemaphoreSlim(0);
        watcher.Changed += (_, _) => changed.Release();
        watcher.Created += (_, _) => changed.Release();
        watcher.EnableRaisingEvents = true;
        while (true)
        {
            var lines = File.Exists(AuditFile) ? ReadLines() : [];
            if (lines.Count >= count) return lines;
            Assert.True(await changed.WaitAsync(TimeSpan.FromSeconds(20)), $"expected {count} audit lines, found {lines.Count}");
        }
    }

    /// <summary>The audit's line of one request, by the id that it was answered with.</summary>
    public Task<JsonElement> AuditOfAsync(Answer answer) => AuditOfAsync(answer.Headers["X-Request-Id"]);

    /// <inheritdoc cref="AuditOfAsync(Answer)"/>
    public async Task<JsonElement> AuditOfAsync(string id)
    {
        for (var count = 1; ; count++)
        {
            var lines = await AuditAsync(count);
            var own = lines.Where(line => line.TryGetProperty("request_id", out var named) && named.GetString() == id).ToList();
            if (own.Count > 0) return Assert.Single(own);
            count = lines.Count;
        }
    }

    private List<JsonElement> ReadLines()
    {
        using var stream = new FileStream(AuditFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(stream);
        var text = reader.ReadToEnd();
        // the last line counts once its line feed is there
        return text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)
            .ToList();
    }

    public async ValueTask DisposeAsync()
    {
        await StopServerAsync();
        await Sandbox.DisposeAsync();
        directory.Delete(recursive: true);
    }
}

/// <summary>What a caller got.</summary>
internal sealed record Answer(HttpStatusCode Status, string Body, IReadOnlyDictionary<string, string> Headers)
{
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;
    /// <summary>The <c>id</c> of an error.</summary>
    public string? ErrorId => Json.GetProperty("id").GetString();
}
