using System.Text.Json;

namespace WorkloadProxy.Tests.Cli;

/// <summary>The commands that write files, and what shells and editors ask for.</summary>
public sealed class PolicyFilesTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task A_first_set_passes_its_check_is_laid_out_and_is_never_written_over_another()
    {
        var made = await RunAsync("policy", "init", "rbac");
        Assert.Equal(0, made.ExitCode);
        Assert.StartsWith("rbac/roles/ci.hcl\nrbac/policies/ci.hcl\nrbac/tests/ci.hcl\n", made.Output, StringComparison.Ordinal);
        Assert.Equal((0, "3 files, 0 errors, 0 warnings, 2 tests\n"), Of(await RunAsync("policy", "check", "rbac", "--actx", "x")));
        Assert.Equal((0, ""), Of(await RunAsync("policy", "fmt", "rbac", "--check")));
        var again = await RunAsync("policy", "init", "rbac");
        Assert.Equal((1, "workload-proxy: `rbac/policies` exists already: nothing was written\n"), (again.ExitCode, again.Error));
    }

    [Fact]
    public async Task Fmt_rewrites_what_is_not_canonical_and_names_it()
    {
        directory.Write("roles/a.hcl", "role \"a\"{}\n");
        directory.Write("policies/b.hcl", "# fine\n");
        directory.Write("elsewhere/c.hcl", "x=1");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(Path.Combine(directory.Path, "roles/a.hcl"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Assert.Equal((1, "roles/a.hcl\n"), Of(await RunAsync("policy", "fmt", "--check")));
        Assert.Equal("role \"a\"{}\n", File.ReadAllText(Path.Combine(directory.Path, "roles/a.hcl")));
        Assert.Equal((0, "roles/a.hcl\n"), Of(await RunAsync("policy", "fmt", ".")));
        Assert.Equal("role \"a\" {}\n", File.ReadAllText(Path.Combine(directory.Path, "roles/a.hcl")));
        if (!OperatingSystem.IsWindows()) Assert.True(File.GetUnixFileMode(Path.Combine(directory.Path, "roles/a.hcl")).HasFlag(UnixFileMode.UserExecute));
        Assert.Equal((0, ""), Of(await RunAsync("policy", "fmt")));
        Assert.Equal("x=1", File.ReadAllText(Path.Combine(directory.Path, "elsewhere/c.hcl")));
        Assert.Equal(["a.hcl"], Directory.GetFiles(Path.Combine(directory.Path, "roles")).Select(Path.GetFileName));
    }

    [Fact]
    public async Task Fmt_formats_standard_input_and_touches_nothing_where_a_file_does_not_parse()
    {
        Assert.Equal((0, "a = 1\n"), Of(await CommandRun.RunWithAsync(directory.Path, "a=1", [], "policy", "fmt", "-")));
        Assert.Equal((1, "<stdin>\n"), Of(await CommandRun.RunWithAsync(directory.Path, "a=1", [], "policy", "fmt", "-", "--check")));
        directory.Write("roles/a.hcl", "role \"a\"{}\n");
        directory.Write("roles/broken.hcl", "role {");
        var run = await RunAsync("policy", "fmt");
        Assert.Equal((1, ""), Of(run));
        Assert.Contains("--> roles/broken.hcl:1:", run.Error);
        Assert.Equal("role \"a\"{}\n", File.ReadAllText(Path.Combine(directory.Path, "roles/a.hcl")));
    }

    [Fact]
    public async Task The_schema_knows_every_key_and_its_address_may_stand_in_the_file()
    {
        using var schema = JsonDocument.Parse((await RunAsync("config", "schema")).Output);
        var context = schema.RootElement.GetProperty("properties").GetProperty("Policies").GetProperty("items").GetProperty("properties")
            .GetProperty("Context");
        Assert.Equal("string", context.GetProperty("type")[0].GetString());
        Assert.False(schema.RootElement.GetProperty("additionalProperties").GetBoolean());
        directory.Write("proxy.json",
            """{ "$schema": "workload-proxy.schema.json", "PublicUrl": "https://proxy.example.com", "Urls": "http://127.0.0.1:1" }""");
        Assert.Equal((0, "the configuration is fine: https://proxy.example.com, 1 upstream, 0 contexts, 0 credentials\n"),
            Of(await RunAsync("config", "check", "proxy.json")));
        Assert.Equal(0, (await RunAsync("config", "check", "proxy.json", "--format", "json")).ExitCode);
        Assert.Equal(1, (await RunAsync("config", "check", "proxy.json", "--config", "proxy.json")).ExitCode);
    }

    [Fact]
    public async Task A_path_in_an_argument_starts_from_the_working_directory_and_one_in_the_file_from_the_files()
    {
        directory.Write("etc/proxy.json", """{ "PublicUrl": "https://proxy.example.com", "Urls": "http://127.0.0.1:1", "MasterKeyFile": "key" }""");
        directory.Write("here/key", "");
        var run = await CommandRun.RunAsync(Path.Combine(directory.Path, "here"), "config", "check", "../etc/proxy.json", "--Policies:0:Directory", "rbac",
            "--Policies:0:Context=api://DigitalOcean?actx=x");
        Assert.Contains($"directory `{directory.Path}/here/rbac` does not exist", run.Error);
    }

    [Theory]
    [InlineData("policy ch", "check")]
    [InlineData("policy check --fo", "--format")]
    [InlineData("policy check --format g", "github")]
    [InlineData("completion b", "bash")]
    [InlineData("pol", "policy")]
    public async Task The_shell_is_told_what_may_come_next(string typed, string expected)
    {
        var line = "workload-proxy " + typed;
        Assert.Contains(expected, (await RunAsync($"[suggest:{line.Length}]", line)).Output.Split('\n'));
    }

    [Fact]
    public async Task Bash_completes_with_the_script()
    {
        var script = (await RunAsync("completion", "bash")).Output;
        directory.Write("try.sh", script + """

            workload-proxy() { "$PROGRAM" "$@"; }
            COMP_LINE='workload-proxy policy dif'; COMP_POINT=${#COMP_LINE}; COMP_WORDS=(workload-proxy policy dif); COMP_CWORD=2
            _workload_proxy; echo "${COMPREPLY[@]}"
            """);
        using var bash = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("bash", [Path.Combine(directory.Path, "try.sh")])
        {
            RedirectStandardOutput = true,
            Environment = { ["PROGRAM"] = Path.Combine(AppContext.BaseDirectory, "workload-proxy") },
        })!;
        Assert.Equal("diff", (await bash.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken)).Trim());
    }

    [Fact]
    public async Task Explain_takes_its_context_from_the_token_and_another_moment()
    {
        directory.Write("roles/r.hcl",
            "role \"r\" {\n  aud = \"api://Depot?actx=acme\"\n  sub = \"actx:acme:role:r\"\n  expires = \"2026-06-01T00:00:00Z\"\n  policies = [\"p\"]\n}\n");
        directory.Write("policies/p.hcl", "path \"/x\" {\n  capabilities = [\"read\"]\n}\n");
        directory.Write("claims.json", """{ "sub": "actx:acme:role:r", "aud": "api://Depot?actx=acme" }""");
        string[] explain = ["policy", "explain", "--claims", "claims.json", "--method", "GET", "--path", "/x"];
        Assert.Equal(0, (await RunAsync([.. explain, "--now", "2026-05-01T00:00:00Z"])).ExitCode);
        Assert.Equal(3, (await RunAsync([.. explain, "--now", "2026-07-01T00:00:00Z"])).ExitCode);
        var droplet = await RunAsync([.. explain, "--now", "2026-05-01T00:00:00Z", "--droplet", "7"]);
        Assert.Equal(3, droplet.ExitCode);
        Assert.Contains("a VM's token matches only roles under `droplet-roles/`", droplet.Output);
        var wrong = await RunAsync([.. explain, "--now", "yesterday"]);
        Assert.Equal((1, "workload-proxy: `yesterday` is not a time, expected RFC 3339, for instance `2026-03-01T12:00:00Z`\n"), (wrong.ExitCode, wrong.Error));
    }

    private static (int, string) Of(CommandRun.Outcome run) => (run.ExitCode, run.Output);

    private Task<CommandRun.Outcome> RunAsync(params string[] arguments) => CommandRun.RunAsync(directory.Path, arguments);
}
