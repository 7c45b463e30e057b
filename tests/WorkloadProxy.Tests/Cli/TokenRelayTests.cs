using System.Diagnostics;
using System.Net;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Cli;

/// <summary><c>token relay</c>, as an SDK with a static key sees it.</summary>
public sealed class TokenRelayTests : IAsyncLifetime
{
    private readonly TemporaryDirectory directory = new();
    private readonly HttpClient http = new();
    private TestProxy proxy = null!;
    private Process relay = null!;
    private Dictionary<string, string> variables = [];

    public async ValueTask InitializeAsync()
    {
        proxy = await TestProxy.StartAsync();
        directory.Write("identity", proxy.IdentityToken());
        using var watcher = new FileSystemWatcher(directory.Path) { EnableRaisingEvents = true };
        var written = new TaskCompletionSource();
        watcher.Renamed += (_, e) => written.TrySetResult();
        relay = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "workload-proxy"),
            ["token", "relay", "--proxy", proxy.Address.ToString(), "--kind", "openai", "--env", "openai.env", "--source", "file:identity"])
            { WorkingDirectory = directory.Path })!;
        await written.Task.WaitAsync(TimeSpan.FromSeconds(120));
        variables = (await File.ReadAllLinesAsync(Path.Combine(directory.Path, "openai.env"))).Select(line => line.Split('=', 2))
            .ToDictionary(pair => pair[0], pair => pair[1]);
    }

    public async ValueTask DisposeAsync()
    {
        relay.Kill();
        await relay.WaitForExitAsync();
        relay.Dispose();
        http.Dispose();
        await proxy.DisposeAsync();
        directory.Dispose();
    }

    [Theory]
    [InlineData("Authorization", "Bearer ")]
    [InlineData("x-api-key", "")]
    [InlineData("x-goog-api-key", "")]
    public async Task A_request_with_the_relay_s_key_goes_on_with_a_token_and_without_the_key(string header, string scheme)
    {
        var answer = await SendAsync("/v2/echo/a%2eb?c=%20d", request => request.Headers.TryAddWithoutValidation(header, scheme + variables["OPENAI_API_KEY"]));
        Assert.Equal(HttpStatusCode.OK, answer);
        var received = proxy.Sandbox.Requests.All[^1];
        Assert.EndsWith("?c=%20d", received.Target);
        Assert.Equal($"Bearer {proxy.Sandbox.Options.TeamToken}", received.Header("Authorization"));
        Assert.DoesNotContain(received.Headers.Values.SelectMany(values => values),
            value => value.Contains(variables["OPENAI_API_KEY"], StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_the_key_from_a_page_or_under_another_name_nothing_goes_on()
    {
        Assert.Equal(HttpStatusCode.Unauthorized, await SendAsync("/v2/account", _ => { }));
        Assert.Equal(HttpStatusCode.Unauthorized,
            await SendAsync("/v2/account", request => request.Headers.TryAddWithoutValidation("Authorization", "Bearer wrong")));
        Assert.Equal(HttpStatusCode.Forbidden, await SendAsync("/v2/account", request =>
        {
            request.Headers.TryAddWithoutValidation("x-api-key", variables["OPENAI_API_KEY"]);
            request.Headers.TryAddWithoutValidation("Origin", "http://localhost");
        }));
        Assert.Equal(HttpStatusCode.Forbidden, await SendAsync("/v2/account", request =>
        {
            request.Headers.TryAddWithoutValidation("x-api-key", variables["OPENAI_API_KEY"]);
            request.Headers.Host = "rebound.example";
        }));
        Assert.Empty(proxy.Sandbox.Requests.All);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(directory.Path, "openai.env")));
    }

    private async Task<HttpStatusCode> SendAsync(string target, Action<HttpRequestMessage> with)
    {
        var address = variables["OPENAI_BASE_URL"][..^"/v1".Length];
        using var request = new HttpRequestMessage(HttpMethod.Get,
            new Uri(address + target, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        with(request);
        using var response = await http.SendAsync(request);
        return response.StatusCode;
    }
}
