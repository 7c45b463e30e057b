using System.Diagnostics;
using System.Net;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Cli;

/// <summary><c>token relay</c>, as an SDK with a static key sees it.</summary>
public sealed class TokenRelayTests : IAsyncLifetime
{
    private readonly TemporaryDirectory directory = new();
    private readonly HttpClient http = new();
    private readonly List<Process> started = [];
    private TestProxy proxy = null!;
    private Dictionary<string, string> variables = [];

    public async ValueTask InitializeAsync()
    {
        proxy = await TestProxy.StartAsync();
        directory.Write("identity", proxy.IdentityToken());
        variables = (await StartAsync("openai")).Variables;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in started)
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }
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
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(directory.Path, "0.env")));
    }

    [Fact]
    public async Task A_loopback_name_in_other_letters_is_one()
    {
        Assert.Equal(HttpStatusCode.OK, await SendAsync("/v2/account", request =>
        {
            request.Headers.TryAddWithoutValidation("x-api-key", variables["OPENAI_API_KEY"]);
            request.Headers.Host = "LocalHost";
        }));
    }

    [Theory]
    [InlineData("anthropic", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL")]
    [InlineData("gemini", "RELAY_KEY", "RELAY_URL")]
    public async Task A_kind_says_whose_variables_are_written(string kind, params string[] names) =>
        Assert.Equal(names, (await StartAsync(kind)).Variables.Keys.Order(StringComparer.Ordinal));

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    [InlineData("0.0.0.0:0")]
    public async Task It_listens_on_loopback_with_a_port_alone(string address)
    {
        var run = await CommandRun.RunAsync(directory.Path, "token", "relay", "--proxy", proxy.Address.ToString(), "--env", "e", "--listen", address,
            "--source", "file:identity");
        Assert.Equal((1, $"workload-proxy: `{address}` is not a loopback address with a port, or `unix:PATH`\n"), (run.ExitCode, run.Error));
    }

    // not SIGINT: where the tests run in the background, it is ignored by whatever they start
    [Fact]
    public async Task SIGTERM_ends_it_and_its_socket_and_the_next_one_listens_there()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such signals");
        var (first, _) = await StartAsync("other", "--listen", "unix:relay.sock");
        var socket = Path.Combine(directory.Path, "relay.sock");
        Assert.True(File.Exists(socket));
        _ = ServedProcess.Signal(first.Id, 15);
        await first.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(0, first.ExitCode);
        Assert.False(File.Exists(socket));
        await StartAsync("other", "--listen", "unix:relay.sock");
    }

    [Fact]
    public async Task The_socket_of_one_that_was_killed_is_taken_over_and_nothing_else_of_that_name_is()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "sockets are files elsewhere");
        var (killed, _) = await StartAsync("other", "--listen", "unix:relay.sock");
        Assert.Equal((1, ""), await RefusedAsync("relay.sock"));
        killed.Kill();
        await killed.WaitForExitAsync();
        Assert.True(File.Exists(Path.Combine(directory.Path, "relay.sock")));
        await StartAsync("other", "--listen", "unix:relay.sock");

        directory.Write("notes.txt", "mine");
        Assert.Equal((1, ""), await RefusedAsync("notes.txt"));
        Assert.Equal("mine", await File.ReadAllTextAsync(Path.Combine(directory.Path, "notes.txt")));

        async Task<(int, string)> RefusedAsync(string path)
        {
            var run = await CommandRun.RunAsync(directory.Path, "token", "relay", "--proxy", proxy.Address.ToString(), "--env", "e", "--listen",
                $"unix:{path}", "--source", "file:identity");
            Assert.StartsWith($"workload-proxy: `unix:{path}` can't be listened on: ", run.Error, StringComparison.Ordinal);
            return (run.ExitCode, run.Output);
        }
    }

    private async Task<(Process Process, Dictionary<string, string> Variables)> StartAsync(string kind, params string[] options)
    {
        var file = $"{started.Count}.env";
        using var watcher = new FileSystemWatcher(directory.Path) { EnableRaisingEvents = true };
        var written = new TaskCompletionSource();
        watcher.Renamed += (_, e) =>
        {
            if (e.Name == file) written.TrySetResult();
        };
        var process = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "workload-proxy"),
            ["token", "relay", "--proxy", proxy.Address.ToString(), "--kind", kind, "--env", file, "--source", "file:identity", .. options])
            { WorkingDirectory = directory.Path })!;
        started.Add(process);
        await written.Task.WaitAsync(TimeSpan.FromSeconds(120));
        var lines = await File.ReadAllLinesAsync(Path.Combine(directory.Path, file));
        return (process, lines.Select(line => line.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]));
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
