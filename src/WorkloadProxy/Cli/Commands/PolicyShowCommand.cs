using System.CommandLine;
using WorkloadProxy.Cli.Input;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Cli.Commands;

/// <summary><c>policy show</c>: the compiled set as JSON, of the same schema as <c>rbac.json</c>.</summary>
internal static class PolicyShowCommand
{
    public static Command Create(Terminal terminal)
    {
        var input = new PolicyInput();
        var command = input.AddTo(new Command("show", "Shows the compiled policy set as JSON."));
        command.Add(OutputFormat.Of("json"));
        command.SetAction(parsed =>
        {
            if (!input.TryGetOptions(parsed, out var options, out var error)) return terminal.Fail(error);
            if (!input.TryCompile(parsed, options, out var compiled, out error)) return terminal.Fail(error);
            if (!compiled.TryGetSet(terminal, out var set)) return ExitCode.Findings;
            terminal.WriteJson(json => PolicySetJson.Write(json, set));
            return ExitCode.Ok;
        });
        return command;
    }
}
