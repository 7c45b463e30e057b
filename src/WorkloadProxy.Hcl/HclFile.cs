using System.Collections.Immutable;

namespace WorkloadProxy.Hcl;

/// <summary>A parsed file. With errors among <see cref="Diagnostics"/>, <see cref="Body"/> holds what could still be read.</summary>
public sealed record HclFile(string Name, ReadOnlyMemory<byte> Source, HclBody Body, ImmutableArray<Diagnostic> Diagnostics)
{
    /// <summary>Whether an error was found; the body must not be trusted then.</summary>
    public bool HasErrors => Diagnostics.Any(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);
}

/// <summary>Attributes and blocks, in the order of the file. Attribute names are unique.</summary>
public sealed record HclBody(ImmutableArray<HclAttribute> Attributes, ImmutableArray<HclBlock> Blocks, SourceRange Range);

/// <summary><c>name = expression</c>.</summary>
public sealed record HclAttribute(string Name, SourceRange NameRange, HclExpression Expression, SourceRange Range);

/// <summary><c>type "label" { … }</c>.</summary>
public sealed record HclBlock(string Type, SourceRange TypeRange, ImmutableArray<HclLabel> Labels, HclBody Body, SourceRange Range);

/// <summary>A block's label, unquoted and unescaped.</summary>
public sealed record HclLabel(string Value, SourceRange Range);
