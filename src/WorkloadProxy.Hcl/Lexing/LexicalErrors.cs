namespace WorkloadProxy.Hcl;

/// <summary>Errors for tokens that no file may hold, each kind only as often as it helps.</summary>
internal sealed class LexicalErrors(string file, DiagnosticList diagnostics)
{
    private int bitwise;
    private int backticks;
    private int apostrophes;
    private bool semicolon;

    public void Report(TokenKind kind, ReadOnlySpan<byte> text, SourcePosition start, SourcePosition end)
    {
        var range = new SourceRange(file, start, end);
        switch (kind)
        {
            case TokenKind.BitwiseAnd or TokenKind.BitwiseOr or TokenKind.BitwiseXor or TokenKind.BitwiseNot when bitwise++ < 4:
                diagnostics.Add(SyntaxErrors.BitwiseOperator(kind, range));
                break;
            // Of a quoted text only the first of its two signs; after two of them all.
            case TokenKind.Backtick when (Math.Min(backticks++, 3) & 1) == 0:
                diagnostics.Add(SyntaxErrors.Backtick(range));
                break;
            case TokenKind.Apostrophe when (Math.Min(apostrophes++, 3) & 1) == 0:
                diagnostics.Add(SyntaxErrors.Apostrophe(range));
                break;
            case TokenKind.Semicolon when !semicolon:
                semicolon = true;
                diagnostics.Add(SyntaxErrors.Semicolon(range));
                break;
            case TokenKind.QuotedNewline:
                diagnostics.Add(SyntaxErrors.QuotedNewline(range));
                break;
            case TokenKind.Invalid:
                diagnostics.Add(SyntaxErrors.InvalidCharacter(text, range));
                break;
        }
    }
}
