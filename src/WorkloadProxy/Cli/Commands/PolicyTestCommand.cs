using System.CommandLine;
using WorkloadProxy.Cli.Input;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Cli.Commands;

/// <summary><c>policy test</c></summary>
internal static class PolicyTestCommand
{
    public static Command Create(Terminal terminal, TimeProvider time)
    {
        var input = new PolicyInput();
        var format = OutputFormat.TextOrJson();
        var command = input.AddTo(new Command("test", "Runs the tests of a policy set (tests/*.hcl)."));
        command.Add(format);
        command.SetAction(parsed =>
        {
            if (!input.TryGetOptions(parsed, out var options, out var error)) return terminal.Fail(error);
            if (!input.TryCompile(parsed, options, out var compiled, out error)) return terminal.Fail(error);
            if (!compiled.TryGetSet(terminal, out var set)) return ExitCode.Findings;
            var report = PolicyTestRunner.Run(set, time.GetUtcNow());
            if (parsed.GetValue(format) == "json")
            {
                terminal.WriteJson(json =>
                {
                    json.WriteStartObject();
                    TestOutput.WriteJson(json, report.Results);
                    json.WriteEndObject();
                });
            }
            else
            {
                TestOutput.WriteText(terminal, report.Results, failedOnly: false);
                WriteCoverage(terminal, report);
                var failed = report.Results.Count(result => !result.Passed);
                terminal.WriteLine($"{report.Results.Length - failed} passed, {failed} failed", failed > 0 ? Colour.Red : Colour.Green);
            }
            // A job that lost its tests must not pass.
            if (report.Results.IsEmpty) return terminal.Fail("there are no tests, expected `test` blocks in tests/*.hcl");
            return report.Passed ? ExitCode.Ok : ExitCode.Findings;
        });
        return command;
    }

    private static void WriteCoverage(Terminal terminal, PolicyTestReport report)
    {
        if (report.Results.IsEmpty || report.UnreachedRules.IsEmpty) return;
        terminal.WriteLine("rules that no test reaches:", Colour.Yellow);
        foreach (var rule in report.UnreachedRules) terminal.WriteLine($"  {rule.Range}  path \"{rule.Path}\" [{string.Join(", ", rule.Capabilities)}]");
    }
}
