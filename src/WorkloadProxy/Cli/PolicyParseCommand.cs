using System.CommandLine;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Cli;

/// <summary><c>policy parse</c>: any HCL file as JSON.</summary>
internal static class PolicyParseCommand
{
    public static Command Create(Terminal terminal)
    {
        var file = new Argument<string>("FILE") { Description = "The HCL file; - is standard input." };
        var command = new Command("parse", "Shows any HCL file as JSON.") { file };
        command.SetAction(parsed =>
        {
            var name = parsed.GetValue(file)!;
            if (!InputFile.TryRead(name, out var content, out var error)) return terminal.Fail(error);
            var syntax = HclParser.Parse(InputFile.Name(name), content);
            return terminal.Fail("`policy parse` is not available in this version");
        });
        return command;
    }
}
