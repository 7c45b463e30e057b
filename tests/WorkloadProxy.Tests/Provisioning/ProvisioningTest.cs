using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using WorkloadProxy.Configuration;
using WorkloadProxy.Tests.GitHosting;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Provisioning;

/// <summary>The whole proxy before the sandbox, whose droplets all have the address of one real sshd on this machine.</summary>
internal sealed class ProvisioningTest : IAsyncDisposable
{
    public const string Role = "ex-database-and-spaces-keys-access";
    private static readonly string tag = $"oidc-sub:role:{Role}";

    private ProvisioningTest(TestProxy proxy, LocalSshd sshd, TemporaryDirectory files) => (Proxy, Sshd, Files) = (proxy, sshd, files);

    public TestProxy Proxy { get; }
    public LocalSshd Sshd { get; private set; }
    public TemporaryDirectory Files { get; }
    /// <summary>The private key of the droplets' sshd.</summary>
    public string HostKey => Path.Combine(Files.Path, "host");

    public static async Task<ProvisioningTest> StartAsync(
        TimeProvider? time = null, Func<ProxyOptions, ProxyOptions>? configure = null, IReadOnlyDictionary<string, string>? policies = null,
        string keyType = "ed25519")
    {
        var files = new TemporaryDirectory();
        var sshd = await LocalSshd.StartAsync(files, keyType);
        var proxy = await TestProxy.StartAsync(policies ?? Examples.Tutorial, (options, _) =>
        {
            var port = Ports.Free();
            options = options with
                { PublicUrl = $"http://127.0.0.1:{port}", Urls = [$"http://127.0.0.1:{port}"], Provisioning = new(sshd.Port, AllowPrivateAddresses: true) };
            return configure?.Invoke(options) ?? options;
        }, time);
        return new ProvisioningTest(proxy, sshd, files);
    }

    public static JsonObject Body(string? userData = null, params string[] tags)
    {
        var body = new JsonObject
        {
            ["name"] = "test-droplet-0001", ["region"] = "sfo2", ["size"] = "s-1vcpu-1gb", ["image"] = "ubuntu-24-04-x64",
            ["tags"] = new JsonArray([.. (tags.Length == 0 ? [tag] : tags).Select(each => (JsonNode)each)]),
        };
        if (userData is not null) body["user_data"] = userData;
        return body;
    }

    public Task<Answer> CreateAsync(JsonNode body, string? token = null) =>
        Proxy.PostJsonAsync("/v2/droplets", token ?? Proxy.Sandbox.Options.UserToken, body.ToJsonString());

    /// <summary>Creates a droplet as doctl does; its id, and the user data that the cloud got.</summary>
    public async Task<(string Id, string UserData)> CreateAsync(string? userData = null)
    {
        var answer = await CreateAsync(Body(userData));
        Assert.True((int)answer.Status == 202, answer.Body);
        return (answer.Json.GetProperty("droplet").GetProperty("id").GetRawText(), LastUserData());
    }

    public string LastUserData() =>
        JsonNode.Parse(Proxy.Sandbox.Requests.All.Last(request => request.Method == "POST" && request.Path == "/v2/droplets")
            .Body)!["user_data"]!.GetValue<string>();

    /// <summary>The provisioning token in the script of the user data.</summary>
    public static string TokenIn(string userData)
    {
        const string Before = "printf %s '";
        var start = userData.IndexOf(Before, StringComparison.Ordinal) + Before.Length;
        return userData[start..userData.IndexOf('\'', start)];
    }

    public async Task<string> SignAsync(string text, string? key = null, string name = "prove-sshd")
    {
        using var process = Process.Start(new ProcessStartInfo("ssh-keygen", ["-q", "-Y", "sign", "-n", name, "-f", key ?? HostKey])
            { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        await process.StandardInput.WriteAsync(text);
        process.StandardInput.Close();
        var signature = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        return signature;
    }

    /// <summary>Proves as a VM does, which tries again when its sshd was not reached.</summary>
    public async Task<Answer> ProveAsync(string? token, string signature, int tries = 5)
    {
        while (true)
        {
            var answer = await Proxy.PostJsonAsync("/v1/oidc/prove", token, new JsonObject { ["sig"] = signature }.ToJsonString());
            if (--tries == 0 || answer.Status != HttpStatusCode.ServiceUnavailable || answer.ErrorId != "upstream_unreachable") return answer;
        }
    }

    public Task<Answer> RefreshAsync(string refreshToken) => Proxy.SendAsync(HttpMethod.Post, "/v1/oidc/refresh", refreshToken);

    /// <summary>Creates a droplet and proves it; the answer.</summary>
    public async Task<(string Id, JsonElement Tokens)> ProvedAsync()
    {
        var (id, userData) = await CreateAsync();
        var token = TokenIn(userData);
        var answer = await ProveAsync(token, await SignAsync(token));
        Assert.True((int)answer.Status == 200, answer.Body);
        return (id, answer.Json);
    }

    /// <summary>What the droplet is after a rebuild: its sshd has another host key, which is returned.</summary>
    public async Task<string> RebuildAsync()
    {
        await Sshd.DisposeAsync();
        Sshd = await LocalSshd.StartAsync(Files, at: Sshd.Port, name: "rebuilt");
        return Path.Combine(Files.Path, "rebuilt");
    }

    public Task DestroyAsync(string id) => Proxy.SendAsync(HttpMethod.Delete, $"/v2/droplets/{id}", Proxy.Sandbox.Options.UserToken);

    /// <summary>What the sandbox says of the droplet from now on.</summary>
    public async Task ChangeAsync(string id, JsonObject members)
    {
        using var http = new HttpClient();
        (await http.PutAsync(new Uri(Proxy.Sandbox.Address, $"/_sandbox/droplets/{id}"),
            new StringContent(members.ToJsonString(), Encoding.UTF8, "application/json"))).EnsureSuccessStatusCode();
    }

    public static JsonElement Claims(string token) => JsonDocument.Parse(Convert.FromBase64String(Padded(token.Split('.')[1]))).RootElement;
    public static JsonElement Header(string token) => JsonDocument.Parse(Convert.FromBase64String(Padded(token.Split('.')[0]))).RootElement;

    private static string Padded(string text)
    {
        text = text.Replace('-', '+').Replace('_', '/');
        return text.PadRight((text.Length + 3) / 4 * 4, '=');
    }

    public async ValueTask DisposeAsync()
    {
        await Proxy.DisposeAsync();
        await Sshd.DisposeAsync();
        Files.Dispose();
    }
}
