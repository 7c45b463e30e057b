using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Publishing;

namespace WorkloadProxy.PolicyDelivery.Hosted.Repositories;

/// <summary>What the gate says to the person who pushes: plain lines that git prints behind <c>remote:</c>.</summary>
internal sealed class GateText
{
    private const int MaxDiagnostics = 40;
    private const int MaxChanges = 100;
    private readonly List<string> lines = [];

    public IReadOnlyList<string> Lines => lines;

    public void Add(string line) => lines.Add(SafeText.Clean(line, ' '));

    /// <summary>
    /// The diagnostics, each with its source line and a caret; errors first. <paramref name="asWarnings"/>: of a branch that decides nothing.
    /// </summary>
    public void AddReview(PolicyReview review, bool asWarnings)
    {
        var sources = review.Files.ToDictionary(file => file.Path, file => file.Content, StringComparer.Ordinal);
        foreach (var diagnostic in review.Diagnostics.OrderBy(diagnostic => diagnostic.Severity).Take(MaxDiagnostics))
        {
            var shown = asWarnings ? diagnostic with { Severity = DiagnosticSeverity.Warning } : diagnostic;
            foreach (var line in DiagnosticText.Render(shown, sources.GetValueOrDefault(diagnostic.Range.File).Span).TrimEnd('\n').Split('\n')) Add(line);
        }
        if (review.Diagnostics.Length > MaxDiagnostics) Add($"… and {review.Diagnostics.Length - MaxDiagnostics} more");
        foreach (var test in (review.Tests?.Results ?? []).Where(result => !result.Passed).Take(MaxDiagnostics))
            Add($"{(asWarnings ? "warning" : "error")}: test `{test.Name}` failed: {test.Reason} ({test.Test.Range.File}:{test.Test.Range.Start.Line})");
    }

    /// <summary>What access changes, in the words of <c>policy diff</c>.</summary>
    public void AddChanges(PolicySet? before, PolicySet after)
    {
        var changes = PolicyDiff.Compare(before, after);
        foreach (var change in changes.Take(MaxChanges)) Add(change.ToString());
        if (changes.Length > MaxChanges) Add($"… and {changes.Length - MaxChanges} more changes");
        if (changes.IsEmpty) Add("no access changes");
    }

    public static string Count(int number, string singular) => $"{number} {singular}{(number == 1 ? "" : "s")}";
}
