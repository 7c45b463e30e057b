using WorkloadProxy.Policies;

namespace WorkloadProxy.Cli.Output;

/// <summary>Changes of access as text, as JSON, and as annotations of a GitHub workflow.</summary>
internal static class DiffOutput
{
    public static void Write(Terminal terminal, string format, IReadOnlyList<AccessChange> changes)
    {
        switch (format)
        {
            case "json":
                WriteJson(terminal, changes);
                break;
            case "github":
                foreach (var change in changes)
                    terminal.WriteLine(DiagnosticOutput.GitHub(change.Kind == AccessChangeKind.Narrowed ? "notice" : "warning",
                        $"access {Word(change)}: {change.Text}"));
                break;
            default:
                foreach (var change in changes)
                    terminal.WriteLine(change.ToString(),
                        change.Kind switch { AccessChangeKind.Widened => Colour.Yellow, AccessChangeKind.Narrowed => Colour.Green, _ => Colour.Cyan });
                if (changes.Count == 0) terminal.WriteLine("no access changes");
                break;
        }
    }

    private static void WriteJson(Terminal terminal, IReadOnlyList<AccessChange> changes) => terminal.WriteJson(json =>
    {
        json.WriteStartObject();
        json.WriteBoolean("widened", changes.Any(change => change.Kind != AccessChangeKind.Narrowed));
        json.WriteStartArray("changes");
        foreach (var change in changes)
        {
            json.WriteStartObject();
            json.WriteString("kind", Word(change));
            json.WriteString("role", change.Role);
            json.WriteString("text", change.Text);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    });

    private static string Word(AccessChange change) =>
        change.Kind switch { AccessChangeKind.Widened => "widened", AccessChangeKind.Narrowed => "narrowed", _ => "changed" };
}
