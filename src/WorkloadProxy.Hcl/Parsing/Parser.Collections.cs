namespace WorkloadProxy.Hcl;

internal ref partial struct Parser
{
    /// <summary>A list, an object, or either's <c>for</c>.</summary>
    private HclExpression Bracketed(int open, TokenKind close)
    {
        Read();
        if (!Enter(open))
            return Invalid(Range(open));
        // `for` may be on a later line, also where newlines count.
        var outerNewlines = SetNewlines(false);
        HclExpression result;
        if (IsKeyword(Peek(), "for"u8))
        {
            result = For(open, close);
        }
        else if (close == TokenKind.CloseBracket)
        {
            result = Tuple(open);
        }
        else
        {
            newlines = true;
            result = Object(open);
        }
        newlines = outerNewlines;
        Leave();
        return result;
    }

    private HclTupleExpression Tuple(int open)
    {
        var first = expressions.Mark;
        int close;
        while (true)
        {
            if (PeekKind() == TokenKind.CloseBracket)
            {
                close = Read();
                break;
            }
            var mark = diagnostics.Reported;
            expressions.Add(Expression());
            if (Lost(mark))
            {
                close = Recover(TokenKind.CloseBracket);
                break;
            }
            var separator = Peek();
            if (Kind(separator) == TokenKind.CloseBracket)
                continue;
            if (Kind(separator) != TokenKind.Comma)
            {
                ErrorUnlessRecovering(Kind(separator) == TokenKind.End
                    ? SyntaxErrors.UnterminatedTuple(Range(open)) : SyntaxErrors.MissingItemSeparator(Range(separator)));
                close = Recover(TokenKind.CloseBracket);
                break;
            }
            Read();
        }
        return new HclTupleExpression(expressions.Take(first), Range(open, close));
    }

    private HclObjectExpression Object(int open)
    {
        var first = members.Mark;
        int close;
        while (true)
        {
            switch (PeekKind())
            {
                case TokenKind.Newline:
                    Read();
                    continue;
                case TokenKind.CloseBrace:
                    close = Read();
                    return new HclObjectExpression(members.Take(first), Range(open, close));
            }
            if (!Member(open))
            {
                close = Recover(TokenKind.CloseBrace);
                return new HclObjectExpression(members.Take(first), Range(open, close));
            }
        }
    }

    /// <summary>One member with the separator behind it; false when the rest of the object must be skipped.</summary>
    private bool Member(int open)
    {
        var start = Peek();
        var mark = diagnostics.Reported;
        var written = Expression();
        if (Lost(mark))
            return false;
        var equals = Peek();
        if (Kind(equals) is not (TokenKind.Equal or TokenKind.Colon))
        {
            ErrorUnlessRecovering(Kind(equals) switch
            {
                TokenKind.Newline or TokenKind.Comma => SyntaxErrors.MissingMemberValue(Range(equals)),
                TokenKind.End => SyntaxErrors.UnterminatedObject(Range(open)),
                var kind => SyntaxErrors.MissingEquals(Range(equals), kind == TokenKind.Identifier),
            });
            return false;
        }
        Read();
        mark = diagnostics.Reported;
        var value = Expression();
        if (Lost(mark))
            return false;
        members.Add(new HclObjectItem(Key(start, written), value));
        var separator = Peek();
        switch (Kind(separator))
        {
            case TokenKind.CloseBrace:
                return true;
            case TokenKind.Comma or TokenKind.Newline:
                Read();
                return true;
            case var kind:
                ErrorUnlessRecovering(kind == TokenKind.End
                    ? SyntaxErrors.UnterminatedObject(Range(open)) : SyntaxErrors.MissingMemberSeparator(Range(separator)));
                return false;
        }
    }

    /// <summary>A bare name is a literal key, also <c>true</c>, <c>false</c> and <c>null</c>; a reference must stand in parentheses.</summary>
    private readonly HclExpression Key(int start, HclExpression written) => written switch
    {
        HclVariableExpression { Steps.IsEmpty: true } name => new HclLiteralExpression(HclValue.FromString(Normalization.Compose(name.Root)), name.Range),
        HclVariableExpression ambiguous => new HclAmbiguousKeyExpression(ambiguous.Range),
        HclLiteralExpression literal when tokens[start].Kind == TokenKind.Identifier => new HclLiteralExpression(HclValue.FromString(Text(start)),
            literal.Range),
        _ => written,
    };

    private HclExpression For(int open, TokenKind closeKind)
    {
        Read();
        if (!ForNames(out var keyName, out var valueName, out var problem))
            return AbandonFor(open, closeKind, problem, Peek());
        var mark = diagnostics.Reported;
        var collection = Expression();
        if (Lost(mark))
            return AbandonFor(open, closeKind, null, 0);
        if (PeekKind() != TokenKind.Colon)
            return AbandonFor(open, closeKind, "expected `:` after the collection", Peek());
        Read();
        mark = diagnostics.Reported;
        HclExpression? key = null;
        var value = Expression();
        if (PeekKind() == TokenKind.FatArrow)
        {
            Read();
            (key, value) = (value, Expression());
        }
        if (Lost(mark))
            return AbandonFor(open, closeKind, null, 0);
        int? ellipsis = PeekKind() == TokenKind.Ellipsis ? Read() : null;
        HclExpression? condition = null;
        if (IsKeyword(Peek(), "if"u8))
        {
            Read();
            mark = diagnostics.Reported;
            condition = Expression();
            if (Lost(mark))
                return AbandonFor(open, closeKind, null, 0);
        }
        int close;
        if (PeekKind() == closeKind)
        {
            close = Read();
        }
        else
        {
            ErrorUnlessRecovering(SyntaxErrors.InvalidFor("expected the end of the `for` expression", Range(Peek())));
            close = Recover(closeKind);
        }
        if (closeKind == TokenKind.CloseBracket && key is not null)
            Error(SyntaxErrors.InvalidFor("a `for` that makes a list has no `=>`", key.Range));
        if (closeKind == TokenKind.CloseBracket && ellipsis is { } dots)
            Error(SyntaxErrors.InvalidFor("a `for` that makes a list has no `...`", Range(dots)));
        if (closeKind == TokenKind.CloseBrace && key is null)
            Error(SyntaxErrors.InvalidFor("a `for` that makes an object needs `key => value`", value.Range));
        return new HclForExpression(keyName, valueName, collection, key, value, condition, ellipsis is not null, Range(open, close));
    }

    /// <summary><c>v in</c> or <c>k, v in</c>.</summary>
    private bool ForNames(out string? keyName, out string valueName, out string problem)
    {
        (keyName, valueName, problem) = (null, "", "expected a variable's name after `for`");
        if (PeekKind() != TokenKind.Identifier)
            return false;
        valueName = Text(Read());
        if (PeekKind() == TokenKind.Comma)
        {
            Read();
            problem = "expected a variable's name after the comma";
            if (PeekKind() != TokenKind.Identifier)
                return false;
            (keyName, valueName) = (valueName, Text(Read()));
        }
        problem = "expected `in` after the variables of `for`";
        if (!IsKeyword(Peek(), "in"u8))
            return false;
        Read();
        return true;
    }

    private HclInvalidExpression AbandonFor(int open, TokenKind closeKind, string? problem, int token)
    {
        if (problem is not null)
            ErrorUnlessRecovering(SyntaxErrors.InvalidFor(problem, Range(token)));
        return Invalid(Range(open, Recover(closeKind)));
    }
}
