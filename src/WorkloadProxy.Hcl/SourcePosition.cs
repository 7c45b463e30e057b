namespace WorkloadProxy.Hcl;

/// <summary>A place in a file: byte offset in its UTF-8 text, and line and column from 1; a column is one grapheme cluster, as HCL counts.</summary>
public readonly record struct SourcePosition(int Offset, int Line, int Column);
