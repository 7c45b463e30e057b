using System.Text;

namespace WorkloadProxy.Hcl;

internal ref partial struct Parser
{
    private HclBody Body(TokenKind end)
    {
        var (firstAttribute, firstBlock) = (attributes.Mark, blocks.Mark);
        Dictionary<string, HclAttribute>? byName = null;
        var start = Range(Previous());
        while (true)
        {
            var token = Peek();
            var kind = Kind(token);
            if (kind == end)
            {
                Read();
                return new HclBody(attributes.Take(firstAttribute), blocks.Take(firstBlock), Between(start, Range(token)));
            }
            if (kind == TokenKind.Newline)
            {
                Read();
                continue;
            }
            if (kind != TokenKind.Identifier)
            {
                Read();
                ErrorUnlessRecovering(kind switch
                {
                    TokenKind.OpenQuote => SyntaxErrors.QuotedName(Range(token)),
                    TokenKind.End => SyntaxErrors.UnclosedBlock(start),
                    _ => SyntaxErrors.ItemRequired(Range(token), maybeAttribute: false),
                });
                var last = Previous();
                Recover(end);
                return new HclBody(attributes.Take(firstAttribute), blocks.Take(firstBlock), Between(start, Range(last)));
            }
            if (next == 0 || Kind(Previous()) == TokenKind.Newline)
                recovering = false;
            switch (Item())
            {
                case HclAttribute attribute when Existing(attributes.Since(firstAttribute), ref byName, attribute) is { } existing:
                    Error(SyntaxErrors.DuplicateAttribute(attribute.Name, existing.NameRange, attribute.NameRange));
                    break;
                case HclAttribute attribute:
                    attributes.Add(attribute);
                    byName?.Add(attribute.Name, attribute);
                    break;
                case HclBlock block:
                    blocks.Add(block);
                    break;
            }
        }
    }

    private static HclAttribute? Existing(ReadOnlySpan<HclAttribute> siblings, ref Dictionary<string, HclAttribute>? byName, HclAttribute attribute)
    {
        if (byName is null && siblings.Length < 16)
        {
            foreach (var existing in siblings)
            {
                if (existing.Name == attribute.Name)
                    return existing;
            }
            return null;
        }
        if (byName is null)
        {
            byName = new Dictionary<string, HclAttribute>(StringComparer.Ordinal);
            foreach (var existing in siblings)
                byName.Add(existing.Name, existing);
        }
        return byName.GetValueOrDefault(attribute.Name);
    }

    /// <summary>An attribute or a block, or null after an error that leaves neither.</summary>
    private object? Item()
    {
        var name = Read();
        switch (PeekKind())
        {
            case TokenKind.Equal:
                return Attribute(name, singleLine: false);
            case TokenKind.OpenQuote or TokenKind.OpenBrace or TokenKind.Identifier:
                return Block(name);
            default:
                Error(SyntaxErrors.ItemRequired(Range(name), maybeAttribute: true));
                RecoverAfterItem();
                return null;
        }
    }

    private HclAttribute Attribute(int name, bool singleLine)
    {
        Read();
        var mark = diagnostics.Reported;
        var value = Expression();
        var last = Previous();
        if (Lost(mark))
        {
            RecoverAfterItem();
        }
        else if (!singleLine)
        {
            var end = Peek();
            if (Kind(end) is TokenKind.Newline or TokenKind.End)
            {
                Read();
            }
            else
            {
                ErrorUnlessRecovering(Kind(end) switch
                {
                    TokenKind.Comma => SyntaxErrors.UnexpectedComma(Range(end)),
                    TokenKind.OpenBrace => SyntaxErrors.AttributeWithBody(Text(name), Range(end)),
                    _ => SyntaxErrors.MissingNewline(Range(end)),
                });
                RecoverAfterItem();
            }
        }
        return new HclAttribute(Text(name), Range(name), value, Range(name, last));
    }

    private HclBlock Block(int type)
    {
        var firstLabel = labels.Mark;
        while (PeekKind() != TokenKind.OpenBrace)
        {
            var token = Peek();
            switch (Kind(token))
            {
                case TokenKind.OpenQuote:
                    labels.Add(Label());
                    continue;
                case TokenKind.Identifier:
                    Read();
                    labels.Add(new HclLabel(Text(token), Range(token)));
                    continue;
                case TokenKind.Equal:
                    Error(SyntaxErrors.BlockWithEquals(Range(token)));
                    break;
                case TokenKind.Newline:
                    Error(SyntaxErrors.BlockWithoutBody(Range(token)));
                    break;
                default:
                    ErrorUnlessRecovering(SyntaxErrors.BlockHead(Range(token)));
                    break;
            }
            RecoverAfterItem();
            return new HclBlock(Text(type), Range(type), labels.Take(firstLabel), new HclBody([], [], Range(type)), Range(type));
        }
        var open = Read();
        var body = BlockBody(open);
        var close = Previous();
        var end = Peek();
        if (Kind(end) is TokenKind.Newline or TokenKind.End)
        {
            Read();
        }
        else
        {
            ErrorUnlessRecovering(SyntaxErrors.MissingNewlineAfterBlock(Range(end)));
            RecoverAfterItem();
        }
        return new HclBlock(Text(type), Range(type), labels.Take(firstLabel), body ?? new HclBody([], [], Range(open, close)), Range(type, close));
    }

    private HclBody? BlockBody(int open)
    {
        if (!Enter(open))
            return null;
        var body = PeekKind() is TokenKind.Newline or TokenKind.End or TokenKind.CloseBrace ? Body(TokenKind.CloseBrace) : SingleLineBody(open);
        Leave();
        return body;
    }

    /// <summary>The one attribute of <c>type { name = value }</c>, and the brace behind it.</summary>
    private HclBody? SingleLineBody(int open)
    {
        var body = SingleAttribute();
        var end = Peek();
        switch (Kind(end))
        {
            case TokenKind.CloseBrace:
                Read();
                return body;
            case TokenKind.Comma:
                Error(SyntaxErrors.SingleLineBlockComma(Range(end)));
                break;
            case TokenKind.Newline:
                Error(SyntaxErrors.SingleLineBlockNewline(Range(end)));
                break;
            case TokenKind.End:
                ErrorUnlessRecovering(SyntaxErrors.UnclosedBlock(Range(open)));
                break;
            default:
                ErrorUnlessRecovering(SyntaxErrors.SingleLineBlockEnd(Range(end)));
                break;
        }
        Recover(TokenKind.CloseBrace);
        return body;
    }

    private HclBody? SingleAttribute()
    {
        var name = Read();
        if (Kind(name) != TokenKind.Identifier)
        {
            Error(SyntaxErrors.ItemRequired(Range(name), maybeAttribute: false));
            RecoverAfterItem();
            return null;
        }
        var following = Peek();
        switch (Kind(following))
        {
            case TokenKind.Equal:
                var attribute = Attribute(name, singleLine: true);
                return new HclBody([attribute], [], attribute.Range);
            case TokenKind.OpenQuote or TokenKind.OpenBrace or TokenKind.Identifier:
                Error(SyntaxErrors.SingleLineBlockItem(Text(name), Range(name, following)));
                break;
            default:
                Error(SyntaxErrors.ItemRequired(Range(name), maybeAttribute: true));
                break;
        }
        RecoverAfterItem();
        return null;
    }

    /// <summary>A quoted string without templates.</summary>
    private HclLabel Label()
    {
        var open = Read();
        if (TryPlainText(out var plain))
            return new HclLabel(plain, Range(open, Read()));
        var text = new StringBuilder();
        while (true)
        {
            var token = Read();
            switch (Kind(token))
            {
                case TokenKind.CloseQuote:
                    return new HclLabel(text.ToString(), Range(open, token));
                case TokenKind.QuotedText:
                    text.Append(Unescape(token));
                    continue;
                case TokenKind.OpenInterpolation or TokenKind.OpenDirective:
                    var sign = Kind(token) == TokenKind.OpenInterpolation ? '$' : '%';
                    Error(SyntaxErrors.LabelWithTemplate(sign, Range(token)));
                    Recover(TokenKind.CloseSequence);
                    continue;
                case TokenKind.End:
                    Error(SyntaxErrors.UnterminatedLabel(Range(token)));
                    break;
                default:
                    Error(SyntaxErrors.InvalidLabel(Range(token)));
                    Recover(TokenKind.CloseQuote);
                    break;
            }
            return new HclLabel(text.ToString(), Range(open, token));
        }
    }
}
