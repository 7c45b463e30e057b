using System.Net;
using Sandbox.AtProto;
using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.Tests.Serving;
using AtProtoOptions = WorkloadProxy.Configuration.AtProtoOptions;

namespace WorkloadProxy.Tests.SignIn.AtProto;

/// <summary>
/// A server whose accounts sign in at a network of the sandbox's. Over https to the network, which fetches the client's document where the proxy really
/// listens.
/// </summary>
internal sealed class AccountTest : IAsyncDisposable
{
    public const string Login = "/auth/atproto/v1/login", Callback = "/auth/atproto/v1/callback", Disconnect = "/auth/atproto/v1/disconnect",
    GitToken = "/auth/atproto/v1/git-token";
    public const string Document = "/oauth-client-metadata.json", Public = "https://proxy.lab.internal";

    private AccountTest(TestProxy proxy, AtProtoNetwork network) => (Proxy, Network) = (proxy, network);

    public TestProxy Proxy { get; }
    public AtProtoNetwork Network { get; }
    public AtProtoAccount Alice => Network.Accounts[0];
    public AtProtoAccount Bob => Network.Accounts[1];
    /// <summary>On Alice's server.</summary>
    public AtProtoAccount Carol => Network.Accounts[2];
    public PersonalDataServer Server => Network.Servers[0];

    public static async Task<AccountTest> StartAsync(
        Func<AtProtoOptions, AtProtoOptions>? atproto = null, Func<ProxyOptions, ProxyOptions>? configure = null, bool development = false, bool web = false,
        bool forwards = false, TimeProvider? time = null, AtProtoNetwork? network = null)
    {
        network ??= await AtProtoNetwork.StartAsync(new Sandbox.AtProto.AtProtoNetworkOptions { Web = web, Time = time ?? TimeProvider.System });
        var url = $"http://127.0.0.1:{Ports.Free()}";
        network.ClientHosts.TryAdd("proxy.lab.internal", new Uri(url));
        var proxy = await TestProxy.StartAsync(policies, configure: (options, sandbox) =>
        {
            if (time is not null) sandbox.Issuer.Time = time;
            var settings = new AtProtoOptions(new Uri(network.PlcDirectory), new Uri(network.Servers[0].Url),
                [network.PlcDirectory, .. network.Servers.Select(server => server.Url)])
            {
                OAuth = new AtProtoOAuthOptions(["*"], AtProtoOAuthOptions.DefaultScopes),
            };
            options = options with
            {
                PublicUrl = development ? url.Replace("127.0.0.1", "localhost", StringComparison.Ordinal) : Public,
                Urls = [url],
                Policies = forwards ? [.. network.Accounts.Select(account => new PolicySourceOptions(ContextOf(account),
                    Directory: options.Policies[0].Directory))] : [],
                Credentials = [],
                Upstreams = new Dictionary<string, UpstreamOptions>
                    { ["ATProto"] = new() { Name = "ATProto", Kind = UpstreamKind.AtProto, AtProto = atproto?.Invoke(settings) ?? settings } },
            };
            return configure?.Invoke(options) ?? options;
        }, time: time);
        return new AccountTest(proxy, network);
    }

    /// <summary>The sandbox's job may do everything with every account.</summary>
    private static readonly Dictionary<string, string> policies = new()
    {
        ["roles/job.hcl"] = """
            role "job" {
              iss      = "ISSUER"
              aud      = "api://ATProto?actx={actx}"
              sub      = "repo:org/repo:ref:refs/heads/main"
              policies = ["job"]
            }
            """,
        ["policies/job.hcl"] = """
            path "/xrpc/*" {
              capabilities = ["create", "read"]
            }
            """,
    };

    public static AuthContext ContextOf(AtProtoAccount account) => new("ATProto", account.Did);

    /// <summary>A workload writes a record as the account.</summary>
    public Task<Answer> WriteAsync(AtProtoAccount account) =>
        Proxy.PostJsonAsync("/xrpc/com.atproto.repo.createRecord", Proxy.Sandbox.Issuer.Token(ContextOf(account).ToString(), Examples.Job),
        $$"""{"repo":"{{account.Did}}","collection":"com.example.note","record":{"$type":"com.example.note","text":"hello"} }""");

    public AccountVisitor Visit() => new(this);

    /// <summary>A person with a browser of their own, up to the page that they are left with.</summary>
    public async Task<(AccountVisitor Visitor, Visit Page)> SignInAsync(AtProtoAccount account, string consent = "yes", AtProtoAccount? asAnother = null,
        string? login = null)
    {
        var visitor = Visit();
        var back = await visitor.ConsentAsync(login ?? $"{Login}?did={Uri.EscapeDataString(account.Did)}", asAnother ?? account, consent);
        var answer = await visitor.GetAsync(back);
        return (visitor, answer.Location is { } next ? await visitor.GetAsync(next) : answer);
    }

    /// <summary>The component `credentials` of readiness.</summary>
    public async Task<(string Status, string? Detail)> HealthAsync()
    {
        var component = (await Proxy.GetAsync("/health/ready", null)).Json.GetProperty("components").GetProperty("credentials");
        return (component.GetProperty("status").GetString()!, component.TryGetProperty("detail", out var detail) ? detail.GetString() : null);
    }

    public async ValueTask DisposeAsync()
    {
        await Proxy.DisposeAsync();
        await Network.DisposeAsync();
    }
}

/// <summary>
/// As much of a browser as the flow needs: it keeps cookies, and follows nothing by itself. The proxy's public address leads to where it listens.
/// </summary>
internal sealed class AccountVisitor(AccountTest test)
{
    public Dictionary<string, string> Cookies { get; } = [];
    public string Accept { get; set; } = "text/html";

    public Task<Visit> GetAsync(string address) => SendAsync(HttpMethod.Get, address, null);

    public Task<Visit> PostAsync(string address, Dictionary<string, string> form, string? origin = null) =>
        SendAsync(HttpMethod.Post, address, new FormUrlEncodedContent(form), request => { if (origin is not null) request.Headers.Add("Origin", origin); });

    /// <summary>Begins, signs in at the other end and says yes or no: the address that this leads back to.</summary>
    public async Task<string> ConsentAsync(string login, AtProtoAccount account, string consent = "yes")
    {
        var begun = await GetAsync(login);
        Assert.True(begun.Status == HttpStatusCode.SeeOther, begun.Body);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(begun.Location!)).Status);
        return (await PostAsync(begun.Location!, new() { ["identifier"] = account.Handle, ["password"] = account.Password, ["consent"] = consent })).Location!;
    }

    /// <summary>Sends a form of the page.</summary>
    public Task<Visit> SubmitAsync(string path, Visit page, string? origin = null) =>
        PostAsync(path, new() { ["csrf"] = Visitor.WordOf(page) }, origin ?? AccountTest.Public);

    private async Task<Visit> SendAsync(HttpMethod method, string address, HttpContent? content, Action<HttpRequestMessage>? with = null)
    {
        var uri = new Uri(test.Proxy.Address, address);
        var isProxy = uri.Host == "proxy.lab.internal" || uri.Port == test.Proxy.Address.Port;
        using var request = new HttpRequestMessage(method, uri.Host == "proxy.lab.internal" ? new Uri(test.Proxy.Address, uri.PathAndQuery) : uri)
            { Content = content };
        request.Headers.TryAddWithoutValidation("Accept", Accept);
        if (isProxy && Cookies.Count > 0) request.Headers.Add("Cookie", string.Join("; ", Cookies.Select(cookie => $"{cookie.Key}={cookie.Value}")));
        with?.Invoke(request);
        var response = await test.Proxy.Client.SendAsync(request);
        var set = isProxy && response.Headers.TryGetValues("Set-Cookie", out var cookies) ? cookies.ToList() : [];
        foreach (var cookie in set)
        {
            var pair = cookie.Split(';')[0].Split('=', 2);
            if (cookie.Contains("Max-Age=0")) Cookies.Remove(pair[0]);
            else Cookies[pair[0]] = pair[1];
        }
        return new Visit(response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers.Location?.OriginalString, set, response);
    }
}
