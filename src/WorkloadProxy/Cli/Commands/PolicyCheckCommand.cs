using System.CommandLine;
using WorkloadProxy.Cli.Input;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Cli.Commands;

/// <summary><c>policy check</c>: compiles, lints, and runs the policy tests.</summary>
internal static class PolicyCheckCommand
{
    public static Command Create(Terminal terminal, TimeProvider time)
    {
        var input = new PolicyInput();
        var format = OutputFormat.Of("text", "json", "github", "sarif");
        var command = input.AddTo(new Command("check", "Compiles and lints a policy set and runs its tests."));
        var catalog = new Option<string>("--catalog")
            { HelpName = "FILE", Description = "What an MCP server offers, as JSON from `tools/list`: warns of tools and arguments that it lacks." };
        command.Add(format);
        command.Add(catalog);
        command.SetAction(parsed =>
        {
            if (!input.TryGetOptions(parsed, out var options, out var error)) return terminal.Fail(error);
            if (!input.TryCompile(parsed, options, out var compiled, out error)) return terminal.Fail(error);
            if (parsed.GetValue(catalog) is { } file)
            {
                if (!InputFile.TryRead(file, out var content, out error)) return terminal.Fail(error);
                if (!McpCatalog.TryParse(content, out var offered, out error)) return terminal.Fail($"`{file}` is not a catalog: {error}");
                if (compiled.Set is { } known) compiled = compiled with { Diagnostics = compiled.Diagnostics.AddRange(offered.Check(known)) };
            }
            var tests = compiled.Set is null ? [] : PolicyTestRunner.Run(compiled.Set, time.GetUtcNow()).Results;
            switch (parsed.GetValue(format))
            {
                case "json":
                    terminal.WriteJson(json =>
                    {
                        json.WriteStartObject();
                        DiagnosticOutput.WriteJson(json, compiled.Diagnostics, compiled.Files);
                        TestOutput.WriteJson(json, tests);
                        json.WriteEndObject();
                    });
                    break;
                case "sarif":
                    terminal.WriteJson(json => SarifOutput.Write(json, compiled.Diagnostics, tests, compiled.Directory));
                    break;
                case "github":
                    foreach (var diagnostic in compiled.Diagnostics) terminal.WriteLine(DiagnosticOutput.GitHub(diagnostic, compiled.Directory));
                    foreach (var test in tests.Where(test => !test.Passed))
                        terminal.WriteLine(DiagnosticOutput.GitHub("error", test.Test.Range, compiled.Directory, $"test `{test.Name}` failed: {test.Reason}"));
                    break;
                default:
                    DiagnosticOutput.WriteText(terminal.Write, compiled.Diagnostics, compiled.Files);
                    TestOutput.WriteText(terminal, tests, failedOnly: true);
                    WriteSummary(terminal, compiled, tests);
                    if (compiled.Set is null && !input.HasContext(parsed))
                        terminal.WriteLine("note: without `--actx ID` a placeholder stands for `{actx}`; ids written literally will not match it");
                    break;
            }
            return compiled.Set is null || tests.Any(test => !test.Passed) ? ExitCode.Findings : ExitCode.Ok;
        });
        return command;
    }

    private static void WriteSummary(Terminal terminal, CompiledDirectory compiled, IReadOnlyList<PolicyTestResult> tests)
    {
        var errors = compiled.Diagnostics.Count(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);
        var failed = tests.Count(test => !test.Passed);
        var found = $"{Count(compiled.Files.Count, "file")}, {Count(errors, "error")}, {Count(compiled.Diagnostics.Length - errors, "warning")}, "
            + $"{Count(tests.Count, "test")}{(failed > 0 ? $", {failed} failed" : "")}";
        terminal.WriteLine(found, errors + failed > 0 ? Colour.Red : Colour.Green);
    }

    private static string Count(int count, string what) => $"{count} {what}{(count == 1 ? "" : "s")}";
}
