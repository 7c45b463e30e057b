using System.CommandLine;

namespace WorkloadProxy.Cli;

/// <summary><c>policy show</c>: the compiled set as JSON, of the same schema as <c>rbac.json</c>.</summary>
internal static class PolicyShowCommand
{
    public static Command Create(Terminal terminal)
    {
        var input = new PolicyInput();
        var command = input.AddTo(new Command("show", "Shows the compiled policy set as JSON."));
        command.SetAction(parsed =>
        {
            if (!input.TryGetOptions(parsed, out var options, out var error)) return terminal.Fail(error);
            if (!PolicyInput.Compile(parsed.GetValue(input.Directory)!, options).TryGetSet(terminal, out _)) return ExitCode.Findings;
            return terminal.Fail("`policy show` is not available in this version");
        });
        return command;
    }
}
