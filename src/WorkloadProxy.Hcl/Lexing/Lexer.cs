namespace WorkloadProxy.Hcl;

/// <summary>
/// Text → tokens. Three modes on an explicit stack: the language itself, the inside of quotes, the inside of a heredoc; an interpolation goes back to the
/// language until its closing brace. Token boundaries are those of HashiCorp's scanner, for the error ranges follow from them.
/// </summary>
internal ref struct Lexer
{
    private enum Mode : byte { Language, Quoted, Heredoc }

    /// <param name="Mode">What is read.</param>
    /// <param name="Braces">Of an interpolation: how many braces are open when its own is the innermost.</param>
    /// <param name="MarkerStart">Of a heredoc: where its marker is written.</param>
    /// <param name="MarkerLength">Its length.</param>
    /// <param name="AtLineStart">Whether the closing marker could stand here.</param>
    private record struct Frame(Mode Mode, int Braces, int MarkerStart, int MarkerLength, bool AtLineStart);

    private readonly ReadOnlySpan<byte> source;
    private readonly TokenList tokens;
    private readonly LexicalErrors errors;
    private readonly Stack<Frame> outer;
    private Frame frame;
    private int position;
    private int braces;
    private int lastEnd;
    private int line;
    private int column;
    private bool noCommentEnd;

    private Lexer(ReadOnlySpan<byte> source, TokenList tokens, LexicalErrors errors)
    {
        this.source = source;
        this.tokens = tokens;
        this.errors = errors;
        outer = new Stack<Frame>();
        frame = new Frame(Mode.Language, -1, 0, 0, false);
        line = 1;
        column = 1;
    }

    /// <summary>Reads the whole source, which is valid UTF-8 without NUL.</summary>
    public static void Run(ReadOnlySpan<byte> source, TokenList tokens, LexicalErrors errors)
    {
        var lexer = new Lexer(source, tokens, errors);
        if (source.StartsWith("\uFEFF"u8))
            lexer.position = lexer.lastEnd = 3;
        lexer.Run();
    }

    private void Run()
    {
        while (position < source.Length)
        {
            switch (frame.Mode)
            {
                case Mode.Language: Language(); break;
                case Mode.Quoted: Quoted(); break;
                default: Heredoc(); break;
            }
        }
        Emit(TokenKind.End, source.Length);
    }

    private readonly byte At(int index) => index < source.Length ? source[index] : (byte)0;

    private void Language()
    {
        var c = source[position];
        switch (c)
        {
            case (byte)' ' or (byte)'\t': position++; break;
            case (byte)'\n': Emit(TokenKind.Newline, position + 1); break;
            case (byte)'\r' when At(position + 1) == '\n': Emit(TokenKind.Newline, position + 2); break;
            case (byte)'#': Comment(); break;
            case (byte)'/' when At(position + 1) == '/': Comment(); break;
            case (byte)'/' when At(position + 1) == '*' && TryBlockComment(): break;
            case (byte)'/': Emit(TokenKind.Slash, position + 1); break;
            case (byte)'"':
                Emit(TokenKind.OpenQuote, position + 1);
                Enter(new Frame(Mode.Quoted, 0, 0, 0, false));
                break;
            case (byte)'{':
                Emit(TokenKind.OpenBrace, position + 1);
                braces++;
                break;
            case (byte)'}': CloseBrace(1, TokenKind.CloseBrace); break;
            // Without a sequence to close it is one all the same, so that the parser can say so.
            case (byte)'~' when At(position + 1) == '}': CloseBrace(2, TokenKind.CloseSequence); break;
            case (byte)'<' when At(position + 1) == '<' && TryOpenHeredoc(): break;
            case >= (byte)'0' and <= (byte)'9': Emit(TokenKind.Number, NumberEnd()); break;
            default:
                var identifier = Identifiers.Length(source[position..]);
                if (identifier > 0)
                    Emit(TokenKind.Identifier, position + identifier);
                else
                    Symbol(c);
                break;
        }
    }

    private void Symbol(byte c)
    {
        var next = At(position + 1);
        var (kind, length) = (char)c switch
        {
            '=' when next == '=' => (TokenKind.EqualEqual, 2),
            '=' when next == '>' => (TokenKind.FatArrow, 2),
            '=' => (TokenKind.Equal, 1),
            '!' when next == '=' => (TokenKind.NotEqual, 2),
            '!' => (TokenKind.Not, 1),
            '<' when next == '=' => (TokenKind.LessEqual, 2),
            '<' => (TokenKind.Less, 1),
            '>' when next == '=' => (TokenKind.GreaterEqual, 2),
            '>' => (TokenKind.Greater, 1),
            '&' when next == '&' => (TokenKind.And, 2),
            '&' => (TokenKind.BitwiseAnd, 1),
            '|' when next == '|' => (TokenKind.Or, 2),
            '|' => (TokenKind.BitwiseOr, 1),
            ':' when next == ':' => (TokenKind.DoubleColon, 2),
            ':' => (TokenKind.Colon, 1),
            '.' when next == '.' && At(position + 2) == '.' => (TokenKind.Ellipsis, 3),
            '.' => (TokenKind.Dot, 1),
            ',' => (TokenKind.Comma, 1),
            '[' => (TokenKind.OpenBracket, 1),
            ']' => (TokenKind.CloseBracket, 1),
            '(' => (TokenKind.OpenParen, 1),
            ')' => (TokenKind.CloseParen, 1),
            '*' => (TokenKind.Star, 1),
            '%' => (TokenKind.Percent, 1),
            '+' => (TokenKind.Plus, 1),
            '-' => (TokenKind.Minus, 1),
            '?' => (TokenKind.Question, 1),
            '~' => (TokenKind.BitwiseNot, 1),
            '^' => (TokenKind.BitwiseXor, 1),
            ';' => (TokenKind.Semicolon, 1),
            '`' => (TokenKind.Backtick, 1),
            '\'' => (TokenKind.Apostrophe, 1),
            _ => (TokenKind.Invalid, RuneLength(position)),
        };
        Emit(kind, position + length);
    }

    private void Comment()
    {
        var newline = source[position..].IndexOf((byte)'\n');
        Emit(TokenKind.Comment, newline < 0 ? source.Length : position + newline + 1);
    }

    private bool TryBlockComment()
    {
        // Remembered, or "/*/*/*…" would search to the end of the file each time.
        if (noCommentEnd)
            return false;
        var end = source[(position + 2)..].IndexOf("*/"u8);
        noCommentEnd = end < 0;
        if (noCommentEnd)
            return false;
        Emit(TokenKind.Comment, position + 2 + end + 2);
        return true;
    }

    /// <summary>
    /// Digits, dots and exponents in any order, as long as it ends in no dot: <c>1.2.3</c> is one (wrong) number, <c>1...</c> a number and an ellipsis.
    /// </summary>
    private readonly int NumberEnd()
    {
        var end = position + 1;
        for (var i = end; i < source.Length;)
        {
            var c = source[i];
            if (char.IsAsciiDigit((char)c))
            {
                end = ++i;
            }
            else if (c == '.')
            {
                i++;
            }
            else if (c is (byte)'e' or (byte)'E')
            {
                var digit = At(i + 1) is (byte)'+' or (byte)'-' ? i + 2 : i + 1;
                if (!char.IsAsciiDigit((char)At(digit)))
                    break;
                end = i = digit + 1;
            }
            else
            {
                break;
            }
        }
        return end;
    }

    private void CloseBrace(int length, TokenKind otherwise)
    {
        var closes = outer.Count > 0 && frame.Braces == braces;
        Emit(closes ? TokenKind.CloseSequence : otherwise, position + length);
        braces--;
        if (closes)
            frame = outer.Pop();
    }

    private bool TryOpenHeredoc()
    {
        var marker = position + (At(position + 2) == '-' ? 3 : 2);
        if (marker >= source.Length)
            return false;
        var length = Identifiers.Length(source[marker..]);
        var end = marker + length;
        if (At(end) == '\r')
            end++;
        if (length == 0 || At(end) != '\n')
            return false;
        Emit(TokenKind.OpenHeredoc, end + 1);
        Enter(new Frame(Mode.Heredoc, 0, marker, length, true));
        return true;
    }

    private void Enter(Frame inner)
    {
        outer.Push(frame);
        frame = inner;
    }

    /// <summary><c>${</c> or <c>%{</c> at the position, which is then behind it.</summary>
    private void OpenSequence(byte sign)
    {
        frame.AtLineStart = false;
        Emit(sign == '$' ? TokenKind.OpenInterpolation : TokenKind.OpenDirective, position + (At(position + 2) == '~' ? 3 : 2));
        Enter(new Frame(Mode.Language, ++braces, 0, 0, false));
    }

    /// <summary>The length of an escaped opening (<c>$${</c>, <c>%%{~</c>), or 0.</summary>
    private readonly int EscapedSequence(byte sign) =>
        At(position + 1) != sign || At(position + 2) != '{' ? 0 : At(position + 3) == '~' ? 4 : 3;

    private void Quoted()
    {
        var c = source[position];
        switch (c)
        {
            case (byte)'"':
                Emit(TokenKind.CloseQuote, position + 1);
                frame = outer.Pop();
                return;
            case (byte)'$' or (byte)'%' when At(position + 1) == '{':
                OpenSequence(c);
                return;
            case (byte)'$' or (byte)'%' when EscapedSequence(c) is > 0 and var escape:
                Emit(TokenKind.QuotedText, position + escape);
                return;
            case (byte)'$' or (byte)'%':
                Emit(position + 1 < source.Length ? TokenKind.QuotedText : TokenKind.Invalid, position + 1);
                return;
            case (byte)'\r' or (byte)'\n':
                CloseAtNewline();
                return;
        }
        var end = position;
        while (true)
        {
            var stop = source[end..].IndexOfAny("$%\"\\\r\n"u8);
            end = stop < 0 ? source.Length : end + stop;
            if (end == source.Length || source[end] != '\\' || At(end + 1) is (byte)'\r' or (byte)'\n' || end + 1 == source.Length)
                break;
            end += 1 + RuneLength(end + 1);
        }
        if (end == position)
            Emit(TokenKind.Invalid, position + 1);
        else
            Emit(TokenKind.QuotedText, end);
    }

    /// <summary>
    /// A quoted string that its line does not close ends there, for the parser too: one forgotten quote is one error, where reading on would turn every string
    /// of the file inside out.
    /// </summary>
    private void CloseAtNewline()
    {
        Emit(TokenKind.CloseQuote, position);
        frame = outer.Pop();
        var end = position + (source[position] == '\r' && At(position + 1) == '\n' ? 2 : 1);
        errors.Report(TokenKind.QuotedNewline, source[position..end], new SourcePosition(position, line, column), new SourcePosition(end, line + 1, 1));
    }

    private void Heredoc()
    {
        var c = source[position];
        var end = position;
        if (c is (byte)'$' or (byte)'%')
        {
            if (At(position + 1) == '{')
            {
                OpenSequence(c);
                return;
            }
            var escape = EscapedSequence(c);
            if (escape == 0)
            {
                if (position + 1 == source.Length)
                    Emit(TokenKind.Invalid, source.Length);
                else
                    MidLine(position + 1);
                return;
            }
            end += escape;
        }
        else
        {
            var stop = source[position..].IndexOfAny("$%\r\n"u8);
            end = stop < 0 ? source.Length : position + stop;
        }
        if (At(end) == '\n')
            EndOfLine(end, end + 1);
        else if (At(end) == '\r' && At(end + 1) == '\n')
            EndOfLine(end, end + 2);
        else if (end > position)
            MidLine(end);
        else
            Emit(TokenKind.Invalid, source.Length); // a lone carriage return: HashiCorp's scanner gives up here
    }

    private void MidLine(int end)
    {
        frame.AtLineStart = false;
        Emit(TokenKind.HeredocText, end);
    }

    private void EndOfLine(int textEnd, int end)
    {
        if (frame.AtLineStart && IsMarker(source[position..textEnd]))
        {
            Emit(TokenKind.CloseHeredoc, textEnd);
            Emit(TokenKind.Newline, end);
            frame = outer.Pop();
            return;
        }
        frame.AtLineStart = true;
        Emit(TokenKind.HeredocText, end);
    }

    private readonly bool IsMarker(ReadOnlySpan<byte> text)
    {
        var marker = source.Slice(frame.MarkerStart, frame.MarkerLength);
        var found = text.IndexOf(marker);
        return found >= 0 && IsBlank(text[..found]) && IsBlank(text[(found + marker.Length)..]);
    }

    private static bool IsBlank(ReadOnlySpan<byte> text)
    {
        while (!text.IsEmpty)
        {
            System.Text.Rune.DecodeFromUtf8(text, out var rune, out var size);
            if (!System.Text.Rune.IsWhiteSpace(rune))
                return false;
            text = text[size..];
        }
        return true;
    }

    private readonly int RuneLength(int index) => source[index] switch { < 0x80 => 1, < 0xE0 => 2, < 0xF0 => 3, _ => 4 };

    private void Emit(TokenKind kind, int end)
    {
        var start = position;
        column += start - lastEnd;
        tokens.Add(new Token(kind, start, end, line, column));
        var from = new SourcePosition(start, line, column);
        if (end - start == 1 && kind != TokenKind.Newline && kind != TokenKind.Comment && kind != TokenKind.HeredocText && kind != TokenKind.QuotedNewline)
            column++;
        else
            Graphemes.Advance(source[start..end], ref line, ref column);
        position = lastEnd = end;
        if (kind >= TokenKind.BitwiseAnd)
            errors.Report(kind, source[start..end], from, new SourcePosition(end, line, column));
    }
}
