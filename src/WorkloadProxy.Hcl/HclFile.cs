using System.Collections.Immutable;
using System.Text;

namespace WorkloadProxy.Hcl;

/// <summary>A parsed file. With errors among <see cref="Diagnostics"/>, <see cref="Body"/> holds what could still be read.</summary>
public sealed record HclFile(string Name, ReadOnlyMemory<byte> Source, HclBody Body, ImmutableArray<Diagnostic> Diagnostics)
{
    /// <summary>Whether an error was found; the body must not be trusted then.</summary>
    public bool HasErrors => Diagnostics.Any(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);

    /// <summary>An expression of the file as it is written there.</summary>
    public string TextOf(HclExpression expression) =>
        Encoding.UTF8.GetString(Source.Span[expression.Range.Start.Offset..expression.Range.End.Offset]);
}

/// <summary>Attributes and blocks, in the order of the file. Attribute names are unique.</summary>
public sealed record HclBody(ImmutableArray<HclAttribute> Attributes, ImmutableArray<HclBlock> Blocks, SourceRange Range);

/// <summary><c>name = expression</c>.</summary>
public sealed record HclAttribute(string Name, SourceRange NameRange, HclExpression Expression, SourceRange Range);

/// <summary><c>type "label" { … }</c>.</summary>
public sealed record HclBlock(string Type, SourceRange TypeRange, ImmutableArray<HclLabel> Labels, HclBody Body, SourceRange Range)
{
    /// <summary>Its type and labels: what a message about the whole block points at.</summary>
    public SourceRange Header => Labels.IsEmpty ? TypeRange : TypeRange with { End = Labels[^1].Range.End };
}

/// <summary>A block's label, unquoted and unescaped.</summary>
public sealed record HclLabel(string Value, SourceRange Range);
