using System.Net;
using System.Net.Sockets;
using Sandbox.OAuth;
using WorkloadProxy.Configuration;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.SignIn;

/// <summary>A server without a word about any team in its configuration, before a sandbox where people can authorize it.</summary>
internal sealed class SignInTest : IAsyncDisposable
{
    public const string Login = "/auth/digitalocean/v1/login", Callback = "/auth/digitalocean/v1/callback", Disconnect = "/auth/digitalocean/v1/disconnect";

    private SignInTest(TestProxy proxy) => Proxy = proxy;

    public TestProxy Proxy { get; }
    public OAuthServer OAuth => Proxy.Sandbox.OAuth;

    /// <summary>Where the configuration has no entry for the team, unless <paramref name="configure"/> adds one.</summary>
    public static async Task<SignInTest> StartAsync(Func<OAuthOptions, OAuthOptions>? oauth = null, Func<ProxyOptions, ProxyOptions>? configure = null, TimeProvider? time = null)
    {
        var url = $"http://127.0.0.1:{FreePort()}";
        var proxy = await TestProxy.StartAsync(configure: (options, sandbox) =>
        {
            if (time is not null) sandbox.OAuth.Time = time;
            var secret = Path.Combine(Path.GetDirectoryName(options.DataDirectory)!, "client-secret");
            File.WriteAllText(secret, sandbox.Options.OAuthClientSecret + "\n");
            var settings = new OAuthOptions(new Uri(sandbox.Address, "/v1/oauth"), sandbox.Options.OAuthClientId, secret, null, [TestProxy.Team]);
            options = options with
            {
                PublicUrl = url,
                Urls = [url],
                Policies = [],
                Credentials = [],
                Upstreams = new Dictionary<string, UpstreamOptions> { ["DigitalOcean"] = options.Upstreams["DigitalOcean"] with { OAuth = oauth is null ? settings : oauth(settings) } },
            };
            return configure?.Invoke(options) ?? options;
        }, time: time);
        return new SignInTest(proxy);
    }

    public Visitor Visit() => new(Proxy);

    /// <summary>A person with a browser of their own, up to the page that they are left with.</summary>
    public async Task<(Visitor Visitor, Visit Page)> SignInAsync(string consent = "yes")
    {
        var visitor = Visit();
        var back = await visitor.ConsentAsync(consent);
        var answer = await visitor.GetAsync(back);
        return (visitor, answer.Location is { } next ? await visitor.GetAsync(next) : answer);
    }

    /// <summary>The tokens that the token endpoint was asked with or gave, and everything else that must stay secret.</summary>
    public IEnumerable<string> Secrets() =>
        Proxy.Sandbox.Requests.All.Where(request => request.Target.StartsWith("/v1/oauth/token", StringComparison.Ordinal)).SelectMany(request => request.Body.Split('&'))
            .Select(pair => pair.Split('=', 2)).Where(pair => pair.Length == 2 && pair[0] is "code" or "code_verifier" or "client_secret" or "refresh_token").Select(pair => pair[1]);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public ValueTask DisposeAsync() => Proxy.DisposeAsync();
}

/// <summary>What a browser got.</summary>
internal sealed record Visit(HttpStatusCode Status, string Body, string? Location, IReadOnlyList<string> Cookies, HttpResponseMessage Response);

/// <summary>As much of a browser as the flow needs: it keeps cookies, and follows nothing by itself.</summary>
internal sealed class Visitor(TestProxy proxy)
{
    public Dictionary<string, string> Cookies { get; } = [];
    public string Accept { get; set; } = "text/html";

    public Task<Visit> GetAsync(string address) => SendAsync(HttpMethod.Get, address, null);

    public Task<Visit> PostAsync(string address, Dictionary<string, string> form, string? origin = null) =>
        SendAsync(HttpMethod.Post, address, new FormUrlEncodedContent(form), request => { if (origin is not null) request.Headers.Add("Origin", origin); });

    /// <summary>Begins, and says yes or no at the other end: the address that this leads back to.</summary>
    public async Task<string> ConsentAsync(string consent = "yes")
    {
        var login = await GetAsync(SignInTest.Login);
        Assert.Equal(HttpStatusCode.SeeOther, login.Status);
        var page = await GetAsync(login.Location!);
        Assert.Equal(HttpStatusCode.OK, page.Status);
        return (await PostAsync(login.Location!, new() { ["consent"] = consent })).Location!;
    }

    /// <summary>The anti-forgery word of the page.</summary>
    public static string WordOf(Visit page) => page.Body.Split("name=\"csrf\" value=\"")[1].Split('"')[0];

    public async Task<Visit> SendAsync(HttpMethod method, string address, HttpContent? content, Action<HttpRequestMessage>? with = null)
    {
        var uri = new Uri(proxy.Address, address);
        var isProxy = uri.Port == proxy.Address.Port;
        using var request = new HttpRequestMessage(method, uri) { Content = content };
        request.Headers.TryAddWithoutValidation("Accept", Accept);
        if (isProxy && Cookies.Count > 0) request.Headers.Add("Cookie", string.Join("; ", Cookies.Select(cookie => $"{cookie.Key}={cookie.Value}")));
        with?.Invoke(request);
        var response = await proxy.Client.SendAsync(request);
        var set = response.Headers.TryGetValues("Set-Cookie", out var cookies) ? cookies.ToList() : [];
        foreach (var cookie in set)
        {
            var pair = cookie.Split(';')[0].Split('=', 2);
            if (cookie.Contains("Max-Age=0")) Cookies.Remove(pair[0]);
            else Cookies[pair[0]] = pair[1];
        }
        return new Visit(response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers.Location?.OriginalString, set, response);
    }
}
