using System.CommandLine;
using System.CommandLine.Parsing;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Cli.Output;

/// <summary>What is wrong with a command line, in this program's words.</summary>
internal static class UsageErrors
{
    private const string Unexpected = "unexpected argument";

    public static IEnumerable<string> Of(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var unknown = parsed.UnmatchedTokens.Select(token => Unknown(token, command)).ToList();
        // the parser says of each of them too, in its own words, that it does not know it
        var others = parsed.Errors.Where(error => !parsed.UnmatchedTokens.Any(token => error.Message.Contains($"'{token}'", StringComparison.Ordinal)))
            .Select(Sentence).ToList();
        if (unknown.Count > 0 && command.Subcommands.Count > 0) return unknown.Distinct();
        // what is left over next to another mistake is most often the value of a misspelt option
        var all = others.Concat(unknown).Distinct().ToList();
        var worse = all.Where(text => !text.StartsWith(Unexpected, StringComparison.Ordinal)).ToList();
        return worse.Count > 0 ? worse : all;
    }

    /// <summary>A command, option or argument that is not known, and which one may be meant.</summary>
    public static string Unknown(string token, Command? command)
    {
        var isOption = token.StartsWith('-');
        var isCommand = !isOption && command is { Subcommands.Count: > 0 };
        IEnumerable<string> names = isOption ? (command?.Options ?? []).Where(option => !option.Hidden).Select(option => option.Name) : isCommand
            ? command!.Subcommands.Select(sub => sub.Name) : [];
        var nearest = NameSuggestion.Nearest(token, names);
        return $"{(isOption ? "unknown option" : isCommand ? "unknown command" : Unexpected)} "
            + $"`{token}`{(nearest is null ? "" : $", did you mean `{nearest}`?")}";
    }

    private static string Sentence(ParseError error)
    {
        if (error.SymbolResult is OptionResult { Option: var option, Tokens.Count: 0 } given)
            return given.IdentifierTokenCount > 0 ? $"`{option.Name}` needs a value" : $"`{option.Name}` is required";
        if (error.SymbolResult is ArgumentResult { Argument: var argument, Tokens.Count: 0 }) return $"expected `{argument.Name}`";
        var text = error.Message.ReplaceLineEndings("\n").TrimEnd('.', '\n').Replace('\'', '`').Replace(". Must be one of:\n\t", ", expected ")
            .Replace("\n\t", ", ");
        return text.Length == 0 ? text : char.ToLowerInvariant(text[0]) + text[1..];
    }
}
