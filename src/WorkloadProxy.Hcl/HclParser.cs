using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace WorkloadProxy.Hcl;

/// <summary>Text → syntax tree.</summary>
public static class HclParser
{
    /// <summary>The largest file, in bytes.</summary>
    public const int MaxFileSize = 4 * 1024 * 1024;

    /// <summary>How deep blocks, brackets and templates may nest, together.</summary>
    public const int MaxDepth = 500;

    /// <summary>Parses a whole file; never throws for what is in it, whatever it is.</summary>
    public static HclFile Parse(string fileName, ReadOnlyMemory<byte> source)
    {
        var diagnostics = new DiagnosticList();
        var body = Parse(fileName, source.Span, diagnostics);
        return new HclFile(fileName, source, body, diagnostics.ToImmutable());
    }

    private static HclBody Parse(string fileName, ReadOnlySpan<byte> source, DiagnosticList diagnostics)
    {
        if (source.Length > MaxFileSize)
            return Refuse(SyntaxErrors.FileTooLarge(source.Length, MaxFileSize, RangeAt(fileName, source, 0, 0)), diagnostics);
        if (source.IndexOf((byte)0) is >= 0 and var nul)
            return Refuse(SyntaxErrors.NulCharacter(RangeAt(fileName, source, nul, 1)), diagnostics);
        if (!Utf8.IsValid(source))
            return Refuse(SyntaxErrors.InvalidEncoding(RangeAt(fileName, source, FirstInvalid(source), 1)), diagnostics);
        using var tokens = new TokenList(fileName, source.Length / 4);
        Lexer.Run(source, tokens, new LexicalErrors(fileName, diagnostics));
        return new Parser(source, fileName, tokens, diagnostics).ParseFile();
    }

    private static HclBody Refuse(Diagnostic diagnostic, DiagnosticList diagnostics)
    {
        diagnostics.Close(diagnostic);
        return new HclBody([], [], diagnostic.Range);
    }

    private static int FirstInvalid(ReadOnlySpan<byte> source)
    {
        var offset = 0;
        while (Rune.DecodeFromUtf8(source[offset..], out _, out var size) == OperationStatus.Done)
            offset += size;
        return offset;
    }

    private static SourceRange RangeAt(string fileName, ReadOnlySpan<byte> source, int offset, int length)
    {
        var (line, column) = (1, 1);
        var lineStart = source[..offset].LastIndexOf((byte)'\n') + 1;
        line += source[..lineStart].Count((byte)'\n');
        var rest = lineStart;
        Graphemes.Advance(source[lineStart..offset], ref rest, ref column);
        return new SourceRange(fileName, new SourcePosition(offset, line, column), new SourcePosition(offset + length, line, column + length));
    }
}
