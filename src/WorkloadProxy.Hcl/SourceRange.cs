namespace WorkloadProxy.Hcl;

/// <summary>A half-open part of a file: <paramref name="Start"/> belongs to it, <paramref name="End"/> is just behind it.</summary>
public readonly record struct SourceRange(string File, SourcePosition Start, SourcePosition End)
{
    /// <summary><c>file:line:column</c>, as errors and audit records name a place.</summary>
    public override string ToString() => $"{File}:{Start.Line}:{Start.Column}";
}
