using System.CommandLine;
using System.Text.Json;
using WorkloadProxy.Cli.Input;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Cli.Commands;

/// <summary><c>policy parse</c>: any HCL file as JSON.</summary>
internal static class PolicyParseCommand
{
    public static Command Create(Terminal terminal)
    {
        var file = new Argument<string>("FILE") { Description = "The HCL file; - is standard input." }.NoOption();
        var command = new Command("parse", "Shows any HCL file as JSON.") { file, OutputFormat.Of("json") };
        command.SetAction(parsed =>
        {
            var name = parsed.GetValue(file)!;
            if (!InputFile.TryRead(name, out var content, out var error)) return terminal.Fail(error);
            using var bytes = new MemoryStream();
            using var json = new Utf8JsonWriter(bytes, HclJson.WriterOptions);
            var parsedWhole = HclJson.Write(json, HclParser.Parse(InputFile.Name(name), content), new EvaluationContext());
            json.Flush();
            terminal.WriteJson(bytes.ToArray());
            return parsedWhole ? ExitCode.Ok : ExitCode.Findings;
        });
        return command;
    }
}
