using System.Text.Json;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Tests.Cli;

public sealed class CommandLineTests : IDisposable
{
    private const string Team = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
    private readonly TemporaryDirectory directory = new();

    public CommandLineTests()
    {
        directory.Write("policies/keys.hcl",
            """
            path "/v2/databases" {
              capabilities       = ["read"]
              allowed_parameters = { "?" = { "tag_name" = "my-tag" } }
            }
            path "/v2/spaces/keys" {
              capabilities       = ["create"]
              allowed_parameters = { "name" = "bucket-111-*", "grants" = [{ "bucket" = "111", "permission" = "read" }] }
            }
            """);
        directory.Write("roles/keys.hcl",
            """
            role "keys" {
              aud      = "api://DigitalOcean?actx={actx}"
              sub      = "actx:{actx}:role:keys"
              policies = ["keys"]
            }
            """);
        directory.Write("claims.json", $$"""{ "sub": "actx:{{Team}}:role:keys" }""");
    }

    public void Dispose() => directory.Dispose();

    [Theory]
    [InlineData("--version", 0, "workload-proxy 0.2.0\n", "")]
    [InlineData("polciy", 1, "", "workload-proxy: unknown command `polciy`, did you mean `policy`?\nsee `workload-proxy --help`\n")]
    [InlineData("policy chek", 1, "", "workload-proxy: unknown command `chek`, did you mean `check`?\nsee `workload-proxy policy --help`\n")]
    [InlineData("policy", 1, "", "workload-proxy: `policy` needs a command: `init`, `check`, `fmt`, `explain`, `test`, `diff`, `show`, `parse`, `pull`\n")]
    [InlineData("serve nonsense", 1, "", "workload-proxy: unexpected argument `nonsense`\nsee `workload-proxy serve --help`\n")]
    [InlineData("--config gone.json config check", 1, "",
        "workload-proxy: unexpected argument `config`\nworkload-proxy: unexpected argument `check`\nsee `workload-proxy serve --help`\n")]
    [InlineData("--urls", 1, "", "workload-proxy: `--urls` needs a value\nsee `workload-proxy serve --help`\n")]
    [InlineData("--urls --config x", 1, "", "workload-proxy: `--urls` needs a value\nsee `workload-proxy serve --help`\n")]
    [InlineData("--config a --config b", 1, "",
        "workload-proxy: option `--config` expects a single argument but 2 were provided\nsee `workload-proxy serve --help`\n")]
    [InlineData("--config=", 1, "", "workload-proxy: `--config` needs a file\nsee `workload-proxy serve --help`\n")]
    [InlineData("policy check --fromat json", 1, "",
        "workload-proxy: unknown option `--fromat`, did you mean `--format`?\nsee `workload-proxy policy check --help`\n")]
    [InlineData("policy pull", 1, "", "workload-proxy: `--context` is required\nsee `workload-proxy policy pull --help`\n")]
    [InlineData("completion tcsh", 1, "",
        "workload-proxy: argument `tcsh` not recognized, expected `bash`, `zsh`, `fish`, `powershell`\nsee `workload-proxy completion --help`\n")]
    [InlineData("policy parse gone.hcl", 1, "", "workload-proxy: file `gone.hcl` does not exist\n")]
    [InlineData("policy parse policies", 1, "", "workload-proxy: `policies` is a directory, expected a file\n")]
    [InlineData("policy check --strict", 1, "", "workload-proxy: unknown option `--strict`\nsee `workload-proxy policy check --help`\n")]
    [InlineData("policy parse -x", 1, "", "workload-proxy: unknown option `-x`\nsee `workload-proxy policy parse --help`\n")]
    [InlineData("policy check --format xml", 1, "",
        "workload-proxy: argument `xml` not recognized, expected `text`, `json`, `github`, `sarif`\nsee `workload-proxy policy check --help`\n")]
    [InlineData("policy parse ", 1, "", "workload-proxy: the name of a file is empty\n")]
    [InlineData("policy show ", 1, "",
        "error[missing-directory]: `` does not exist, expected a directory\n --> .:1:1\n  = help: give the directory that holds `policies/` and `roles/`\n\n")]
    [InlineData("policy show claims.json", 1, "",
        "error[missing-directory]: `claims.json` is a file, expected a directory\n --> .:1:1\n  = help: give the directory that holds `policies/` "
            + "and `roles/`\n\n")]
    [InlineData("policy check . --actx a&b", 1, "", "workload-proxy: `api://DigitalOcean?actx=a&b` is not a context, expected `api://<Upstream>?actx=<id>`\n")]
    [InlineData("policy explain . --method GET --path /", 1, "", "workload-proxy: expected one of `--token FILE` and `--claims FILE`\n")]
    [InlineData("token show claims.json", 1, "", "workload-proxy: `claims.json` is not a JWT: it has 1 part between dots, expected 3\n")]
    [InlineData("config check --config gone.json", 2, "",
        "error: gone.json: file does not exist\n  example: workload-proxy --config /etc/workload-proxy/config.json\nworkload-proxy: the "
            + "configuration has 1 mistake\n")]
    public async Task The_exit_code_and_the_text_tell(string arguments, int exitCode, string output, string error)
    {
        var run = await CommandRun.RunAsync(directory.Path, arguments.Split(' '));
        Assert.Equal((exitCode, output, error), (run.ExitCode, run.Output, run.Error));
    }

    [Theory]
    [InlineData("xterm", "", "\u001b[31merror: \u001b[0m")]
    [InlineData("xterm", "1", "error: ")]
    [InlineData("dumb", "", "error: ")]
    public async Task A_terminal_gets_colours_unless_it_wants_none_and_nothing_else_that_is_no_text(string terminal, string noColor, string expected)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "a terminal is made by `script` of util-linux");
        var output = await CommandRun.RunOnTerminalAsync(directory.Path, new() { ["TERM"] = terminal, ["NO_COLOR"] = noColor },
            "config check --config gone.json");
        Assert.StartsWith(expected, output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("serve")]
    [InlineData("policy check")]
    [InlineData("policy explain")]
    [InlineData("policy test")]
    [InlineData("policy diff")]
    [InlineData("policy show")]
    [InlineData("policy parse")]
    [InlineData("policy pull")]
    [InlineData("token show")]
    [InlineData("keys list")]
    [InlineData("keys rotate")]
    [InlineData("keys revoke")]
    [InlineData("credentials disconnect")]
    [InlineData("config check")]
    [InlineData("backup")]
    [InlineData("policy fmt")]
    [InlineData("policy init")]
    [InlineData("config schema")]
    [InlineData("status")]
    [InlineData("completion")]
    public async Task Help_ends_with_an_example(string command)
    {
        var run = await CommandRun.RunAsync(directory.Path, [.. command.Split(' '), "--help"]);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains($"workload-proxy {command}", run.Output.Split("Example:\n")[1]);
    }

    [Fact]
    public async Task Serving_with_a_wrong_configuration_ends_with_2_and_lists_it()
    {
        directory.Write("appsettings.json",
            """{ "PublicUrl": "https://proxy.example.com", "Urls": "http://127.0.0.1:1", "Polices": [], "DataDirectory": "data" }""");
        var run = await CommandRun.RunAsync(directory.Path, "serve", "--Tokens:Algorithm", "HS256");
        Assert.Equal(2, run.ExitCode);
        Assert.Equal("", run.Output);
        Assert.Equal(
            """
            error: Polices: unknown key, did you mean `Policies`? (appsettings.json:1:75)
              example: "Policies": [{ "Context": "api://DigitalOcean?actx=f81d4fae-7dec-11d0-a765-00a0c91e6bf6" }]
            error: Tokens:Algorithm: unknown algorithm `HS256`, expected `RS256` or `ES256` (argument --Tokens:Algorithm)
              example: "Algorithm": "RS256"
            workload-proxy: the configuration has 2 mistakes

            """, run.Error);
        Assert.False(Directory.Exists(Path.Combine(directory.Path, "data")));
    }

    [Fact]
    public async Task Config_check_says_that_all_is_well()
    {
        directory.Write("appsettings.json",
            $$"""{ "PublicUrl": "https://proxy.example.com", "Urls": "http://127.0.0.1:1", "Policies": [{ "Context": "api://DigitalOcean?actx={{Team}}", "Directory": "." }] }""");
        var run = await CommandRun.RunAsync(directory.Path, "config", "check");
        Assert.Equal((0, "the configuration is fine: https://proxy.example.com, 1 upstream, 1 context, 0 credentials\n"), (run.ExitCode, run.Output));
        Assert.Contains("has no entry in `Credentials`: its requests are answered with 502", run.Error);
    }

    [Fact]
    public async Task Config_check_tells_what_a_right_configuration_still_lacks()
    {
        directory.Write("appsettings.json", """{ "PublicUrl": "https://proxy.example.com", "Urls": "http://127.0.0.1:1" }""");
        var run = await CommandRun.RunAsync(directory.Path, "config", "check");
        Assert.Equal((0, "warning: Policies: no context has a policy source: every token is refused\n"), (run.ExitCode, run.Error));

        Directory.CreateDirectory(Path.Combine(directory.Path, "empty"));
        directory.Write("rbac/roles/a.hcl",
            "role \"a\" {\n  iss      = \"http://issuer.example\"\n  aud      = \"api://Depot?actx={actx}\"\n  sub      = \"x\"\n  policies = [\"p\"]\n}\n");
        directory.Write("rbac/policies/p.hcl", "path \"/a\" {\n  capabilities = [\"read\"]\n}\n");
        directory.Write("appsettings.json", """
            { "PublicUrl": "https://proxy.example.com", "Urls": "http://127.0.0.1:1", "Upstreams": { "Depot": { "Kind": "http", "Address": "https://api.depot.dev" } },
              "Policies": [{ "Context": "api://Depot?actx=one", "Directory": "empty" }, { "Context": "api://Depot?actx=two", "Directory": "rbac" }] }
            """);
        run = await CommandRun.RunAsync(directory.Path, "config", "check", "--format", "json");
        Assert.Equal(0, run.ExitCode);
        var warnings = System.Text.Json.JsonDocument.Parse(run.Output).RootElement.GetProperty("warnings").EnumerateArray()
            .Select(warning => $"{warning.GetProperty("key")}: {warning.GetProperty("problem")}").ToList();
        Assert.Contains(warnings, warning => warning.StartsWith("Policies:0:Directory: ", StringComparison.Ordinal)
            && warning.EndsWith("holds no roles and no policies: the context trusts nobody", StringComparison.Ordinal));
        Assert.Contains("Policies:1:Directory: role `a` names the issuer `http://issuer.example`, which is neither https nor in `Issuers`: its "
            + "tokens are refused", warnings);
        Assert.Contains("Policies:1:Context: `api://Depot?actx=two` has no entry in `Credentials`: its requests are answered with 502, and only exchanges work",
            warnings);
    }

    [Fact]
    public async Task What_the_framework_refuses_at_the_start_ends_with_2_and_no_stack_trace()
    {
        directory.Write("appsettings.json", """
            { "PublicUrl": "https://proxy.example.com", "Urls": "http://127.0.0.1:1", "DataDirectory": "data", "Logging": { "Console": { "MaxQueueLength": "x" } } }
            """);
        var run = await CommandRun.RunAsync(directory.Path, "serve");
        Assert.Equal(2, run.ExitCode);
        Assert.Equal("", run.Output);
        Assert.Contains("workload-proxy: the server can't start: Failed to convert configuration value 'x' at 'MaxQueueLength'", run.Error);
        Assert.DoesNotContain("   at ", run.Error);
    }

    [Fact]
    public async Task Config_check_gives_a_policys_warnings_with_the_context_as_json()
    {
        directory.Write("rbac/policies/p.hcl", "path \"/a\" {\n  capabilities = [\"read\"]\n}\n");
        directory.Write("appsettings.json",
            $$"""{ "PublicUrl": "https://proxy.example.com", "Urls": "http://127.0.0.1:1", "Policies": [{ "Context": "api://DigitalOcean?actx={{Team}}", "Directory": "rbac" }] }""");
        var run = await CommandRun.RunAsync(directory.Path, "config", "check", "--format", "json");
        var diagnostic = Assert.Single(Json(run.Output).GetProperty("diagnostics").EnumerateArray());
        Assert.Equal($$"""{"context":"api://DigitalOcean?actx={{Team}}","severity":"warning","code":"unused-policy","summary":"no role uses policy `p`","help":"name it in the `policies` of a role, or remove the file","file":"policies/p.hcl","line":1,"column":1,"length":0}""",
            System.Text.Json.Nodes.JsonNode.Parse(diagnostic.GetRawText())!.ToJsonString(new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));
        Assert.Equal((0, ""), (run.ExitCode, run.Error));

        directory.Write("rbac/policies/p.hcl", "path {");
        run = await CommandRun.RunAsync(directory.Path, "config", "check", "--format", "json");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(Json(run.Output).GetProperty("diagnostics").EnumerateArray(), found => found.GetProperty("severity").GetString() == "error");
    }

    [Fact]
    public async Task Config_check_warns_of_files_that_hold_nothing_of_use()
    {
        directory.Write("rbac/roles/none.hcl", "");
        directory.Write("keys.json", """{ "hunter2": [] }""");
        directory.Write("blank", "\n");
        directory.Write("control", "hunter2\u0007\n");
        directory.Write("good", "hunter2\n");
        directory.Write("appsettings.json", $$"""
            {
              "PublicUrl": "https://proxy.example.com", "Urls": "http://127.0.0.1:1",
              "Upstreams": { "A": { "Kind": "http", "Address": "https://a.example" } },
              "Issuers": [{ "Issuer": "https://a.example", "JwksFile": "keys.json" }],
              "Policies": [
                { "Context": "api://A?actx=1", "Directory": "rbac" }, { "Context": "api://A?actx=2", "Directory": "rbac" },
                { "Context": "api://A?actx=3", "Git": { "Url": "https://git.example/a.git", "WebhookSecretFile": "blank", "TokenFile": "control" } }
              ],
              "Credentials": [
                { "Context": "api://A?actx=1", "Kind": "Bearer", "File": "blank" }, { "Context": "api://A?actx=2", "Kind": "Bearer", "File": "control" },
                { "Context": "api://A?actx=3", "Kind": "Bearer", "File": "good" }
              ]
            }
            """);
        var run = await CommandRun.RunAsync(directory.Path, "config", "check");
        Assert.Equal(0, run.ExitCode);
        Assert.DoesNotContain("hunter2", run.Output + run.Error);
        var warnings = run.Error.Split('\n').Where(line => line.Contains(": file `", StringComparison.Ordinal))
            .Select(line => line.Replace(directory.Path, "/here", StringComparison.Ordinal));
        Assert.Equal(
        [
            "warning: Issuers:0:JwksFile: file `/here/keys.json` is no JWK Set: it has no list `keys`",
            "warning: Policies:2:Git:WebhookSecretFile: file `/here/blank` is empty",
            "warning: Policies:2:Git:TokenFile: file `/here/control` holds a control character",
            "warning: Credentials:0:File: file `/here/blank` is empty",
            "warning: Credentials:1:File: file `/here/control` holds a control character",
        ], warnings);
    }

    [Theory]
    [InlineData("status")]
    [InlineData("policy pull --context api://DigitalOcean?actx=x")]
    public async Task A_command_that_fails_says_why_as_json_too(string command)
    {
        string[] arguments = [.. command.Split(' '), "--format", "json", "--DataDirectory", "data"];
        var run = await CommandRun.RunAsync(directory.Path, [.. arguments, "--PublicUrl", "https://proxy.example.com"]);
        Assert.Equal(1, run.ExitCode);
        Assert.Equal($"no server is running on `{directory.Path}/data`", Json(run.Output).GetProperty("error").GetString());
        Assert.Contains("no server is running", run.Error);

        run = await CommandRun.RunAsync(directory.Path, [.. arguments, "--PublicUrl", "x"]);
        Assert.Equal(2, run.ExitCode);
        Assert.Equal("PublicUrl", Assert.Single(Json(run.Output).GetProperty("mistakes").EnumerateArray()).GetProperty("key").GetString());
    }

    [Theory]
    [InlineData("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzZWNyZXQifQ.c2lnbmF0dXJlLXRoYXQtaXMtc2VjcmV0")]
    [InlineData("Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzZWNyZXQifQ.c2lnbmF0dXJlLXRoYXQtaXMtc2VjcmV0")]
    public async Task A_token_in_the_place_of_its_file_is_never_repeated(string token)
    {
        var run = await CommandRun.RunAsync(directory.Path, "token", "show", token);
        Assert.Equal((1, "", "workload-proxy: that is a token, expected the name of the file that holds it; `-` is standard input\n"),
            (run.ExitCode, run.Output, run.Error));
        run = await CommandRun.RunAsync(directory.Path, "policy", "explain", "--actx", Team, "--token", token, "--method", "GET", "--path", "/");
        Assert.DoesNotContain("c2lnbmF0dXJl", run.Output + run.Error);
        run = await CommandRun.RunWithAsync(directory.Path, token, [], "token", "show", "-");
        Assert.Equal(0, run.ExitCode);
    }

    [Fact]
    public async Task Config_check_compiles_the_directories_too()
    {
        directory.Write("policies/keys.hcl", "path {");
        directory.Write("appsettings.json",
            $$"""{ "PublicUrl": "https://proxy.example.com", "Urls": "http://127.0.0.1:1", "Policies": [{ "Context": "api://DigitalOcean?actx={{Team}}", "Directory": "." }] }""");
        var run = await CommandRun.RunAsync(directory.Path, "config", "check");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("--> policies/keys.hcl:1:", run.Error);
    }

    [Fact]
    public async Task Output_that_can_not_be_written_is_a_failure_and_no_crash()
    {
        if (!File.Exists("/dev/full")) return;
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("sh",
            ["-c", "exec \"$0\" policy check . > /dev/full", Path.Combine(AppContext.BaseDirectory, "workload-proxy")])
        {
            WorkingDirectory = directory.Path,
            RedirectStandardError = true,
        })!;
        var error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal((1, "workload-proxy: the output can't be written\n"), (process.ExitCode, error));
    }

    [Fact]
    public async Task Check_of_a_good_set_is_0()
    {
        var run = await CommandRun.RunAsync(directory.Path, "policy", "check", "--actx", Team);
        Assert.Equal((0, "2 files, 0 errors, 0 warnings, 0 tests\n", ""), (run.ExitCode, run.Output, run.Error));
    }

    [Fact]
    public async Task Check_of_a_broken_set_is_1_and_shows_the_line()
    {
        directory.Write("roles/keys.hcl",
            "role \"keys\" {\n  aud = \"api://DigitalOcean?actx={actx}\"\n  sub = \"actx:{actx}:role:keys\"\n  policies = [\"kyes\"]\n}\n");
        var run = await CommandRun.RunAsync(directory.Path, "policy", "check", ".");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains(" --> roles/keys.hcl:4:15\n  |\n4 |   policies = [\"kyes\"]\n  |               ^^^^^^\n", run.Output);
        Assert.Contains("1 error", run.Output);
        Assert.Contains("note: without `--actx ID` a placeholder stands for `{actx}`", run.Output);
        Assert.DoesNotContain('\e', run.Output);

        run = await CommandRun.RunAsync(directory.Path, "policy", "check", "--format", "json");
        Assert.Equal(1, run.ExitCode);
        var diagnostic = Json(run.Output).GetProperty("diagnostics").EnumerateArray()
            .First(diagnostic => diagnostic.GetProperty("severity").GetString() == "error");
        Assert.Equal(("roles/keys.hcl", 4, 15, 6),
            (diagnostic.GetProperty("file").GetString(), Number(diagnostic, "line"), Number(diagnostic, "column"), Number(diagnostic, "length")));
        Assert.Equal(0, Json(run.Output).GetProperty("tests").GetArrayLength());
    }

    [Fact]
    public async Task Check_for_github_writes_annotations_with_paths_from_where_it_runs()
    {
        directory.Write("rbac/policies/a,b.hcl", "path \"/100%\" {\n  capabilities = [\"raed\"]\n}\n");
        var run = await CommandRun.RunAsync(directory.Path, "policy", "check", "rbac", "--format", "github");
        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith("::error file=rbac/policies/a%2Cb.hcl,line=2,col=19::", run.Output);
        Assert.All(run.Output.Trim().Split('\n'), line => Assert.StartsWith("::", line));
    }

    [Fact]
    public async Task Failing_tests_are_findings()
    {
        directory.Write("tests/keys.hcl",
            """
            test "reads" {
              token   = { sub = "actx:{actx}:role:keys" }
              request = { method = "GET", path = "/v2/databases", query = { tag_name = "my-tag" } }
              expect  = "allow"
            }
            test "writes" {
              token   = { sub = "actx:{actx}:role:keys" }
              request = { method = "DELETE", path = "/v2/databases" }
              expect  = "allow"
            }
            """);
        var run = await CommandRun.RunAsync(directory.Path, "policy", "check", "--format", "json");
        Assert.Equal(1, run.ExitCode);
        Assert.Equal([("reads", true), ("writes", false)], Json(run.Output).GetProperty("tests").EnumerateArray()
            .Select(test => (test.GetProperty("name").GetString(), test.GetProperty("passed").GetBoolean())));

        run = await CommandRun.RunAsync(directory.Path, "policy", "test");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("ok      reads", run.Output);
        Assert.Contains("FAILED  writes", run.Output);
        Assert.EndsWith("1 passed, 1 failed\n", run.Output);
    }

    [Theory]
    [InlineData("GET", "/v2/databases?tag_name=my-tag", null, 0, "allow", 1)]
    [InlineData("GET", "/v2/databases?tag_name=other", null, 3, "deny", 1)]
    [InlineData("POST", "/v2/spaces/keys", """{"name":"bucket-111-x","grants":[{"bucket":"111","permission":"read"}]}""", 0, "allow", 5)]
    [InlineData("POST", "/v2/spaces/keys", """{"name":"bucket-111-x","grants":[{"bucket":"222","permission":"read"}]}""", 3, "deny", 5)]
    [InlineData("GET", "/v2/droplets", null, 3, "deny", null)]
    [InlineData("GET", "/v2/%2e%2e/databases", null, 3, "deny", null)]
    [InlineData("TRACE", "/v2/databases", null, 3, "deny", null)]
    public async Task Explain_gives_the_decision(string method, string path, string? body, int exitCode, string decision, int? line)
    {
        directory.Write("body.json", body ?? "");
        var run = await CommandRun.RunAsync(directory.Path, ["policy", "explain", ".", "--actx", Team, "--claims", "claims.json", "--method", method, "--path",
            path, "--body", "body.json", "--format", "json"]);
        Assert.Equal((exitCode, ""), (run.ExitCode, run.Error));
        var json = Json(run.Output);
        Assert.Equal(decision, json.GetProperty("decision").GetString());
        Assert.Equal(line, json.GetProperty("rule") is { ValueKind: JsonValueKind.Object } rule ? Number(rule, "line") : null);
        var role = Assert.Single(json.GetProperty("roles").EnumerateArray());
        Assert.Equal(("keys", true), (role.GetProperty("name").GetString(), role.GetProperty("matched").GetBoolean()));
    }

    [Theory]
    [InlineData("GET", "/", 0, "the proxy itself answers at this path, whoever asks: no policy is asked")]
    [InlineData("GET", "/health/ready?verbose=1", 0, "the proxy itself answers at this path, whoever asks: no policy is asked")]
    [InlineData("HEAD", "/.well-known/jwks.json", 0, "the proxy itself answers at this path, whoever asks: no policy is asked")]
    [InlineData("POST", "/health", 3, "the proxy itself answers at this path, to GET and HEAD only: no policy is asked")]
    [InlineData("GET", "/info/refs?service=git-upload-pack", 3,
        "this path is git's at the server's root, where an API token picks the context: no policy is asked")]
    [InlineData("GET", "/healthz", 3, "no rule matches this path")]
    public async Task Explain_says_where_no_policy_is_asked(string method, string path, int exitCode, string reason)
    {
        var run = await CommandRun.RunAsync(directory.Path, "policy", "explain", ".", "--actx", Team, "--claims", "claims.json", "--method", method, "--path",
            path, "--format", "json");
        var json = Json(run.Output);
        Assert.Equal((exitCode, exitCode == 0 ? "allow" : "deny", reason),
            (run.ExitCode, json.GetProperty("decision").GetString(), json.GetProperty("reason").GetString()));
        Assert.Equal(JsonValueKind.Null, json.GetProperty("rule").ValueKind);
    }

    [Fact]
    public async Task Explain_of_a_broken_set_is_1()
    {
        directory.Write("policies/keys.hcl", "path {");
        var run = await CommandRun.RunAsync(directory.Path, "policy", "explain", ".", "--claims", "claims.json", "--method", "GET", "--path", "/");
        Assert.Equal((1, ""), (run.ExitCode, run.Output));
        Assert.Contains("--> policies/keys.hcl:1:", run.Error);
    }

    [Fact]
    public async Task Explain_shows_every_role_and_constraint()
    {
        var run = await CommandRun.RunWithAsync(directory.Path, $$"""{"sub":"actx:{{Team}}:role:other"}""", [], "policy", "explain", ".", "--actx", Team,
            "--claims", "-", "--method", "GET", "--path", "/v2/databases");
        Assert.Equal(3, run.ExitCode);
        Assert.StartsWith("GET /v2/databases\ndeny: no role matches this token\n", run.Output);
        Assert.Contains("✗ keys: does not match\n", run.Output);
        Assert.Contains("✗ `sub`: expected", run.Output);
    }

    [Theory]
    [InlineData("/v2%2Fdatabases", "GET", "api://DigitalOcean?actx=f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "the path holds an encoded `/`")]
    [InlineData("/v2/databases", "GET", "api://DigitalOcean?actx=other", "the token is for another context")]
    [InlineData("/v2/spaces/keys", "POST", "api://DigitalOcean?actx=f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "the body is over 1 MiB")]
    public async Task Explain_denies_what_the_server_refuses_before_any_rule(string path, string method, string audience, string reason)
    {
        directory.Write("body.json", $$"""{"name":"{{new string('a', 1024 * 1024)}}"}""");
        var run = await CommandRun.RunWithAsync(directory.Path, $$"""{"sub":"actx:{{Team}}:role:keys","aud":"{{audience}}"}""", [],
            "policy", "explain", ".", "--actx", Team, "--claims", "-", "--method", method, "--path", path, "--body", "body.json", "--format", "json");
        Assert.Equal(3, run.ExitCode);
        Assert.StartsWith(reason, Json(run.Output).GetProperty("reason").GetString());
    }

    [Theory]
    [InlineData("GET", "/v1/oidc/nothing", "no rule decides on this path of the proxy's own, expected `/v1/oidc/issue` or `/_rbac/DigitalOcean/{actx}`")]
    [InlineData("GET", "/_rbac/DigitalOcean/other",
        "no rule decides on this path of the proxy's own, expected `/v1/oidc/issue` or `/_rbac/DigitalOcean/{actx}`")]
    [InlineData("GET", "/v1/oidc/issue", "`/v1/oidc/issue` accepts POST only")]
    public async Task Explain_denies_at_own_paths_that_name_no_endpoint_though_a_rule_permits(string method, string path, string reason)
    {
        directory.Write("policies/keys.hcl", """
            path "/v1/oidc/*" { capabilities = ["read"] }
            path "/_rbac/*" { capabilities = ["read"] }
            """);
        var run = await CommandRun.RunAsync(directory.Path, "policy", "explain", ".", "--actx", Team, "--claims", "claims.json", "--method", method, "--path",
            path, "--format", "json");
        Assert.Equal((3, reason), (run.ExitCode, Json(run.Output).GetProperty("reason").GetString()));
        run = await CommandRun.RunAsync(directory.Path, "policy", "explain", ".", "--actx", Team, "--claims", "claims.json", "--method", "GET", "--path",
            $"/_rbac/DigitalOcean/{Team}");
        Assert.Equal(0, run.ExitCode);
    }

    [Fact]
    public async Task Explain_of_a_method_that_no_rule_can_permit_does_not_call_its_rule_permitting()
    {
        var run = await CommandRun.RunAsync(directory.Path, "policy", "explain", ".", "--actx", Team, "--claims", "claims.json", "--method", "TRACE", "--path",
            "/v2/databases?tag_name=my-tag");
        Assert.Equal(3, run.ExitCode);
        Assert.Contains("[read]: decides, but no rule can permit this method\n", run.Output);
        run = await CommandRun.RunAsync(directory.Path, "policy", "explain", ".", "--actx", Team, "--claims", "claims.json", "--method", "GET", "--path",
            "//v2");
        Assert.EndsWith("rules\n  none was considered\n", run.Output);
    }

    [Fact]
    public async Task Explain_decides_on_a_call_of_an_MCP_server()
    {
        directory.Write("policies/keys.hcl", "mcp \"droplets\" {\n  tool \"droplet-create\" { allowed_parameters = { \"Name\" = \"agent-*\" } }\n}\n");
        directory.Write("good.json", """{"Name":"agent-1"}""");
        string[] call = ["policy", "explain", ".", "--actx", Team, "--claims", "claims.json", "--server", "droplets", "--tool", "droplet-create"];
        var run = await CommandRun.RunAsync(directory.Path, [.. call, "--arguments", "good.json"]);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("✓ policies/keys.hcl:2 tool \"droplet-create\" of \"droplets\": decides\n", run.Output);

        run = await CommandRun.RunAsync(directory.Path, [.. call, "--format", "json"]);
        Assert.Equal(3, run.ExitCode);
        var rule = Json(run.Output).GetProperty("rule");
        Assert.Equal(("tool", "droplet-create", 2), (rule.GetProperty("kind").GetString(), rule.GetProperty("name").GetString(), Number(rule, "line")));

        run = await CommandRun.RunAsync(directory.Path, [.. call, "--prompt", "triage"]);
        Assert.Equal((1, "workload-proxy: expected one of `--tool`, `--prompt` and `--resource` with `--server`\n"), (run.ExitCode, run.Error));
    }

    [Fact]
    public async Task Check_warns_of_what_a_catalog_lacks()
    {
        directory.Write("policies/keys.hcl", "mcp \"droplets\" {\n  tool \"droplet-lst\" {}\n}\n");
        directory.Write("catalog.json", """{"tools":[{"name":"droplet-list","inputSchema":{"type":"object"}}]}""");
        var run = await CommandRun.RunAsync(directory.Path, "policy", "check", ".", "--catalog", "catalog.json");
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("warning[not-in-catalog]: the server has no tool that `droplet-lst` matches\n", run.Output);
        run = await CommandRun.RunAsync(directory.Path, "policy", "check", ".", "--catalog", "claims.json");
        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith("workload-proxy: `claims.json` is not a catalog: expected the result of `tools/list`", run.Error);
    }

    [Fact]
    public async Task Diff_says_who_may_more()
    {
        directory.Write("new/roles/keys.hcl", File.ReadAllText(Path.Combine(directory.Path, "roles/keys.hcl")));
        directory.Write("new/policies/keys.hcl", "path \"/v2/databases\" {\n  capabilities = [\"read\", \"delete\"]\n}\n");
        var run = await CommandRun.RunAsync(directory.Path, "policy", "diff", ".", "new", "--actx", Team);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("+ role `keys` can now DELETE /v2/databases\n", run.Output);
        run = await CommandRun.RunAsync(directory.Path, "policy", "diff", ".", ".", "--actx", Team);
        Assert.Equal((0, "no access changes\n"), (run.ExitCode, run.Output));
    }

    [Fact]
    public async Task Before_the_first_policy_there_was_none_to_compare_with()
    {
        Directory.CreateDirectory(Path.Combine(directory.Path, "empty"));
        var run = await CommandRun.RunAsync(directory.Path, "policy", "diff", "empty", ".", "--actx", Team);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("+ role `keys` can now ", run.Output);
        Assert.Equal(1, (await CommandRun.RunAsync(directory.Path, "policy", "diff", ".", "empty", "--actx", Team)).ExitCode);
    }

    [Fact]
    public async Task A_check_or_test_of_nothing_is_not_green()
    {
        directory.Write("lost/role/ci.hcl", "role \"ci\" {}");
        var check = await CommandRun.RunAsync(directory.Path, "policy", "check", "lost");
        Assert.Equal(1, check.ExitCode);
        Assert.Contains("error[no-files]: there is no policy file", check.Output);
        Assert.Contains("warning[unread-directory]: `role/` is not read", check.Output);
        Assert.Contains("did you mean `roles/`?", check.Output);
        directory.Write("untested/policies/p.hcl", "path \"/a\" { capabilities = [\"read\"] }");
        var test = await CommandRun.RunAsync(directory.Path, "policy", "test", "untested");
        Assert.Equal((1, "workload-proxy: there are no tests, expected `test` blocks in tests/*.hcl\n"), (test.ExitCode, test.Error));
    }

    [Fact]
    public async Task A_token_is_shown_with_the_roles_that_it_would_match()
    {
        var token = $"{Part("""{"alg":"RS256","typ":"JWT"}""")}.{Part($$"""{"iss":"https://proxy.example.com","aud":"api://DigitalOcean?actx={{Team}}","sub":"actx:{{Team}}:role:keys","actx_source":"api://DigitalOcean?actx={{Team}}","exp":1}""")}.AAAA";
        var run = await CommandRun.RunWithAsync(directory.Path, token + "\n", [], "token", "show", "-", "--dir", ".", "--issuer", "https://proxy.example.com");
        Assert.Equal(0, run.ExitCode);
        Assert.Equal("the signature is not checked\n", run.Error);
        Assert.Contains("exp: 1  (1970-01-01T00:00:01Z, expired)", run.Output);
        Assert.Contains("matches        keys: every constraint holds", run.Output);

        run = await CommandRun.RunWithAsync(directory.Path, token, [], "token", "show", "-", "--format", "json");
        Assert.False(Json(run.Output).GetProperty("signature_checked").GetBoolean());
        Assert.Equal("RS256", Json(run.Output).GetProperty("header").GetProperty("alg").GetString());

        static string Part(string json) => System.Buffers.Text.Base64Url.EncodeToString(System.Text.Encoding.UTF8.GetBytes(json));
    }

    [Fact]
    public async Task Parse_writes_json()
    {
        var run = await CommandRun.RunWithAsync(directory.Path, "a = 1 + 2\nb \"x\" {\n  c = [true]\n}\n", [], "policy", "parse", "-");
        Assert.Equal((0, """{"body":{"attributes":{"a":3},"blocks":[{"type":"b","labels":["x"],"body":{"attributes":{"c":[true]},"blocks":[]}}]}}""" + "\n"),
            (run.ExitCode, run.Output));
        run = await CommandRun.RunWithAsync(directory.Path, "a = \n", [], "policy", "parse", "-");
        Assert.Equal(1, run.ExitCode);
        Assert.Equal("<stdin>", Json(run.Output).GetProperty("diagnostics")[0].GetProperty("file").GetString());
    }

    [Fact]
    public async Task Show_writes_the_compiled_set()
    {
        var run = await CommandRun.RunAsync(directory.Path, "policy", "show", ".", "--actx", Team);
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(2, Number(Json(run.Output), "version"));
        Assert.Equal($"api://DigitalOcean?actx={Team}", Json(run.Output).GetProperty("context").GetString());
    }

    [Fact]
    public async Task Keys_are_listed_and_rotated_while_no_server_runs()
    {
        directory.Write("appsettings.json", """{ "PublicUrl": "https://proxy.example.com", "Urls": "http://127.0.0.1:1" }""");
        var run = await CommandRun.RunAsync(directory.Path, "keys", "list");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("signing", run.Output);
        run = await CommandRun.RunAsync(directory.Path, "keys", "rotate");
        Assert.Equal(0, run.ExitCode);
        run = await CommandRun.RunAsync(directory.Path, "keys", "list");
        Assert.Contains("next", run.Output);
    }

    [Fact]
    public async Task A_client_key_is_rotated_while_no_server_runs()
    {
        directory.Write("appsettings.json", """
            {
              "PublicUrl": "https://proxy.example.com", "Urls": "http://127.0.0.1:1",
              "Upstreams": { "ATProto": { "Kind": "atproto", "OAuth": { "Accounts": ["*"] } } }
            }
            """);
        var run = await CommandRun.RunAsync(directory.Path, "keys", "rotate", "--client");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("is published now and begins sessions from", run.Output);
    }

    [Fact]
    public async Task A_secret_in_the_wrong_place_is_not_printed()
    {
        directory.Write("appsettings.json", $$"""
            {
              "PublicUrl": "https://user:hunter2@proxy.example.com",
              "ConnectionStrings": { "Postgres": "postgres://u:hunter2@db/x" },
              "Upstreams": { "DigitalOcean": { "Address": "https://hunter2@api.example" } },
              "Policies": [{ "Context": "api://DigitalOcean?actx={{Team}}", "Git": { "Url": "https://u:hunter2@github.com/a/b.git", "TokenFile": "hunter2" } }],
              "Credentials": [{ "Context": "api://DigitalOcean?actx={{Team}}", "Kind": "Bearer", "File": "hunter2", "EnvironmentVariable": "hunter2", "Secret": "hunter2" }]
            }
            """);
        var run = await CommandRun.RunWithAsync(directory.Path, "", new() { ["DATABASE_URI"] = "hunter2", ["DIGITALOCEAN_OAUTH_CLIENT_SECRET"] = "hunter2" },
            "serve", "--Kestrel:Certificates:Default:Password", "hunter2");
        Assert.Equal(2, run.ExitCode);
        Assert.DoesNotContain("hunter2", run.Output + run.Error);
        Assert.Contains("Credentials:0:Secret: unknown key", run.Error);
    }

    [Fact]
    public async Task Control_characters_of_a_policy_do_not_reach_the_terminal()
    {
        directory.Write("policies/keys.hcl", "path \"/v2\e[2J\" {\n  capabilities = [\"\e]0;x\a\"]\n}\n");
        var run = await CommandRun.RunAsync(directory.Path, "policy", "check");
        Assert.Equal(1, run.ExitCode);
        Assert.DoesNotContain('\e', run.Output + run.Error);
        Assert.DoesNotContain('\a', run.Output + run.Error);
    }

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;

    private static int Number(JsonElement element, string name) => element.GetProperty(name).GetInt32();
}
