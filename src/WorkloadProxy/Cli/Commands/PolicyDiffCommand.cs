using System.CommandLine;
using WorkloadProxy.Cli.Input;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Cli.Commands;

/// <summary><c>policy diff</c>: what access changes from one policy set to another.</summary>
internal static class PolicyDiffCommand
{
    public static Command Create(Terminal terminal)
    {
        var input = new PolicyInput();
        var before = new Argument<string>("OLD") { Description = "The directory of the policy set in force." }.NoOption();
        var after = new Argument<string>("NEW") { Description = "The directory of the policy set to come." }.NoOption();
        var command = input.AddTo(new Command("diff", "Says what access changes: who newly may, who no longer may, which rules widened.") { before, after }, withDirectory: false);
        command.SetAction(parsed =>
        {
            if (!input.TryGetOptions(parsed, out var options, out var error)) return terminal.Fail(error);
            if (!PolicyInput.Compile(parsed.GetValue(before)!, options).TryGetSet(terminal, out var was)) return ExitCode.Findings;
            if (!PolicyInput.Compile(parsed.GetValue(after)!, options).TryGetSet(terminal, out var now)) return ExitCode.Findings;
            var changes = PolicyDiff.Compare(was, now);
            foreach (var change in changes)
            {
                terminal.WriteLine(change.ToString(), change.Kind switch { AccessChangeKind.Widened => Colour.Yellow, AccessChangeKind.Narrowed => Colour.Green, _ => Colour.Cyan });
            }
            if (changes.IsEmpty) terminal.WriteLine("no access changes");
            return ExitCode.Ok;
        });
        return command;
    }
}
