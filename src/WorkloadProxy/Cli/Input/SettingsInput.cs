using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics.CodeAnalysis;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Configuration;
using WorkloadProxy.Configuration.Sources;

namespace WorkloadProxy.Cli.Input;

/// <summary>
/// For commands that read the server's configuration: <c>--config</c>, <c>--environment</c> and any setting as <c>--Section:Key value</c>. Which settings there
/// are depends on names that the user gives, so that each one on this command line is declared as an option when the line is read; whether the key exists is
/// said with the rest of the configuration.
/// </summary>
internal sealed class SettingsInput
{
    private readonly Option<string> config = new("--config") { HelpName = "FILE", Description = "The configuration file, instead of appsettings.json." };
    private readonly Option<string> environment = new("--environment")
        { HelpName = "NAME", Description = "defaults to Production; Development needs no PublicUrl." };
    private readonly List<Option<string[]>> settings = [];
    private readonly IReadOnlyList<string> names;

    private SettingsInput(IReadOnlyList<string> names)
    {
        this.names = names;
        config.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: "" }]) result.AddError("`--config` needs a file");
        });
    }

    /// <summary>For one command line, already split by <see cref="Split"/>.</summary>
    public static SettingsInput For(IReadOnlyList<string> arguments) =>
        new([.. arguments.Where(argument => argument is ['-', '-', _, ..]).Distinct(StringComparer.Ordinal)]);

    /// <summary><c>--Section:Key=value</c> in two, for the parser would end the name at the colon.</summary>
    public static string[] Split(IReadOnlyList<string> arguments) => [.. arguments.SelectMany(argument =>
        argument is ['-', '-', _, ..] && argument.IndexOf('=') is > 2 and var end ? [argument[..end], argument[(end + 1)..]] : (string[])[argument])];

    /// <summary>Last, when the command has its own options.</summary>
    public Command AddTo(Command command)
    {
        command.Add(config);
        command.Add(environment);
        command.Description += " Any setting may be given as --Section:Key VALUE, for instance --Audit:File audit.jsonl.";
        var own = command.Options.SelectMany(option => option.Aliases.Append(option.Name)).Append("--help").ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (var name in names.Where(name => !own.Contains(name)))
        {
            var option = settings.Find(option => option.Name == name) ?? new Option<string[]>(name) { Hidden = true, Arity = new ArgumentArity(1, 100) };
            // the parser gives a name that takes a value the next word, whatever it is
            if (option.Validators.Count == 0) option.Validators.Add(result =>
            {
                if (result.Tokens.Any(token => token.Value.StartsWith("--", StringComparison.Ordinal))) result.AddError($"`{name}` needs a value");
            });
            if (!settings.Contains(option)) settings.Add(option);
            command.Add(option);
        }
        return command;
    }

    public bool HasFile(ParseResult parsed) => parsed.GetValue(config) is not null;

    /// <summary>The checked configuration; otherwise everything wrong with it has been printed and <paramref name="exitCode"/> says how to end.</summary>
    public bool TryLoad(ParseResult parsed, Terminal terminal, [NotNullWhen(true)] out ProxyOptions? options, out int exitCode, string? file = null,
        bool json = false)
    {
        options = null;
        var given = settings.Where(option => parsed.GetResult(option) is { Implicit: false })
            .Select(option => Setting.Of(option.Name[2..], parsed.GetValue(option)?.LastOrDefault() ?? "", $"argument {option.Name}"));
        var loaded = ConfigurationLoader.Load(new ArgumentSettings(file ?? parsed.GetValue(config), parsed.GetValue(environment), [.. given]),
            ProcessEnvironment.Read(), Directory.GetCurrentDirectory());
        if (loaded.Options is { } checkedOptions)
        {
            options = checkedOptions;
            exitCode = ExitCode.Ok;
            return true;
        }
        if (json)
        {
            terminal.WriteJson(writer => ConfigurationOutput.Write(writer, null, loaded.Mistakes, loaded.Warnings, []));
            exitCode = ExitCode.CannotStart;
            return false;
        }
        foreach (var warning in loaded.Warnings) Print(terminal, "warning", Colour.Yellow, warning);
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
