using System.Collections.Immutable;

namespace WorkloadProxy.Hcl;

internal ref partial struct Parser
{
    /// <summary>
    /// A conditional or anything that binds tighter. The binary operators go by a stack of their own: a long chain of them, or a deep one, costs no recursion.
    /// </summary>
    private HclExpression Expression()
    {
        if (!EnoughStack(Peek()))
            return Invalid(Range(Peek()));
        var mark = diagnostics.Reported;
        var condition = BinaryOperators();
        if (Lost(mark) || PeekKind() != TokenKind.Question)
            return condition;
        if (!Enter(Read()))
            return condition;
        mark = diagnostics.Reported;
        var whenTrue = Expression();
        HclExpression result = condition;
        if (!Lost(mark))
        {
            var colon = Peek();
            if (Kind(colon) != TokenKind.Colon)
            {
                Error(SyntaxErrors.MissingFalseResult(Range(colon)));
            }
            else
            {
                Read();
                mark = diagnostics.Reported;
                var whenFalse = Expression();
                if (!Lost(mark))
                    result = new HclConditionalExpression(condition, whenTrue, whenFalse, Between(condition.Range, whenFalse.Range));
            }
        }
        Leave();
        return result;
    }

    private static int Precedence(TokenKind kind) => kind switch
    {
        TokenKind.Or => 1,
        TokenKind.And => 2,
        TokenKind.EqualEqual or TokenKind.NotEqual => 3,
        TokenKind.Greater or TokenKind.GreaterEqual or TokenKind.Less or TokenKind.LessEqual => 4,
        TokenKind.Plus or TokenKind.Minus => 5,
        TokenKind.Star or TokenKind.Slash or TokenKind.Percent => 6,
        _ => 0,
    };

    private HclExpression BinaryOperators()
    {
        var mark = diagnostics.Reported;
        var operand = Traversals(Term());
        if (Lost(mark))
            return operand;
        if (Precedence(PeekKind()) == 0)
            return operand;
        // Left operands that wait for their right one, of rising precedence: six at most.
        var waiting = new Stack<(HclExpression Left, TokenKind Operator)>();
        while (true)
        {
            var kind = PeekKind();
            var precedence = Precedence(kind);
            while (waiting.TryPeek(out var top) && Precedence(top.Operator) >= precedence)
            {
                waiting.Pop();
                operand = new HclBinaryExpression(top.Left, Operator(top.Operator), operand, Between(top.Left.Range, operand.Range));
            }
            if (precedence == 0)
                return operand;
            Read();
            waiting.Push((operand, kind));
            mark = diagnostics.Reported;
            operand = Traversals(Term());
            if (Lost(mark))
                return waiting.Last().Left;
        }
    }

    private static HclOperator Operator(TokenKind kind) => kind switch
    {
        TokenKind.Or => HclOperator.Or,
        TokenKind.And => HclOperator.And,
        TokenKind.EqualEqual => HclOperator.Equal,
        TokenKind.NotEqual => HclOperator.NotEqual,
        TokenKind.Greater => HclOperator.Greater,
        TokenKind.GreaterEqual => HclOperator.GreaterOrEqual,
        TokenKind.Less => HclOperator.Less,
        TokenKind.LessEqual => HclOperator.LessOrEqual,
        TokenKind.Plus => HclOperator.Add,
        TokenKind.Minus => HclOperator.Subtract,
        TokenKind.Star => HclOperator.Multiply,
        TokenKind.Slash => HclOperator.Divide,
        _ => HclOperator.Modulo,
    };

    private static HclInvalidExpression Invalid(SourceRange range) => new(range);

    private HclExpression Term()
    {
        var start = Peek();
        switch (Kind(start))
        {
            case TokenKind.OpenParen:
                return Parentheses();
            case TokenKind.Number:
                Read();
                return Number(start);
            case TokenKind.Identifier:
                Read();
                return PeekKind() is TokenKind.OpenParen or TokenKind.DoubleColon ? Call(start) : Name(start);
            case TokenKind.OpenQuote or TokenKind.OpenHeredoc:
                Read();
                return Template(start);
            case TokenKind.Minus or TokenKind.Not:
                Read();
                if (!Enter(start))
                    return Invalid(Range(start));
                // No whole expression: `-46 + 5` is `(-46) + 5`.
                var operand = Traversals(Term());
                Leave();
                return new HclUnaryExpression(Kind(start) == TokenKind.Minus ? HclOperator.Negate : HclOperator.Not, operand,
                    Between(Range(start), operand.Range));
            case TokenKind.OpenBracket:
                return Bracketed(start, TokenKind.CloseBracket);
            case TokenKind.OpenBrace:
                return Bracketed(start, TokenKind.CloseBrace);
            default:
                ErrorUnlessRecovering(Kind(start) == TokenKind.End
                    ? SyntaxErrors.MissingExpression(Range(start)) : SyntaxErrors.InvalidExpression(Range(start)));
                recovering = true;
                return Invalid(Range(start));
        }
    }

    private readonly HclExpression Name(int token) => Bytes(token) switch
    {
        [(byte)'t', (byte)'r', (byte)'u', (byte)'e'] => new HclLiteralExpression(HclValue.True, Range(token)),
        [(byte)'f', (byte)'a', (byte)'l', (byte)'s', (byte)'e'] => new HclLiteralExpression(HclValue.False, Range(token)),
        [(byte)'n', (byte)'u', (byte)'l', (byte)'l'] => new HclLiteralExpression(HclValue.Null, Range(token)),
        _ => new HclVariableExpression(Text(token), Range(token), [], Range(token)),
    };

    private readonly HclExpression Number(int token)
    {
        switch (HclNumber.Parse(Bytes(token), out var number))
        {
            case HclNumber.ParseResult.Number:
                return new HclLiteralExpression(HclValue.FromNumber(number), Range(token));
            case HclNumber.ParseResult.OutOfRange:
                Error(SyntaxErrors.NumberTooLong(Range(token)));
                break;
            default:
                Error(SyntaxErrors.InvalidNumber(Range(token)));
                break;
        }
        return Invalid(Range(token));
    }

    private HclExpression Parentheses()
    {
        var open = Read();
        if (!Enter(open))
            return Invalid(Range(open));
        var outerNewlines = SetNewlines(false);
        var mark = diagnostics.Reported;
        var inner = Expression();
        var result = inner;
        if (diagnostics.Reported > mark)
        {
            Recover(TokenKind.CloseParen);
        }
        else
        {
            var close = Peek();
            if (Kind(close) != TokenKind.CloseParen)
            {
                Error(SyntaxErrors.UnbalancedParentheses(Range(close)));
                recovering = true;
            }
            close = Read();
            result = new HclParenthesesExpression(inner, Range(open, close));
        }
        newlines = outerNewlines;
        Leave();
        return result;
    }

    /// <summary>A function call whose name's first part was read.</summary>
    private HclExpression Call(int first)
    {
        var open = Read();
        var name = Text(first);
        var last = first;
        while (Kind(open) == TokenKind.DoubleColon)
        {
            last = Read();
            if (Kind(last) != TokenKind.Identifier)
            {
                Error(SyntaxErrors.MissingFunctionName(Range(last)));
                RecoverOver(TokenKind.OpenParen);
                return Invalid(Range(first, last));
            }
            name += "::" + Text(last);
            open = Read();
        }
        if (Kind(open) != TokenKind.OpenParen)
        {
            Error(SyntaxErrors.MissingOpenParenthesis(Range(open)));
            RecoverOver(TokenKind.OpenParen);
            return Invalid(Range(first, open));
        }
        if (!Enter(open))
            return Invalid(Range(first, open));
        var outerNewlines = SetNewlines(false);
        var arguments = Arguments(first, open, out var expandFinal, out var close);
        newlines = outerNewlines;
        Leave();
        return new HclFunctionCallExpression(name, Range(first, last), arguments, expandFinal, Range(first, close));
    }

    private ImmutableArray<HclExpression> Arguments(int name, int open, out bool expandFinal, out int close)
    {
        var first = expressions.Mark;
        expandFinal = false;
        while (true)
        {
            if (PeekKind() == TokenKind.CloseParen)
            {
                close = Read();
                return expressions.Take(first);
            }
            var mark = diagnostics.Reported;
            expressions.Add(Expression());
            if (Lost(mark))
            {
                close = Recover(TokenKind.CloseParen);
                return expressions.Take(first);
            }
            var separator = Read();
            switch (Kind(separator))
            {
                case TokenKind.Comma:
                    continue;
                case TokenKind.CloseParen:
                    close = separator;
                    return expressions.Take(first);
                case TokenKind.Ellipsis:
                    expandFinal = true;
                    if (PeekKind() == TokenKind.CloseParen)
                    {
                        close = Read();
                        return expressions.Take(first);
                    }
                    ErrorUnlessRecovering(SyntaxErrors.MissingCloseParenthesis(Range(separator)));
                    break;
                case TokenKind.End:
                    Error(SyntaxErrors.UnterminatedCall(Range(name, open)));
                    break;
                default:
                    Error(SyntaxErrors.MissingArgumentSeparator(Range(separator)));
                    break;
            }
            close = Recover(TokenKind.CloseParen);
            return expressions.Take(first);
        }
    }
}
