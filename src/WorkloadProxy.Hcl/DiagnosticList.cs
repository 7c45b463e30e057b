using System.Collections.Immutable;

namespace WorkloadProxy.Hcl;

/// <summary>The diagnostics of one file; bounded, so that a file of garbage costs no more than a good one.</summary>
internal sealed class DiagnosticList
{
    /// <summary>More than this many of one file are not kept.</summary>
    public const int Limit = 100;

    private List<Diagnostic>? diagnostics;
    private bool closed;

    /// <summary>How many were added, kept or not: the parser asks whether a part of it had any.</summary>
    public int Reported { get; private set; }

    public void Add(Diagnostic diagnostic)
    {
        Reported++;
        if (!closed && (diagnostics?.Count ?? 0) < Limit)
            (diagnostics ??= []).Add(diagnostic);
    }

    /// <summary>Adds the last one: what follows it in the file can't be judged.</summary>
    public void Close(Diagnostic diagnostic)
    {
        Add(diagnostic);
        closed = true;
    }

    /// <summary>In the order of the file.</summary>
    public ImmutableArray<Diagnostic> ToImmutable() => diagnostics is null ? [] : [.. diagnostics.OrderBy(diagnostic => diagnostic.Range.Start.Offset)];
}
