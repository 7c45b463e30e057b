using System.Text.Json;
using WorkloadProxy.Tests.Mcp;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Cli;

/// <summary><c>token get</c>, as jobs and agents call it.</summary>
public sealed class TokenGetTests : IAsyncLifetime
{
    private const string Policy = """
        path "/v1/oidc/issue" {
          capabilities       = ["create"]
          allowed_parameters = { "aud" = "api://DigitalOcean?actx={actx}", "sub" = "actx:{actx}:role:*", "ttl" = optional(any()) }
        }
        """;

    private readonly TemporaryDirectory directory = new();
    private TestProxy proxy = null!;

    public async ValueTask InitializeAsync() => proxy = await McpProxy.StartAsync(Policy);

    public async ValueTask DisposeAsync()
    {
        await proxy.DisposeAsync();
        directory.Dispose();
    }

    private Dictionary<string, string> Job => new()
    {
        ["ACTIONS_ID_TOKEN_REQUEST_URL"] = proxy.Sandbox.Issuer.TokenRequestUrl.ToString(),
        ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = proxy.Sandbox.Options.TokenRequestToken,
        ["WORKLOAD_PROXY_URL"] = proxy.Address.ToString(),
        ["WORKLOAD_PROXY_CONTEXT"] = TestProxy.DigitalOcean.ToString(),
    };

    [Fact]
    public async Task A_job_gets_its_identity_token_for_the_context()
    {
        var run = await CommandRun.RunWithAsync(directory.Path, "", Job, "token", "get");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal(TestProxy.DigitalOcean.ToString(), Claims(run.Output.Trim()).GetProperty("aud").GetString());
    }

    [Fact]
    public async Task With_a_role_the_token_is_exchanged()
    {
        proxy.Sandbox.Issuer.Claims = Examples.Job;
        var run = await CommandRun.RunWithAsync(directory.Path, "", Job, "token", "get", "--role", "agent", "--ttl", "60", "--format", "json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        var answer = JsonDocument.Parse(run.Output).RootElement;
        Assert.Equal($"actx:{TestProxy.Team}:role:agent", Claims(answer.GetProperty("token").GetString()!).GetProperty("sub").GetString());
        Assert.InRange(answer.GetProperty("expires_in").GetInt32(), 30, 60);
    }

    [Fact]
    public async Task Headers_are_one_JSON_object_and_a_file_is_the_user_s_alone()
    {
        directory.Write("identity", "a.b.c\n");
        var run = await CommandRun.RunWithAsync(directory.Path, "", [], "token", "get", "--source", "file:identity", "--format", "headers");
        Assert.Equal((0, "{\"Authorization\":\"Bearer a.b.c\"}\n"), (run.ExitCode, run.Output));
        run = await CommandRun.RunWithAsync(directory.Path, "", new() { ["MINE"] = "d.e.f" }, "token", "get", "--source", "env:MINE", "--write", "out");
        Assert.Equal((0, ""), (run.ExitCode, run.Output));
        var file = Path.Combine(directory.Path, "out");
        Assert.Equal("d.e.f", await File.ReadAllTextAsync(file));
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        run = await CommandRun.RunWithAsync(directory.Path, "", [], "token", "get", "--", "printf", "g.h.i");
        Assert.Equal((0, "g.h.i\n"), (run.ExitCode, run.Output));
    }

    [Fact]
    public async Task A_step_of_GitHub_Actions_gets_a_masked_output()
    {
        directory.Write("output", "");
        var run = await CommandRun.RunWithAsync(directory.Path, "", new() { ["MINE"] = "d.e.f", ["GITHUB_OUTPUT"] = "output" }, "token", "get", "--source",
            "env:MINE", "--format", "github");
        Assert.Equal((0, "::add-mask::d.e.f\n"), (run.ExitCode, run.Output));
        Assert.Equal("token=d.e.f\n", await File.ReadAllTextAsync(Path.Combine(directory.Path, "output")));
    }

    [Fact]
    public async Task A_token_is_kept_until_a_minute_before_its_end_and_another_job_s_is_not_taken()
    {
        var job = Job;
        job["XDG_RUNTIME_DIR"] = directory.Path;
        var first = await CommandRun.RunWithAsync(directory.Path, "", job, "token", "get");
        Assert.Equal(first.Output, (await CommandRun.RunWithAsync(directory.Path, "", job, "token", "get")).Output);
        job["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = "another";
        Assert.Equal(1, (await CommandRun.RunWithAsync(directory.Path, "", job, "token", "get")).ExitCode);
    }

    [Fact]
    public async Task A_token_that_has_expired_is_not_handed_out()
    {
        var token = $"e30.{System.Buffers.Text.Base64Url.EncodeToString("""{"exp":1767225600}"""u8)}.AAAA";
        var run = await CommandRun.RunWithAsync(directory.Path, "", new() { ["MINE"] = token }, "token", "get", "--source", "env:MINE", "--format", "json");
        Assert.Equal((1, "", "workload-proxy: the token from `env:MINE` expired at 2026-01-01T00:00:00Z\n"), (run.ExitCode, run.Output, run.Error));
        run = await CommandRun.RunWithAsync(directory.Path, "", [], "token", "get", "--", "printf", token);
        Assert.Equal((1, "", "workload-proxy: the token from `printf` expired at 2026-01-01T00:00:00Z\n"), (run.ExitCode, run.Output, run.Error));
    }

    [Theory]
    [InlineData("--source env:NOT_THERE", "workload-proxy: the environment variable `NOT_THERE` is not set\n")]
    [InlineData("--source nowhere", "workload-proxy: unknown source `nowhere`, expected file:PATH, env:NAME, github, cursor, vm or kubernetes\n")]
    [InlineData("--source file:gone", "workload-proxy: the file `gone` can't be read\n")]
    [InlineData("--source env:A --role r", "workload-proxy: expected `--proxy` and `--context` with `--role`\n")]
    [InlineData("--source env:A --role r --proxy http://proxy.example.com --context api://A?actx=b",
        "workload-proxy: `http://proxy.example.com/` is plain http, over which a token can be read: expected https\n")]
    [InlineData("--source env:A --watch", "workload-proxy: expected `--write FILE` with `--watch`\n")]
    public async Task Without_a_token_it_says_why_in_one_line(string arguments, string error)
    {
        var run = await CommandRun.RunWithAsync(directory.Path, "", [], ["token", "get", .. arguments.Split(' ')]);
        Assert.Equal((1, "", error), (run.ExitCode, run.Output, run.Error));
    }

    private static JsonElement Claims(string token) => JsonDocument.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(token.Split('.')[1])).RootElement;
}
