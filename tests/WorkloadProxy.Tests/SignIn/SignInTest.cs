using System.Net;
using Microsoft.Extensions.Time.Testing;
using Sandbox.OAuth;
using WorkloadProxy.Configuration;
using WorkloadProxy.Tests.GitHosting;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.SignIn;

/// <summary>A server whose configuration names no team, in front of a sandbox where people can authorize it.</summary>
internal sealed class SignInTest : IAsyncDisposable
{
    public const string Login = "/auth/digitalocean/v1/login", Callback = "/auth/digitalocean/v1/callback", Disconnect = "/auth/digitalocean/v1/disconnect";

    private SignInTest(TestProxy proxy) => Proxy = proxy;

    public TestProxy Proxy { get; }
    public OAuthServer OAuth => Proxy.Sandbox.OAuth;

    /// <summary>The configuration has no entry for the team, unless <paramref name="configure"/> adds one.</summary>
    public static async Task<SignInTest> StartAsync(Func<OAuthOptions, OAuthOptions>? oauth = null, Func<ProxyOptions, ProxyOptions>? configure = null,
        TimeProvider? time = null)
    {
        var url = $"http://127.0.0.1:{Ports.Free()}";
        var proxy = await TestProxy.StartAsync(configure: (options, sandbox) =>
        {
            if (time is not null) (sandbox.OAuth.Time, sandbox.Issuer.Time) = (time, time);
            var secret = Path.Combine(Path.GetDirectoryName(options.DataDirectory)!, "client-secret");
            File.WriteAllText(secret, sandbox.Options.OAuthClientSecret + "\n");
            var settings = new OAuthOptions(new Uri(sandbox.Address, "/v1/oauth"), sandbox.Options.OAuthClientId, secret, null, [TestProxy.Team]);
            options = options with
            {
                PublicUrl = url,
                Urls = [url],
                Policies = [],
                Credentials = [],
                Upstreams = new Dictionary<string, UpstreamOptions>
                    { ["DigitalOcean"] = options.Upstreams["DigitalOcean"] with { OAuth = oauth is null ? settings : oauth(settings) } },
            };
            return configure?.Invoke(options) ?? options;
        }, time: time);
        return new SignInTest(proxy);
    }

    /// <summary>A clock that tests move, which begins at the real time: the sandbox's tokens are from then.</summary>
    public static FakeTimeProvider NewClock() => new(TimeProvider.System.GetUtcNow());

    /// <summary>A team that signed in, and pushed a policy under which the sandbox's job reads databases.</summary>
    public static async Task<SignInTest> ConnectedAsync(TimeProvider? time = null, TimeSpan? lifetime = null)
    {
        var test = await StartAsync(time: time);
        if (lifetime is { } life) test.OAuth.Lifetime = life;
        await test.SignInAsync();
        await test.PushAsync();
        await WarmAsync(test.Proxy, test.Proxy.IdentityToken());
        return test;
    }

    /// <summary>
    /// Has the server fetch the issuer's keys, with a request that is refused and needs no credential: when time passes faster, a fetch would run out of it.
    /// </summary>
    public static async Task WarmAsync(TestProxy proxy, string token)
    {
        var answer = await proxy.PostJsonAsync("/v1/oidc/issue", token, "{}");
        Assert.NotEqual(HttpStatusCode.Unauthorized, answer.Status);
    }

    public Visitor Visit() => new(Proxy);

    public async Task PushAsync()
    {
        using var git = await GitClient.InitAsync();
        git.Write("policies/ci.hcl", "path \"/v2/databases\" {\n  capabilities = [\"read\"]\n}\npath \"/v2/upload\" {\n  capabilities = [\"create\"]\n}\n");
        git.Write("roles/ci.hcl", HostedTest.Role.Replace("ISSUER", Proxy.Sandbox.Issuer.Issuer, StringComparison.Ordinal));
        await git.CommitAsync();
        var pushed = await git.TryAsync("push", RepositoryUrl, "main");
        Assert.True(pushed.Succeeded, pushed.Errors);
    }

    /// <summary>The team's repository, with a token of a member.</summary>
    public string RepositoryUrl =>
        new UriBuilder($"{Proxy.Address}_rbac/DigitalOcean/{TestProxy.Team}") { UserName = "token", Password = Proxy.Sandbox.Options.UserToken }.Uri.ToString();

    /// <summary>What the team's job gets when it reads databases.</summary>
    public Task<Answer> AskAsync() => Proxy.GetAsync("/v2/databases", Proxy.IdentityToken());

    /// <summary>The component `credentials` of readiness.</summary>
    public async Task<(string Status, string? Detail)> HealthAsync()
    {
        var component = (await Proxy.GetAsync("/health/ready", null)).Json.GetProperty("components").GetProperty("credentials");
        return (component.GetProperty("status").GetString()!, component.TryGetProperty("detail", out var detail) ? detail.GetString() : null);
    }

    public async Task UntilHealthAsync(Func<(string Status, string? Detail), bool> expected)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        for (var left = 1500; left > 0 && await poll.WaitForNextTickAsync(); left--) if (expected(await HealthAsync())) return;
        Assert.Fail($"waited 30 s in vain for another health, found {await HealthAsync()}");
    }

    /// <summary>Lets time pass until the task is done, no faster than it really does: what asks a server must not run out of it.</summary>
    public static Task<T> PassAsync<T>(Task<T> task, params IEnumerable<FakeTimeProvider> clocks) => PassAsync(task, 1, clocks);

    /// <summary>Lets time pass until the task is done, faster where it waits for the time alone.</summary>
    public static async Task<T> PassAsync<T>(Task<T> task, int speed, params IEnumerable<FakeTimeProvider> clocks)
    {
        var tick = TimeSpan.FromMilliseconds(5);
        using var poll = new PeriodicTimer(tick);
        while (!task.IsCompleted && await poll.WaitForNextTickAsync()) foreach (var clock in clocks) clock.Advance(tick * speed);
        return await task;
    }

    /// <summary>Waits for what happens beside a request.</summary>
    public static async Task UntilAsync(Func<bool> happened, string what)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        for (var left = 6000; left > 0 && await poll.WaitForNextTickAsync(); left--) if (happened()) return;
        Assert.Fail($"waited 30 s in vain: {what}");
    }

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
        Proxy.Sandbox.Requests.All.Where(request => request.Target.StartsWith("/v1/oauth/token", StringComparison.Ordinal))
            .SelectMany(request => request.Body.Split('&'))
            .Select(pair => pair.Split('=', 2)).Where(pair => pair.Length == 2 && pair[0] is "code" or "code_verifier" or "client_secret" or "refresh_token")
            .Select(pair => pair[1]);

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
