using System.Diagnostics;
using System.Text.Json;
using WorkloadProxy.Configuration;
using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Npm;

/// <summary>The SDKs of model providers with their base URL pointed at the proxy, or at the relay, and nothing else changed.</summary>
public sealed class ModelSdkTests : IAsyncLifetime
{
    private const string Policy = """
        path "/v1/chat/completions" {
          capabilities       = ["create"]
          allowed_parameters = { "model" = "echo", "*" = [] }
        }
        path "/v1/responses" { capabilities = ["create"] }
        path "/v1/messages" { capabilities = ["create"] }
        """;

    private const string OpenAi =
        """{"whole":"say it again","streamed":"say it again","tokens":6,"response":"say it again","events":"say it again","last":"response.completed","refused":403}""";
    private const string Anthropic =
        """{"whole":"say it again","streamed":"say it again","last":"say it again","reason":"end_turn","tokens":3,"refused":403}""";

    private readonly TemporaryDirectory directory = new();
    private TestProxy proxy = null!;

    public async ValueTask InitializeAsync() => proxy = await TestProxy.StartAsync(Examples.ForOneJob(Policy), (options, _) => options with
    {
        Upstreams = new Dictionary<string, UpstreamOptions> { ["DigitalOcean"] = options.Upstreams["DigitalOcean"] with { TokenHeaders = ["x-api-key"] } },
    });

    public async ValueTask DisposeAsync()
    {
        await proxy.DisposeAsync();
        directory.Dispose();
    }

    [Fact]
    public async Task OpenAI_s_takes_a_token_as_its_key()
    {
        var output = await NodeModules.RunAsync("openai.mjs",
            new Dictionary<string, string> { ["OPENAI_BASE_URL"] = new Uri(proxy.Address, "/v1").ToString(), ["OPENAI_API_KEY"] = proxy.IdentityToken() });
        Assert.Equal(OpenAi, output.Trim());
        Received();
    }

    [Theory]
    [InlineData("ANTHROPIC_API_KEY")]
    [InlineData("ANTHROPIC_AUTH_TOKEN")]
    public async Task Anthropic_s_takes_a_token_as_its_key(string variable)
    {
        var output = await NodeModules.RunAsync("anthropic.mjs",
            new Dictionary<string, string> { ["ANTHROPIC_BASE_URL"] = proxy.Address.ToString().TrimEnd('/'), [variable] = proxy.IdentityToken() });
        Assert.Equal(Anthropic, output.Trim());
        Received();
    }

    [Theory]
    [InlineData("openai", "openai.mjs", OpenAi)]
    [InlineData("anthropic", "anthropic.mjs", Anthropic)]
    public async Task Through_the_relay_they_need_no_token(string kind, string script, string expected)
    {
        directory.Write("identity", proxy.IdentityToken());
        using var watcher = new FileSystemWatcher(directory.Path) { EnableRaisingEvents = true };
        var written = new TaskCompletionSource();
        watcher.Renamed += (_, _) => written.TrySetResult();
        using var relay = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "workload-proxy"),
            ["token", "relay", "--proxy", proxy.Address.ToString(), "--kind", kind, "--env", "sdk.env", "--source", "file:identity"])
            { WorkingDirectory = directory.Path })!;
        try
        {
            await written.Task.WaitAsync(TimeSpan.FromSeconds(120));
            var variables = (await File.ReadAllLinesAsync(Path.Combine(directory.Path, "sdk.env"))).Select(line => line.Split('=', 2))
                .ToDictionary(pair => pair[0], pair => pair[1]);
            Assert.Equal(expected, (await NodeModules.RunAsync(script, variables)).Trim());
            Received();
        }
        finally
        {
            relay.Kill();
            await relay.WaitForExitAsync();
        }
    }

    /// <summary>Every request had the team's credential and nothing of the caller's.</summary>
    private void Received()
    {
        Assert.NotEmpty(proxy.Sandbox.Requests.All);
        Assert.All(proxy.Sandbox.Requests.All, request =>
        {
            Assert.Equal($"Bearer {proxy.Sandbox.Options.TeamToken}", request.Header("Authorization"));
            Assert.DoesNotContain("x-api-key", request.Headers.Keys, StringComparer.OrdinalIgnoreCase);
        });
    }
}
