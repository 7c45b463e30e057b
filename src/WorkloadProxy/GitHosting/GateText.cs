using System.Text;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;

namespace WorkloadProxy.GitHosting;

/// <summary>What the gate says to the person who pushes: plain lines that git prints behind <c>remote:</c>.</summary>
internal sealed class GateText
{
    private const int MaxDiagnostics = 40;
    private const int MaxSourceLine = 120;
    private readonly List<string> lines = [];

    public IReadOnlyList<string> Lines => lines;

    /// <summary>What comes out of a repository must not steer the terminal that it is printed on.</summary>
    public static string Clean(string text) => text.Any(char.IsControl) ? string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c)) : text;

    public void Add(string line) => lines.Add(Clean(line));

    /// <summary>The diagnostics, each with its source line and a caret; errors first. <paramref name="asWarnings"/>: of a branch that decides nothing.</summary>
    public void AddReview(PolicyReview review, bool asWarnings)
    {
        var sources = review.Files.ToDictionary(file => file.Path, file => file.Content, StringComparer.Ordinal);
        foreach (var diagnostic in review.Diagnostics.OrderBy(diagnostic => diagnostic.Severity).Take(MaxDiagnostics)) AddDiagnostic(diagnostic, sources, asWarnings);
        if (review.Diagnostics.Length > MaxDiagnostics) Add($"… and {review.Diagnostics.Length - MaxDiagnostics} more");
        foreach (var test in (review.Tests?.Results ?? []).Where(result => !result.Passed).Take(MaxDiagnostics))
            Add($"{(asWarnings ? "warning" : "error")}: test `{test.Name}` failed: {test.Reason} ({test.Test.Range.File}:{test.Test.Range.Start.Line})");
    }

    public static string Count(int number, string singular) => $"{number} {singular}{(number == 1 ? "" : "s")}";

    private void AddDiagnostic(Diagnostic diagnostic, Dictionary<string, ReadOnlyMemory<byte>> sources, bool asWarnings)
    {
        var severity = diagnostic.Severity == DiagnosticSeverity.Error && !asWarnings ? "error" : "warning";
        var range = diagnostic.Range;
        Add($"{severity}: {diagnostic.Summary} [{diagnostic.Code}]");
        Add($"  --> {range.File}:{range.Start.Line}:{range.Start.Column}");
        if (sources.TryGetValue(range.File, out var content) && SourceLine(content.Span, range.Start.Line) is { Length: > 0 } source)
        {
            var number = range.Start.Line.ToString(System.Globalization.CultureInfo.InvariantCulture);
            var margin = new string(' ', number.Length);
            var length = range.End.Line == range.Start.Line ? Math.Max(1, range.End.Column - range.Start.Column) : 1;
            Add($" {number} | {source}");
            if (range.Start.Column <= MaxSourceLine) Add($" {margin} | {new string(' ', range.Start.Column - 1)}{new string('^', Math.Min(length, MaxSourceLine))}");
        }
        if (diagnostic.Help is { } help) Add($"  = help: {help}");
    }

    private static string? SourceLine(ReadOnlySpan<byte> content, int line)
    {
        for (; line > 1; line--)
        {
            var end = content.IndexOf((byte)'\n');
            if (end < 0) return null;
            content = content[(end + 1)..];
        }
        var stop = content.IndexOf((byte)'\n');
        var text = Encoding.UTF8.GetString(stop < 0 ? content : content[..stop]).TrimEnd('\r');
        return text.Length <= MaxSourceLine ? text : text[..MaxSourceLine] + "…";
    }
}
