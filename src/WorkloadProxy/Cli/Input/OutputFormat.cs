using System.CommandLine;

namespace WorkloadProxy.Cli.Input;

/// <summary><c>--format</c>: the first of the formats is the default.</summary>
internal static class OutputFormat
{
    public static Option<string> Of(params string[] formats)
    {
        var option = new Option<string>("--format")
            { HelpName = string.Join('|', formats), Description = "How the result is written.", DefaultValueFactory = _ => formats[0] };
        option.AcceptOnlyFromAmong(formats);
        return option;
    }

    public static Option<string> TextOrJson() => Of("text", "json");
}
