using WorkloadProxy.Policies;

namespace WorkloadProxy.Cli.Output;

/// <summary>The decision as a tree, its marks in colour.</summary>
internal static class ExplainOutput
{
    public static void WriteText(Terminal terminal, ExplainedRequest request, Explanation explanation)
    {
        terminal.WriteLine($"{request.Method} {request.RawTarget}", Colour.Bold);
        foreach (var line in explanation.ToString().TrimEnd('\n').Split('\n'))
        {
            var text = line.TrimStart(' ');
            var colour = text switch
            {
                ['✓', ..] => Colour.Green,
                ['✗', ..] => Colour.Red,
                _ when text.Length == line.Length && text.StartsWith("allow: ", StringComparison.Ordinal) => Colour.Green,
                _ when text.Length == line.Length && text.StartsWith("deny: ", StringComparison.Ordinal) => Colour.Red,
                _ => Colour.None,
            };
            terminal.WriteLine(line, colour);
        }
    }
}
