using System.Collections.Immutable;
using WorkloadProxy.Git;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;

namespace WorkloadProxy.PolicyDelivery.Publishing;

/// <summary>What became of a commit's files: the compiled set (null with any error), what was found, and the set's own tests.</summary>
internal sealed record PolicyReview(ObjectId Commit, IReadOnlyList<PolicyFile> Files, PolicySet? Set, ImmutableArray<Diagnostic> Diagnostics,
    PolicyTestReport? Tests)
{
    // no diagnostic of the compiler: a test is told apart wherever else it is shown
    private const string FailedTest = "failed-test";
    private const int MostTests = 50;

    /// <summary>The set that may be put in force; null when anything speaks against it.</summary>
    public PolicySet? Accepted => Set is not null && Tests is { Passed: true } ? Set : null;

    public int Errors => Diagnostics.Count(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);

    public int FailedTests => Tests?.Results.Count(result => !result.Passed) ?? 0;

    /// <summary>One line on why it is refused, for the log, readiness and the commit status.</summary>
    public string Problem
    {
        get
        {
            if (Diagnostics.FirstOrDefault(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error) is { } first)
                return SafeText.Clean($"{first.Range}: {first.Summary}{(Errors > 1 ? $" (and {Errors - 1} more)" : "")}", ' ');
            if (Tests?.Results.FirstOrDefault(result => !result.Passed) is { } failed)
                return SafeText.Clean($"{failed.Test.Range}: test `{failed.Name}` failed: "
                    + $"{failed.Reason}{(FailedTests > 1 ? $" (and {FailedTests - 1} more)" : "")}", ' ');
            return "";
        }
    }

    /// <summary>The diagnostics, and each failed test as one.</summary>
    public IReadOnlyList<Diagnostic> Findings => [.. Diagnostics, .. (Tests?.Results ?? []).Where(result => !result.Passed)
        .Select(result => new Diagnostic(DiagnosticSeverity.Error, FailedTest, $"test `{result.Name}` failed: {result.Reason}", null, result.Test.Range))];

    /// <summary>Why it is refused, as a source's status keeps it.</summary>
    public PolicySourceError ToError(DateTimeOffset time, string message) =>
        new(time, message, Diagnostics,
            string.Join('\n', new[] { PolicyDiagnostics.Text(Diagnostics, Files) }.Where(text => text.Length > 0).Concat(FailedTestTexts)));

    private IEnumerable<string> FailedTestTexts => (Tests?.Results ?? []).Where(result => !result.Passed).Take(MostTests)
        .Select(result => SafeText
            .Clean($"error: test `{result.Name}` failed: {result.Reason} ({result.Test.Range.File}:{result.Test.Range.Start.Line})", ' '));

    /// <summary>Compiles, lints and tests. Pure but for the clock that it is given.</summary>
    /// <exception cref="OperationCanceledException">The work was stopped: none of it counts.</exception>
    public static PolicyReview Of(ObjectId commit, PolicyTreeContent content, CompileOptions options, PolicySet? previous, DateTimeOffset now,
        CancellationToken cancellationToken = default)
    {
        if (content.Diagnostics.Any(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error))
            return new(commit, content.Files, null, content.Diagnostics, null);
        var result = PolicyCompiler.Compile(content.Files, options, previous, cancellationToken);
        return new(commit, content.Files, result.Set, [.. content.Diagnostics, .. result.Diagnostics], result.Set is null
            ? null : PolicyTestRunner.Run(result.Set, now, cancellationToken));
    }
}
