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
            if (settings.HasFile(parsed) && parsed.GetValue(file) is not null)
                return terminal.Fail("the configuration file is given twice: as `FILE` and with `--config`");
            var json = parsed.GetValue(format) == "json";
            return settings.TryLoad(parsed, terminal, out var options, out var exitCode, parsed.GetValue(file), json)
                ? Check(options, terminal, json) : exitCode;
        });
        var schema = new Command("schema", "Prints the JSON schema of the configuration file, for editors.") { OutputFormat.Of("json") };
        schema.SetAction(_ => terminal.WriteJson(ConfigurationSchema.Write));
        return new("config", "Checks and describes the configuration.") { check, schema };
    }

    private static int Check(ProxyOptions options, Terminal terminal, bool isJson)
    {
        var warnings = options.Warnings.Concat(ConfigurationAdvice.Of(options)).ToList();
        var broken = 0;
        foreach (var policy in options.Policies.Where(policy => policy.Directory is not null))
        {
            var content = PolicyDirectoryReader.Read(policy.Directory!);
            var compiled = PolicyCompiler.Compile(content.Files, options.Compiling(policy.Context));
            var diagnostics = content.Problems.AddRange(compiled.Diagnostics);
            warnings.AddRange(AdviceOn(policy, content.Files.Count, compiled.Set, options));
            DiagnosticOutput.WriteText(terminal.WriteError, diagnostics, content.Files);
            if (!diagnostics.Any(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error)) continue;
            broken++;
            terminal.WriteErrorLine($"the policy set of `{policy.Context}` in `{policy.Directory}` has errors", Colour.Red);
        }
        if (isJson)
        {
            terminal.WriteJson(json => ConfigurationOutput.Write(json, options, [], warnings));
            return broken > 0 ? ExitCode.CannotStart : ExitCode.Ok;
        }
        foreach (var warning in warnings) SettingsInput.Print(terminal, "warning", Colour.Yellow, warning);
        if (broken > 0) return ExitCode.CannotStart;
        terminal.WriteLine($"the configuration is fine: {options.PublicUrl}, {Count(options.Upstreams.Count, "upstream")}, "
            + $"{Count(options.Policies.Count, "context")}, {Count(options.Credentials.Count, "credential")}");
        return ExitCode.Ok;
    }

    private static IEnumerable<ConfigurationMistake> AdviceOn(PolicySourceOptions policy, int files, PolicySet? set, ProxyOptions options)
    {
        var key = $"Policies:{options.Policies.ToList().IndexOf(policy)}:Directory";
        if (files == 0) yield return new(key, $"`{policy.Directory}` holds no roles and no policies: the context trusts nobody", null, null);
        var listed = options.Issuers.Select(entry => entry.Issuer).ToHashSet(StringComparer.Ordinal);
        foreach (var role in set?.Roles ?? [])
        {
            foreach (var issuer in role.Issuers.Where(issuer => !issuer.StartsWith("https://", StringComparison.OrdinalIgnoreCase) && !listed.Contains(issuer)))
                yield return new(key, $"role `{role.Name}` names the issuer `{issuer}`, which is neither https nor in `Issuers`: its tokens are refused",
                    null, null);
        }
    }

    private static string Count(int count, string what) => $"{count} {what}{(count == 1 ? "" : "s")}";
}
