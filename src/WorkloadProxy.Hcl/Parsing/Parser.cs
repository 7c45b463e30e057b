using System.Runtime.CompilerServices;

namespace WorkloadProxy.Hcl;

/// <summary>
/// Tokens → tree, by recursive descent; recovers as HashiCorp's parser does, so that its errors are at the same places. Only one thing is otherwise: there,
/// the first recovery mutes doubtful errors to the end of the file, here only until the next attribute or block begins on its own line.
/// </summary>
internal ref partial struct Parser(ReadOnlySpan<byte> source, string file, TokenList tokens, DiagnosticList diagnostics)
{
    private readonly ReadOnlySpan<byte> source = source;
    private readonly Scratch<HclAttribute> attributes = new();
    private readonly Scratch<HclBlock> blocks = new();
    private readonly Scratch<HclLabel> labels = new();
    private readonly Scratch<HclExpression> expressions = new();
    private readonly Scratch<HclObjectItem> members = new();
    private int next;
    private int depth;

    /// <summary>Whether newlines are tokens (in bodies and object expressions) or blanks (in all other brackets).</summary>
    private bool newlines = true;

    /// <summary>The tokens were skipped to a place that may be the wrong one: errors that may follow from it are not told.</summary>
    private bool recovering;

    public HclBody ParseFile() => Body(TokenKind.End);

    // What Peek found last, and where it looked: a long run of blank lines is not searched at every level of a nested expression again.
    private int peeked;
    private int peekedFrom = -1;
    private bool peekedNewlines;

    /// <summary>The index of the next token that counts. A comment that ends with its line stands for the newline.</summary>
    private int Peek()
    {
        if (peekedFrom != next || peekedNewlines != newlines)
            (peeked, peekedFrom, peekedNewlines) = (Find(), next, newlines);
        return peeked;
    }

    private readonly int Find()
    {
        for (var i = next; i < tokens.Count; i++)
        {
            switch (tokens[i].Kind)
            {
                case TokenKind.Comment when !newlines || source[tokens[i].End - 1] != '\n':
                case TokenKind.Newline when !newlines:
                    continue;
                default:
                    return i;
            }
        }
        return tokens.Count - 1;
    }

    private readonly TokenKind Kind(int token) => tokens[token].Kind is TokenKind.Comment ? TokenKind.Newline : tokens[token].Kind;

    private TokenKind PeekKind() => Kind(Peek());

    private int Read()
    {
        var token = Peek();
        next = token + 1;
        return token;
    }

    private int Previous() => next == 0 ? Peek() : Math.Min(next, tokens.Count) - 1;

    private readonly ReadOnlySpan<byte> Bytes(int token) => source[tokens[token].Start..tokens[token].End];

    private readonly string Text(int token) => System.Text.Encoding.UTF8.GetString(Bytes(token));

    private readonly bool IsKeyword(int token, ReadOnlySpan<byte> keyword) => tokens[token].Kind == TokenKind.Identifier && Bytes(token).SequenceEqual(keyword);

    private readonly SourceRange Range(int token) => tokens.Range(token);

    private readonly SourceRange Range(int first, int last) => tokens.Range(first, last);

    private readonly SourceRange Between(SourceRange first, SourceRange last) => new(file, first.Start, last.End);

    private bool SetNewlines(bool count)
    {
        var before = newlines;
        newlines = count;
        return before;
    }

    private readonly void Error(Diagnostic diagnostic) => diagnostics.Add(diagnostic);

    /// <summary>An error that may only follow from an earlier one.</summary>
    private readonly void ErrorUnlessRecovering(Diagnostic diagnostic)
    {
        if (!recovering)
            diagnostics.Add(diagnostic);
    }

    /// <summary>Whether errors were found since <paramref name="mark"/> that left the tokens at an unknown place.</summary>
    private readonly bool Lost(int mark) => recovering && diagnostics.Reported > mark;

    /// <summary>Goes one level down; false, and the file is at its end, when that is one too many.</summary>
    private bool Enter(int token)
    {
        if (++depth <= HclParser.MaxDepth)
            return true;
        Abandon(token);
        return false;
    }

    /// <summary>Whether the thread's stack, however small, carries one expression more: what isn't a level of its own is counted by this alone.</summary>
    private bool EnoughStack(int token)
    {
        if (RuntimeHelpers.TryEnsureSufficientExecutionStack())
            return true;
        Abandon(token);
        return false;
    }

    private void Abandon(int token)
    {
        diagnostics.Close(SyntaxErrors.NestingTooDeep(HclParser.MaxDepth, Range(token)));
        next = tokens.Count - 1;
        recovering = true;
    }

    private void Leave() => depth--;

    /// <summary>Skips behind the token that closes the innermost open bracket of its kind, and returns it.</summary>
    private int Recover(TokenKind end)
    {
        recovering = true;
        var open = Opposite(end);
        for (var nesting = 0; ;)
        {
            var token = Read();
            var kind = Kind(token);
            if (end == TokenKind.CloseSequence && kind == TokenKind.OpenDirective)
                kind = TokenKind.OpenInterpolation;
            if (kind == end && nesting-- == 0 || kind == TokenKind.End)
                return token;
            if (kind == open)
                nesting++;
        }
    }

    /// <summary>Skips to the next opening bracket of the kind, and behind its closing one.</summary>
    private void RecoverOver(TokenKind open)
    {
        while (Kind(Read()) is var kind && kind != open && kind != TokenKind.End)
        {
        }
        Recover(Opposite(open));
    }

    /// <summary>Skips behind the newline that ends the attribute or block, over brackets that hold newlines.</summary>
    private void RecoverAfterItem()
    {
        recovering = true;
        var open = new Stack<TokenKind>();
        while (true)
        {
            var kind = Kind(Read());
            switch (kind)
            {
                case TokenKind.Newline when open.Count == 0:
                case TokenKind.End:
                    return;
                case TokenKind.OpenBrace or TokenKind.OpenBracket or TokenKind.OpenParen or TokenKind.OpenQuote or TokenKind.OpenHeredoc:
                    open.Push(kind);
                    break;
                case TokenKind.OpenInterpolation or TokenKind.OpenDirective:
                    open.Push(TokenKind.OpenInterpolation);
                    break;
                case TokenKind.CloseBrace or TokenKind.CloseBracket or TokenKind.CloseParen or TokenKind.CloseQuote or TokenKind.CloseHeredoc
                    or TokenKind.CloseSequence:
                    while (open.TryPop(out var opened) && opened != Opposite(kind))
                    {
                    }
                    break;
            }
        }
    }

    private static TokenKind Opposite(TokenKind kind) => kind switch
    {
        TokenKind.OpenBrace => TokenKind.CloseBrace,
        TokenKind.OpenBracket => TokenKind.CloseBracket,
        TokenKind.OpenParen => TokenKind.CloseParen,
        TokenKind.OpenQuote => TokenKind.CloseQuote,
        TokenKind.OpenHeredoc => TokenKind.CloseHeredoc,
        TokenKind.CloseBrace => TokenKind.OpenBrace,
        TokenKind.CloseBracket => TokenKind.OpenBracket,
        TokenKind.CloseParen => TokenKind.OpenParen,
        TokenKind.CloseQuote => TokenKind.OpenQuote,
        TokenKind.CloseHeredoc => TokenKind.OpenHeredoc,
        TokenKind.CloseSequence => TokenKind.OpenInterpolation,
        _ => TokenKind.Invalid,
    };
}
