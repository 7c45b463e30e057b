using System.CommandLine;
using WorkloadProxy.Cli.Input;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Configuration;
using WorkloadProxy.Configuration.Sources;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Directories;

namespace WorkloadProxy.Cli.Commands;

/// <summary><c>config check</c>: what start-up checks without opening the store; and <c>config schema</c>.</summary>
internal static class ConfigCommand
{
    public static Command Create(SettingsInput settings, Terminal terminal)
    {
        var file = new Argument<string?>("FILE") { Description = "The configuration file, as with --config.", Arity = ArgumentArity.ZeroOrOne };
        var format = OutputFormat.TextOrJson();
        var check = settings.AddTo(new Command("check", "Checks what start-up checks: every setting, and the policy sets in directories.") { file, format });
        check.SetAction(parsed =>
        {
            if (settings.HasFile(parsed) && parsed.GetValue(file) is not null) return terminal.Fail("the configuration file is given twice: as `FILE` and with `--config`");
            return settings.TryLoad(parsed, terminal, out var options, out var exitCode, parsed.GetValue(file)) ? Check(options, terminal, parsed.GetValue(format) == "json") : exitCode;
        });
        var schema = new Command("schema", "Prints the JSON schema of the configuration file, for editors.") { OutputFormat.Of("json") };
        schema.SetAction(_ => terminal.WriteJson(ConfigurationSchema.Write));
        return new("config", "Checks and describes the configuration.") { check, schema };
    }

    private static int Check(ProxyOptions options, Terminal terminal, bool isJson)
    {
        foreach (var warning in options.Warnings) SettingsInput.Print(terminal, "warning", Colour.Yellow, warning);
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
        if (isJson)
        {
            terminal.WriteJson(json =>
            {
                json.WriteStartObject();
                json.WriteString("public_url", options.PublicUrl);
                json.WriteNumber("upstreams", options.Upstreams.Count);
                json.WriteNumber("contexts", options.Policies.Count);
                json.WriteNumber("credentials", options.Credentials.Count);
                json.WriteStartArray("warnings");
                foreach (var warning in options.Warnings) json.WriteStringValue(warning.ToString());
                json.WriteEndArray();
                json.WriteEndObject();
            });
            return ExitCode.Ok;
        }
        terminal.WriteLine($"the configuration is fine: {options.PublicUrl}, {Count(options.Upstreams.Count, "upstream")}, {Count(options.Policies.Count, "context")}, {Count(options.Credentials.Count, "credential")}");
        return ExitCode.Ok;
    }

    private static string Count(int count, string what) => $"{count} {what}{(count == 1 ? "" : "s")}";
}
