using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Configuration;
using WorkloadProxy.Configuration.Sources;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Cli.Input;

/// <summary>For commands that read the server's configuration: its part of the command line, and its mistakes on standard error.</summary>
internal static class SettingsOptions
{
    /// <summary>For the help alone: these commands read their line themselves.</summary>
    public static Command WithSettings(this Command command)
    {
        command.Add(new Option<string>("--config") { HelpName = "FILE", Description = "The configuration file, in the place of appsettings.json." });
        command.Add(new Option<string>("--environment") { HelpName = "NAME", Description = "Production unless given; Development needs no PublicUrl." });
        command.Add(new Option<string>("--Section:Key") { HelpName = "VALUE", Description = "Any setting, for instance --Audit:File audit.jsonl." });
        return command;
    }

    /// <summary>The checked configuration; otherwise everything wrong with it has been printed and <paramref name="exitCode"/> says how to end.</summary>
    public static bool TryLoad(string[] arguments, Terminal terminal, [NotNullWhen(true)] out ProxyOptions? options, out int exitCode)
    {
        options = null;
        exitCode = ExitCode.Findings;
        if (!ArgumentSettings.TryParse(arguments, out var settings, out var error))
        {
            terminal.Fail(error);
            if (arguments is [[not '-', ..] and var first, ..] && NameSuggestion.Nearest(first, ["serve", "policy", "token", "keys", "config"]) is { } nearest) terminal.WriteErrorLine($"did you mean `{nearest}`?");
            else terminal.WriteErrorLine("see `workload-proxy --help`");
            return false;
        }
        var loaded = ConfigurationLoader.Load(settings, ProcessEnvironment.Read(), Directory.GetCurrentDirectory());
        foreach (var warning in loaded.Warnings.Where(_ => loaded.Options is null)) Print(terminal, "warning", Colour.Yellow, warning);
        if (loaded.Options is { } checkedOptions)
        {
            options = checkedOptions;
            exitCode = ExitCode.Ok;
            return true;
        }
        foreach (var mistake in loaded.Mistakes) Print(terminal, "error", Colour.Red, mistake);
        exitCode = terminal.Fail($"the configuration has {loaded.Mistakes.Count} mistake{(loaded.Mistakes.Count == 1 ? "" : "s")}", ExitCode.CannotStart);
        return false;
    }

    public static void Print(Terminal terminal, string kind, Colour colour, ConfigurationMistake mistake)
    {
        terminal.WriteError($"{kind}: ", colour);
        terminal.WriteErrorLine(mistake.ToString());
    }
}
