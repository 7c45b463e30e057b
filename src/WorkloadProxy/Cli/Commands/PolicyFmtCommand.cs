using System.CommandLine;
using WorkloadProxy.Cli.Input;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Directories;

namespace WorkloadProxy.Cli.Commands;

/// <summary><c>policy fmt</c>: rewrites HCL files in the canonical layout and names those that were not.</summary>
internal static class PolicyFmtCommand
{
    public static Command Create(Terminal terminal)
    {
        var target = new Argument<string>("DIR|FILE")
            { Description = "The directory of a policy set, or one file; - formats standard input to standard output.",
                DefaultValueFactory = _ => "." }.NoOption();
        var check = new Option<bool>("--check") { Description = "Write nothing; exit with 1 if a file is not in the canonical layout." };
        var format = OutputFormat.TextOrJson();
        var command = new Command("fmt", "Rewrites HCL files in the canonical layout; comments stay.") { target, check, format };
        command.SetAction(parsed => Run(parsed.GetValue(target)!, parsed.GetValue(check), parsed.GetValue(format) == "json", terminal));
        return command;
    }

    private static int Run(string target, bool isCheck, bool isJson, Terminal terminal)
    {
        if (target == "-" || File.Exists(target))
        {
            if (!InputFile.TryRead(target, out var content, out var error)) return terminal.Fail(error);
            var file = HclParser.Parse(InputFile.Name(target), content);
            if (HclFormatter.Format(file) is not { } formatted) return Broken(terminal, [file]);
            if (target == "-" && !isCheck) terminal.WriteBytes(formatted);
            return Finish([new(InputFile.Name(target), target, formatted, formatted.AsSpan().SequenceEqual(content))], isCheck, isJson, terminal);
        }
        var tree = PolicyTree.List(target);
        var read = PolicyDirectoryReader.Read(tree);
        if (!read.Problems.IsEmpty)
        {
            DiagnosticOutput.WriteText(terminal.WriteError, read.Problems, read.Files);
            return ExitCode.Findings;
        }
        var parsed = read.Files.Select(file => HclParser.Parse(file.Path, file.Content)).ToList();
        if (parsed.Any(file => file.HasErrors)) return Broken(terminal, parsed);
        var real = tree.Files.ToDictionary(file => file.Path, file => file.RealPath, StringComparer.Ordinal);
        return Finish([.. parsed.Select(file => (file, text: HclFormatter.Format(file)!)).Select(each =>
            new Layout(each.file.Name, real[each.file.Name], each.text, each.text.AsSpan().SequenceEqual(each.file.Source.Span)))], isCheck, isJson, terminal);
    }

    private static int Finish(IReadOnlyList<Layout> files, bool isCheck, bool isJson, Terminal terminal)
    {
        var changed = files.Where(file => !file.IsCanonical).ToList();
        foreach (var file in changed.Where(file => !isCheck && file.RealPath != "-"))
        {
            if (!TryWrite(file, out var error)) return terminal.Fail(error!);
        }
        if (isJson)
        {
            terminal.WriteJson(json =>
            {
                json.WriteStartObject();
                json.WriteStartArray("changed");
                foreach (var file in changed) json.WriteStringValue(file.Name);
                json.WriteEndArray();
                json.WriteEndObject();
            });
        }
        else if (files is not [{ RealPath: "-" }] || isCheck) foreach (var file in changed) terminal.WriteLine(file.Name);
        return isCheck && changed.Count > 0 ? ExitCode.Findings : ExitCode.Ok;
    }

    /// <summary>Whole or not at all, with the mode that it had. The other name begins with a dot, which no reader of policies looks at.</summary>
    private static bool TryWrite(Layout file, out string? error)
    {
        error = null;
        var other = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file.RealPath))!, $".{Path.GetFileName(file.RealPath)}.{Environment.ProcessId}");
        try
        {
            File.Copy(file.RealPath, other, overwrite: true);
            File.WriteAllBytes(other, file.Text);
            File.Move(other, file.RealPath, overwrite: true);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            File.Delete(other);
            error = $"`{file.Name}` can't be written: {e.Message}";
            return false;
        }
    }

    private static int Broken(Terminal terminal, IReadOnlyList<HclFile> files)
    {
        DiagnosticOutput.WriteText(terminal.WriteError, [.. files.SelectMany(file => file.Diagnostics)],
            [.. files.Select(file => new Policies.PolicyFile(file.Name, file.Source))]);
        return ExitCode.Findings;
    }

    private sealed record Layout(string Name, string RealPath, byte[] Text, bool IsCanonical);
}
