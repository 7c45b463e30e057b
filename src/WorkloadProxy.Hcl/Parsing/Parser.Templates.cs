using System.Text;

namespace WorkloadProxy.Hcl;

internal ref partial struct Parser
{
    /// <summary>A quoted string or heredoc whose opening token was read.</summary>
    private HclExpression Template(int open)
    {
        if (Kind(open) == TokenKind.OpenQuote && TryPlainText(out var plain))
            return new HclLiteralExpression(HclValue.FromString(Normalization.Compose(plain)), Range(open, Read()));
        if (!Enter(open))
            return Invalid(Range(open));
        var parts = Parts(Opposite(Kind(open)), indented: Kind(open) == TokenKind.OpenHeredoc && source[tokens[open].Start + 2] == '-');
        var range = Range(open, Previous());
        var tree = new TemplateTree(parts, depth, diagnostics);
        HclExpression result = parts switch
        {
            [{ Kind: TemplatePartKind.Text } text, _] => new HclLiteralExpression(HclValue.FromString(Normalization.Compose(text.Text)), range),
            [{ Kind: TemplatePartKind.Interpolation } only, _] => new HclTemplateWrapExpression(only.Expression!, range),
            _ => new HclTemplateExpression(tree.Build(), range),
        };
        Leave();
        return result;
    }

    /// <summary>The text of a quoted string of at most one token, which most are; the closing quote is next then.</summary>
    private bool TryPlainText(out string text)
    {
        text = "";
        if (tokens[next].Kind == TokenKind.CloseQuote)
            return true;
        if (tokens[next].Kind != TokenKind.QuotedText || tokens[next + 1].Kind != TokenKind.CloseQuote)
            return false;
        text = Unescape(Read());
        return true;
    }

    /// <summary>The pieces up to the closing token, and one for the end itself.</summary>
    private List<TemplatePart> Parts(TokenKind end, bool indented)
    {
        var parts = new TemplateParts(indented);
        var start = Range(Peek());
        var trimNext = false;
        var canTrim = false;
        SourceRange endRange;
        while (true)
        {
            var token = Read();
            var kind = Kind(token);
            if (kind == end)
            {
                endRange = Range(token);
                break;
            }
            var (trim, previous) = (trimNext, canTrim);
            (trimNext, canTrim) = (false, false);
            if (kind is TokenKind.QuotedText or TokenKind.HeredocText)
            {
                var text = Unescape(token);
                parts.AddText(trim ? text.TrimStart() : text, Range(token));
                canTrim = true;
            }
            else if (kind is TokenKind.OpenInterpolation or TokenKind.OpenDirective)
            {
                if (previous && Bytes(token).Length == 3)
                    parts.TrimEnd();
                var outerNewlines = SetNewlines(false);
                var part = kind == TokenKind.OpenInterpolation ? Interpolation(token, start, end, out trimNext) : Directive(token, out trimNext);
                newlines = outerNewlines;
                if (part is not null)
                    parts.Add(part);
            }
            else
            {
                ErrorUnlessRecovering(SyntaxErrors.UnterminatedTemplate(Range(token)));
                endRange = Range(Recover(end));
                break;
            }
        }
        if (parts.Count == 0)
            parts.AddText("", start with { Start = start.End });
        return parts.Finish(endRange);
    }

    private TemplatePart Interpolation(int open, SourceRange start, TokenKind end, out bool trim)
    {
        var value = Expression();
        var close = Peek();
        if (Kind(close) != TokenKind.CloseSequence)
        {
            ErrorUnlessRecovering(Kind(close) switch
            {
                TokenKind.End => SyntaxErrors.UnclosedInterpolation(start),
                TokenKind.CloseQuote or TokenKind.OpenQuote when end == TokenKind.CloseQuote => SyntaxErrors.UnclosedInterpolation(start),
                _ => SyntaxErrors.InterpolationEnd(Range(close)),
            });
        }
        EndSequence(close, out trim);
        return new TemplatePart(TemplatePartKind.Interpolation, Range(open, close)) { Expression = value };
    }

    /// <summary>Reads the <c>}</c> of a sequence, or skips behind it; true for <c>~}</c>.</summary>
    private void EndSequence(int close, out bool trim)
    {
        trim = Kind(close) == TokenKind.CloseSequence && Bytes(close).Length == 2;
        if (Kind(close) == TokenKind.CloseSequence)
            Read();
        else
            Recover(TokenKind.CloseSequence);
    }

    private TemplatePart? Directive(int open, out bool trim)
    {
        trim = false;
        var keyword = Peek();
        if (Kind(keyword) != TokenKind.Identifier)
            return AbandonDirective(SyntaxErrors.MissingDirective(Range(keyword)));
        Read();
        TemplatePart part;
        switch (Text(keyword))
        {
            case "if":
                var condition = Expression();
                part = new TemplatePart(TemplatePartKind.If, Range(open, Peek())) { Expression = condition };
                break;
            case "else":
                part = new TemplatePart(TemplatePartKind.Else, Range(open, Peek()));
                break;
            case "endif":
                part = new TemplatePart(TemplatePartKind.EndIf, Range(open, Peek()));
                break;
            case "for":
                if (!ForNames(out var keyName, out var valueName, out var problem))
                    return AbandonDirective(SyntaxErrors.InvalidForDirective(problem, Range(Peek())));
                var collection = Expression();
                part = new TemplatePart(TemplatePartKind.For, Range(open, Peek())) { Expression = collection, KeyName = keyName, ValueName = valueName };
                break;
            case "endfor":
                part = new TemplatePart(TemplatePartKind.EndFor, Range(open, Peek()));
                break;
            case var name:
                return AbandonDirective(SyntaxErrors.UnknownDirective(name, Range(keyword)));
        }
        var close = Peek();
        if (Kind(close) != TokenKind.CloseSequence)
            ErrorUnlessRecovering(SyntaxErrors.DirectiveEnd(Text(keyword), Range(close)));
        EndSequence(close, out trim);
        return part;
    }

    private TemplatePart? AbandonDirective(Diagnostic error)
    {
        ErrorUnlessRecovering(error);
        Recover(TokenKind.CloseSequence);
        return null;
    }

    private readonly string Unescape(int token)
    {
        var bytes = Bytes(token);
        if (bytes.Length >= 3 && bytes[0] is (byte)'$' or (byte)'%')
            return Encoding.UTF8.GetString(bytes[1..]); // `$${` stands for `${`
        return Kind(token) == TokenKind.QuotedText && bytes.Contains((byte)'\\')
            ? Escapes.Resolve(bytes, file, tokens.Start(token), diagnostics) : Encoding.UTF8.GetString(bytes);
    }
}
