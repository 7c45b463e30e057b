using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using WorkloadProxy.Cli.Agents;
using WorkloadProxy.Cli.Commands;
using WorkloadProxy.Cli.Input;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Server;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Cli;

/// <summary>The commands of <c>workload-proxy</c>.</summary>
internal static class CommandLine
{
    public static async Task<int> RunAsync(string[] arguments, Terminal terminal, TimeProvider time)
    {
        try
        {
            return await ParseAsync(WithCommand(SettingsInput.Split(arguments)), terminal, time);
        }
        catch (IOException) when (arguments is ["policy" or "token" or "config" or "completion" or "status", ..])
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

    /// <summary>Without a command the server is meant, and its settings.</summary>
    private static string[] WithCommand(string[] arguments) =>
        arguments is [] || (arguments[0].StartsWith("--", StringComparison.Ordinal) && !arguments.Any(argument => argument is "--help" or "--version"))
        ? ["serve", .. arguments]
        : arguments is ["help", .. var command] ? [.. command, "--help"] : arguments;

    private static async Task<int> ParseAsync(string[] arguments, Terminal terminal, TimeProvider time)
    {
        var root = Root(SettingsInput.For(arguments), terminal, time);
        var parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false });
        if (parsed.Errors.Count > 0 && parsed.Action is ParseErrorAction)
        {
            foreach (var error in UsageErrors.Of(parsed)) terminal.Fail(error);
            terminal.WriteErrorLine($"see `{Path(parsed.CommandResult.Command)} --help`");
            return ExitCode.Findings;
        }
        // what serves handles signals itself
        return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
    }

    private static RootCommand Root(SettingsInput settings, Terminal terminal, TimeProvider time)
    {
        var root = new RootCommand("A workload-identity reverse proxy: it takes OIDC tokens, exchanges them for scoped tokens, and forwards what a policy "
            + "permits with the upstream's credential. Runs the server if no command is given.")
        {
            ServeCommand.Create(settings, terminal),
            new Command("policy", "Checks, explains, tests and shows policy sets.")
            {
                PolicyInitCommand.Create(terminal),
                PolicyCheckCommand.Create(terminal, time),
                PolicyFmtCommand.Create(terminal),
                PolicyExplainCommand.Create(terminal, time),
                PolicyTestCommand.Create(terminal, time),
                PolicyDiffCommand.Create(terminal),
                PolicyShowCommand.Create(terminal),
                PolicyParseCommand.Create(terminal),
                PolicyPullCommand.Create(settings, terminal),
            },
            new Command("token", "Gets and decodes tokens.")
                { TokenGetCommand.Create(terminal, time), TokenRelayCommand.Create(terminal, time), TokenShowCommand.Create(terminal, time) },
            new Command("mcp", "Connects hosts of agents to MCP endpoints.")
                { McpBridgeCommand.Create(terminal, time), McpToolsCommand.Create(terminal, time) },
            KeysCommand.Create(settings, terminal, time),
            CredentialsCommand.Create(settings, terminal, time),
            ConfigCommand.Create(settings, terminal),
            StatusCommand.Create(settings, terminal),
            StoreBackupCommand.Create(settings, terminal),
            CompletionCommand.Create(terminal),
        };
        foreach (var option in root.Options)
        {
            if (option is HelpOption help) help.Action = new HelpWithExamples((HelpAction)help.Action!, terminal);
            if (option is VersionOption version) version.Action = new PrintVersion(terminal);
        }
        foreach (var group in root.Subcommands.Where(command => command.Subcommands.Count > 0)) RequireSubcommand(group, terminal);
        return root;
    }

    private static void RequireSubcommand(Command group, Terminal terminal) => group.SetAction(_ =>
        terminal.Fail($"`{group.Name}` needs a command: {string.Join(", ", group.Subcommands.Select(command => $"`{command.Name}`"))}"));

    internal static string Path(Command command) =>
        command is RootCommand ? "workload-proxy" : string.Join(' ', command.Parents.OfType<Command>().Select(Path).Take(1).Append(command.Name));

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
            terminal.WriteLine($"workload-proxy {Server.ProxyServer.Version}");
            return ExitCode.Ok;
        }
    }
}
