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
        var policies = options.Policies.Where(policy => policy.Directory is not null).Select(policy => Compile(policy, options)).ToList();
        var warnings = options.Warnings.Concat(ConfigurationAdvice.Of(options)).Concat(StartFiles.Advice(options))
            .Concat(policies.SelectMany(set => AdviceOn(set, options))).ToList();
        var broken = policies.Where(set => set.Diagnostics.Any(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error)).ToList();
        var exitCode = broken.Count > 0 ? ExitCode.CannotStart : ExitCode.Ok;
        if (isJson)
        {
            terminal.WriteJson(json => ConfigurationOutput.Write(json, options, [], warnings, policies));
            return exitCode;
        }
        foreach (var set in policies)
        {
            DiagnosticOutput.WriteText(terminal.WriteError, set.Diagnostics, set.Files);
            if (broken.Contains(set))
                terminal.WriteErrorLine($"the policy set of `{set.Source.Context}` in `{set.Source.Directory}` has errors", Colour.Red);
        }
        foreach (var warning in warnings) SettingsInput.Print(terminal, "warning", Colour.Yellow, warning);
        if (exitCode != ExitCode.Ok) return exitCode;
        terminal.WriteLine($"the configuration is fine: {options.PublicUrl}, {Count(options.Upstreams.Count, "upstream")}, "
            + $"{Count(options.Policies.Count, "context")}, {Count(options.Credentials.Count, "credential")}");
        return ExitCode.Ok;
    }

    private static CheckedPolicies Compile(PolicySourceOptions policy, ProxyOptions options)
    {
        var content = PolicyDirectoryReader.Read(policy.Directory!);
        var compiled = PolicyCompiler.Compile(content.Files, options.Compiling(policy.Context));
        return new(policy, content.Files, compiled.Set, content.Problems.AddRange(compiled.Diagnostics));
    }

    private static IEnumerable<ConfigurationMistake> AdviceOn(CheckedPolicies policies, ProxyOptions options)
    {
        var key = $"Policies:{options.Policies.ToList().IndexOf(policies.Source)}:Directory";
        if (policies.Files.Count == 0)
            yield return new(key, $"`{policies.Source.Directory}` holds no roles and no policies: the context trusts nobody", null, null);
        var listed = options.Issuers.Select(entry => entry.Issuer).ToHashSet(StringComparer.Ordinal);
        foreach (var role in policies.Set?.Roles ?? [])
        {
            foreach (var issuer in role.Issuers.Where(issuer => !issuer.StartsWith("https://", StringComparison.OrdinalIgnoreCase) && !listed.Contains(issuer)))
                yield return new(key, $"role `{role.Name}` names the issuer `{issuer}`, which is neither https nor in `Issuers`: its tokens are refused",
                    null, null);
        }
    }

    private static string Count(int count, string what) => $"{count} {what}{(count == 1 ? "" : "s")}";
}
