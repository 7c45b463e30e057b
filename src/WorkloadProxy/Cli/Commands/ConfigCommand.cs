using System.CommandLine;
using WorkloadProxy.Cli.Input;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Directories;

namespace WorkloadProxy.Cli.Commands;

/// <summary><c>config check</c>: what start-up checks without opening the store.</summary>
internal static class ConfigCommand
{
    public static Command Create() => new("config", "Checks the configuration.") { new Command("check", "Checks what start-up checks: every setting, and the policy sets in directories.").WithSettings() };

    public static int Check(string[] arguments, Terminal terminal)
    {
        if (!SettingsOptions.TryLoad(arguments, terminal, out var options, out var exitCode)) return exitCode;
        foreach (var warning in options.Warnings) SettingsOptions.Print(terminal, "warning", Colour.Yellow, warning);
        var broken = 0;
        foreach (var policy in options.Policies.Where(policy => policy.Directory is not null))
        {
            var content = PolicyDirectoryReader.Read(policy.Directory!);
            var diagnostics = content.Problems.AddRange(PolicyCompiler.Compile(content.Files, options.Compiling(policy.Context)).Diagnostics);
            if (!diagnostics.Any(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error)) continue;
            broken++;
            terminal.WriteErrorLine($"the policy set of `{policy.Context}` in `{policy.Directory}` has errors", Colour.Red);
            DiagnosticOutput.WriteText(terminal.WriteError, diagnostics, content.Files);
        }
        if (broken > 0) return ExitCode.CannotStart;
        terminal.WriteLine($"the configuration is fine: {options.PublicUrl}, {Count(options.Upstreams.Count, "upstream")}, {Count(options.Policies.Count, "context")}, {Count(options.Credentials.Count, "credential")}");
        return ExitCode.Ok;
    }

    private static string Count(int count, string what) => $"{count} {what}{(count == 1 ? "" : "s")}";
}
