using Octokit;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.PolicyDelivery.Remote;

/// <summary>A commit's check run: made with the first 50 annotations, which is what GitHub takes in one call, and updated with the rest.</summary>
internal sealed class CheckRunContent
{
    private const int PerCall = 50;
    private const int MaxAnnotations = 500;
    private const int MaxMessage = 4096;

    public CheckRunContent(string name, string commit, bool accepted, string description, IReadOnlyList<Diagnostic> diagnostics, string path)
    {
        var prefix = string.Concat(path.Split('/').Where(part => part is not ("" or ".")).Select(part => part + "/"));
        var batches = diagnostics.OrderBy(diagnostic => diagnostic.Severity).Take(MaxAnnotations).Select(diagnostic => Annotation(diagnostic, prefix))
            .Chunk(PerCall).ToList();
        var summary = description + (diagnostics.Count > MaxAnnotations ? $" ({MaxAnnotations} of {diagnostics.Count} diagnostics are shown)" : "");
        var title = accepted ? "in force" : "not taken";
        First = new NewCheckRun(name, commit)
        {
            Status = CheckStatus.Completed,
            Conclusion = accepted ? CheckConclusion.Success : CheckConclusion.Failure,
            Output = Output(batches.FirstOrDefault() ?? []),
        };
        Rest = [.. batches.Skip(1).Select(batch => new CheckRunUpdate { Output = Output(batch) })];

        NewCheckRunOutput Output(IReadOnlyList<NewCheckRunAnnotation> annotations) => new(title, summary) { Annotations = annotations };
    }

    public NewCheckRun First { get; }
    public IReadOnlyList<CheckRunUpdate> Rest { get; }

    private static NewCheckRunAnnotation Annotation(Diagnostic diagnostic, string prefix)
    {
        var (start, end) = (diagnostic.Range.Start, diagnostic.Range.End);
        var text = $"{diagnostic.Summary} [{diagnostic.Code}]{(diagnostic.Help is null ? "" : $"\n{diagnostic.Help}")}";
        var level = diagnostic.Severity == DiagnosticSeverity.Error ? CheckAnnotationLevel.Failure : CheckAnnotationLevel.Warning;
        return new(prefix + diagnostic.Range.File, start.Line, Math.Max(start.Line, end.Line), level, text.Length <= MaxMessage ? text : text[..MaxMessage])
        {
            // GitHub refuses columns of what spans lines
            StartColumn = start.Line == end.Line ? start.Column : null,
            EndColumn = start.Line == end.Line ? end.Column : null,
        };
    }
}
