using System.CommandLine;

namespace WorkloadProxy.Cli.Input;

/// <summary>Arguments that name files: an option that nobody knows would be taken for one, and a misspelt one would go unnoticed.</summary>
internal static class Positional
{
    public static Argument<string> NoOption(this Argument<string> argument)
    {
        argument.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: ['-', _, ..] option }]) result.AddError($"unrecognized option '{option}'");
        });
        return argument;
    }
}
