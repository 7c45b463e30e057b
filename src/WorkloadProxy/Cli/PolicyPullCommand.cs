using System.CommandLine;

namespace WorkloadProxy.Cli;

/// <summary><c>policy pull</c></summary>
internal static class PolicyPullCommand
{
    public static Command Create(Terminal terminal)
    {
        var context = new Option<string>("--context") { HelpName = "CONTEXT", Required = true, Description = "The context whose remote source is fetched now." };
        var command = new Command("pull", "Fetches a remote source now.") { context };
        command.SetAction(parsed => terminal.Fail($"`{parsed.GetValue(context)}` can't be pulled: remote sources are not available in this version"));
        return command;
    }
}
