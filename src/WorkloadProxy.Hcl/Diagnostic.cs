namespace WorkloadProxy.Hcl;

/// <summary>How bad a diagnostic is: an error keeps the file from being used, a warning does not.</summary>
public enum DiagnosticSeverity
{
    /// <summary>The file can't be used.</summary>
    Error,
    /// <summary>The file can be used, but probably not as meant.</summary>
    Warning,
}

/// <summary>
/// Something found in a file. <paramref name="Code"/> is stable kebab-case (<c>unknown-attribute</c>), <paramref name="Summary"/> one lower-case line with
/// what was found and what was expected, <paramref name="Help"/> what to do, or null.
/// </summary>
public sealed record Diagnostic(DiagnosticSeverity Severity, string Code, string Summary, string? Help, SourceRange Range);
