namespace WorkloadProxy.Hcl;

/// <summary>A half-open part of a file: <paramref name="Start"/> belongs to it, <paramref name="End"/> is just behind it.</summary>
public readonly record struct SourceRange(string File, SourcePosition Start, SourcePosition End)
{
    /// <summary><c>file:line:column</c>, as errors and audit records name a place.</summary>
    public override string ToString() => $"{File}:{Start.Line}:{Start.Column}";

    /// <summary>
    /// How many characters (grapheme clusters) of the range stand on its first line. The newline is none, but a range of nothing else counts 1, so that there
    /// is something to point at.
    /// </summary>
    public int FirstLineLength(ReadOnlySpan<byte> source)
    {
        if (Start.Line == End.Line)
            return End.Column - Start.Column;
        if (Start.Offset > source.Length)
            return 1;
        var rest = source[Start.Offset..Math.Clamp(End.Offset, Start.Offset, source.Length)];
        var newline = rest.IndexOf((byte)'\n');
        rest = (newline < 0 ? rest : rest[..newline]).TrimEnd((byte)'\r');
        var (line, column) = (0, 1);
        Graphemes.Advance(rest, ref line, ref column);
        return Math.Max(1, column - 1);
    }
}
