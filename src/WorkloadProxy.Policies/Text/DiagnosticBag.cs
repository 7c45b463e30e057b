using System.Collections.ObjectModel;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Text;

/// <summary>
/// Collects diagnostics of one thing; bounded, so that a file of garbage costs no more than a good one. Errors and warnings are counted apart: no number of
/// warnings hides an error.
/// </summary>
internal sealed class DiagnosticBag(int most = DiagnosticBag.MostOfAFile) : Collection<Diagnostic>
{
    public const int MostOfAFile = 100;

    private int errors;
    private int warnings;

    /// <summary>Whether an error was added, kept or not.</summary>
    public bool HasErrors => errors > 0;

    protected override void InsertItem(int index, Diagnostic item)
    {
        var count = item.Severity == DiagnosticSeverity.Error ? ++errors : ++warnings;
        if (count <= most) base.InsertItem(index, item);
    }

    public void AddRange(IEnumerable<Diagnostic> diagnostics)
    {
        foreach (var diagnostic in diagnostics) Add(diagnostic);
    }
}
