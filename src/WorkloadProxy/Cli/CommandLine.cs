using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using WorkloadProxy.Cli.Commands;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Server;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Cli;

/// <summary>The commands of <c>workload-proxy</c> (SPEC §17).</summary>
internal static class CommandLine
{
    public static async Task<int> RunAsync(string[] arguments, Terminal terminal, TimeProvider time)
    {
        try
        {
            return await DispatchAsync(arguments, terminal, time);
        }
        catch (IOException) when (arguments is ["policy" or "token", ..])
        {
            // a full disk, or a reader that went away: what they read has been read by then
            return terminal.Fail("the output can't be written");
        }
        catch (StartException e)
        {
            terminal.Fail(e.Message);
            if (e.Help is not null) terminal.WriteErrorLine($"  help: {e.Help}");
            return ExitCode.CannotStart;
        }
    }

    private static async Task<int> DispatchAsync(string[] arguments, Terminal terminal, TimeProvider time)
    {
        // settings are open-ended (`--Section:Key value`), so that commands which take them read their line themselves
        if (!arguments.Any(argument => argument is "--help" or "-h" or "-?" or "--version"))
        {
            if (arguments is [] or ["serve", ..] or [['-', '-', ..], ..]) return await ServeCommand.RunAsync(arguments is ["serve", ..] ? arguments[1..] : arguments, terminal);
            if (arguments is ["config", "check", ..]) return ConfigCommand.Check(arguments[2..], terminal);
            if (arguments is ["backup", [not '-', ..] and var file, ..]) return await StoreBackupCommand.RunAsync(file, arguments[2..], terminal);
            if (arguments is ["policy", "pull", ..]) return await PolicyPullCommand.RunAsync(arguments[2..], terminal);
            if (arguments is ["keys", "list" or "rotate", ..]) return await KeysCommand.RunAsync(arguments[1], arguments[2..], terminal, time);
        }

        return await ParseAsync(arguments, terminal, time);
    }

    /// <summary>Apart from what serves: the library that parses stays unloaded there.</summary>
    private static async Task<int> ParseAsync(string[] arguments, Terminal terminal, TimeProvider time)
    {
        var root = Root(terminal, time);
        var parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false });
        if (parsed.Errors.Count > 0 && parsed.Action is ParseErrorAction)
        {
            foreach (var error in parsed.Errors) terminal.Fail(Sentence(error.Message));
            terminal.WriteErrorLine($"see `{Path(parsed.CommandResult.Command)} --help`");
            return ExitCode.Findings;
        }
        return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
    }

    private static RootCommand Root(Terminal terminal, TimeProvider time)
    {
        var root = new RootCommand("A workload-identity reverse proxy: OIDC tokens in, scoped tokens out, the upstream's credential put in on the way. Without a command it serves.");
        root.Add(ServeCommand.Create());
        var policy = new Command("policy", "Checks, explains, tests and shows policy sets.")
        {
            PolicyCheckCommand.Create(terminal, time),
            PolicyExplainCommand.Create(terminal, time),
            PolicyTestCommand.Create(terminal, time),
            PolicyDiffCommand.Create(terminal),
            PolicyShowCommand.Create(terminal),
            PolicyParseCommand.Create(terminal),
            PolicyPullCommand.Create(),
        };
        root.Add(policy);
        root.Add(new Command("token", "Looks into tokens.") { TokenShowCommand.Create(terminal, time) });
        root.Add(KeysCommand.Create());
        root.Add(StoreBackupCommand.Create());
        root.Add(ConfigCommand.Create());

        foreach (var option in root.Options)
        {
            if (option is HelpOption help) help.Action = new HelpWithExamples((HelpAction)help.Action!, terminal);
            if (option is VersionOption version) version.Action = new PrintVersion(terminal);
        }
        foreach (var group in root.Subcommands.Where(command => command.Subcommands.Count > 0)) RequireSubcommand(group, terminal);
        root.SetAction(_ => terminal.Fail("unexpected arguments"));
        return root;
    }

    private static void RequireSubcommand(Command group, Terminal terminal) => group.SetAction(_ =>
        terminal.Fail($"`{group.Name}` needs a command: {string.Join(", ", group.Subcommands.Select(command => $"`{command.Name}`"))}"));

    internal static string Path(Command command) => command is RootCommand ? "workload-proxy" : string.Join(' ', command.Parents.OfType<Command>().Select(Path).Take(1).Append(command.Name));

    private static string Sentence(string message)
    {
        var text = message.ReplaceLineEndings("\n").TrimEnd('.', '\n').Replace('\'', '`').Replace(". Must be one of:\n\t", ", expected ").Replace("\n\t", ", ");
        return text.Length == 0 ? text : char.ToLowerInvariant(text[0]) + text[1..];
    }

    private sealed class HelpWithExamples(HelpAction help, Terminal terminal) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            help.Invoke(parseResult);
            foreach (var line in Examples.Of(Path(parseResult.CommandResult.Command)).Prepend("Example:")) terminal.WriteLine(line);
            return ExitCode.Ok;
        }
    }

    private sealed class PrintVersion(Terminal terminal) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            terminal.WriteLine($"workload-proxy {ProxyServer.Version}");
            return ExitCode.Ok;
        }
    }
}
