using System.CommandLine;
using System.CommandLine.Parsing;
using WorkloadProxy.Cli.Output;

namespace WorkloadProxy.Cli.Input;

/// <summary>Arguments that name files: an option that nobody knows would be taken for one, and a misspelt one would go unnoticed.</summary>
internal static class Positional
{
    public static Argument<string> NoOption(this Argument<string> argument)
    {
        argument.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: ['-', _, ..] option }]) result.AddError(UsageErrors.Unknown(option, (result.Parent as CommandResult)?.Command));
        });
        return argument;
    }
}
