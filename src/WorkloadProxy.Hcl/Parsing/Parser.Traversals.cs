using System.Collections.Immutable;

namespace WorkloadProxy.Hcl;

internal ref partial struct Parser
{
    /// <summary>
    /// The attribute accesses, indexes and splats behind a term. Constant steps in a row are one expression; of other steps a chain is as deep as it is long.
    /// </summary>
    private HclExpression Traversals(HclExpression from)
    {
        var result = from;
        var levels = 0;
        ImmutableArray<HclTraversalStep>.Builder? steps = null;
        while (PeekKind() is TokenKind.Dot or TokenKind.OpenBracket)
        {
            var open = Read();
            if (Kind(open) == TokenKind.Dot && Constant(open, null) is { } attribute)
            {
                (steps ??= ImmutableArray.CreateBuilder<HclTraversalStep>()).Add(attribute);
                continue;
            }
            if (!Enter(open))
                break;
            levels++;
            if (Kind(open) == TokenKind.Dot)
            {
                result = AttributeSplatOrError(Flush(result, ref steps), from.Range, open);
            }
            else if (PeekKind() == TokenKind.Star)
            {
                result = FullSplat(Flush(result, ref steps), from.Range, open);
            }
            else
            {
                var key = IndexKey(out var close);
                var bracket = Range(open, close);
                if (key is HclLiteralExpression literal)
                    (steps ??= ImmutableArray.CreateBuilder<HclTraversalStep>()).Add(new HclIndexStep(literal.Value, bracket));
                else
                    result = new HclIndexExpression(Flush(result, ref steps), key, bracket, Between(from.Range, bracket));
                if (key is HclLiteralExpression)
                {
                    Leave();
                    levels--;
                }
            }
        }
        depth -= levels;
        return Flush(result, ref steps);
    }

    /// <summary>Puts constant steps behind an expression.</summary>
    private readonly HclExpression Flush(HclExpression source, ref ImmutableArray<HclTraversalStep>.Builder? steps)
    {
        if (steps is null || steps.Count == 0)
            return source;
        var added = steps.DrainToImmutable();
        var last = added[^1].Range;
        return source switch
        {
            HclVariableExpression variable => variable with { Steps = variable.Steps.AddRange(added), Range = Between(variable.Range, last) },
            HclTraversalExpression traversal => traversal with { Steps = traversal.Steps.AddRange(added), Range = Between(traversal.Range, last) },
            _ => new HclTraversalExpression(source, added, Between(source.Range, last)),
        };
    }

    /// <summary>
    /// The name or legacy index behind a dot, or null (and nothing read) if there is neither. In a splat an error about the index is at the name before it.
    /// </summary>
    private HclTraversalStep? Constant(int dot, int? splat)
    {
        var token = Peek();
        switch (Kind(token))
        {
            case TokenKind.Identifier:
                Read();
                return new HclAttributeStep(Text(token), Range(dot, token));
            case TokenKind.Number:
                Read();
                return new HclIndexStep(LegacyIndex(token, splat ?? token), Range(dot, token));
            default:
                return null;
        }
    }

    /// <summary><c>list.0</c>, from the language before HCL. Null stands for an index that is wrong.</summary>
    private readonly HclValue LegacyIndex(int token, int place)
    {
        var text = Text(token);
        var dot = text.IndexOf('.', StringComparison.Ordinal);
        if (dot >= 0)
            Error(SyntaxErrors.LegacyIndex(text[..dot], text[(dot + 1)..], Range(place)));
        else if (Number(token) is HclLiteralExpression number)
            return number.Value;
        return HclValue.Null;
    }

    private HclExpression AttributeSplatOrError(HclExpression source, SourceRange fromRange, int dot)
    {
        var token = Peek();
        if (Kind(token) != TokenKind.Star)
        {
            Error(SyntaxErrors.MissingAttributeName(Range(token)));
            recovering = true;
            return Invalid(Between(fromRange, Range(dot)));
        }
        var marker = Read();
        var first = Peek();
        var last = marker;
        var steps = ImmutableArray.CreateBuilder<HclTraversalStep>();
        var named = token;
        while (PeekKind() == TokenKind.Dot)
        {
            var stepDot = Read();
            if (Constant(stepDot, named) is not { } step)
            {
                var found = Peek();
                ErrorUnlessRecovering(Kind(found) == TokenKind.Star ? SyntaxErrors.NestedSplat(Range(found)) : SyntaxErrors.MissingAttributeName(Range(named)));
                recovering = true;
                return source;
            }
            steps.Add(step);
            last = Previous();
            if (step is HclAttributeStep)
                named = last;
        }
        var item = new HclSplatItemExpression(Range(dot, marker));
        HclExpression each = steps.Count == 0 ? item : new HclTraversalExpression(item, steps.DrainToImmutable(), Range(first, last));
        return new HclSplatExpression(source, each, item, Range(dot, marker), Between(fromRange, Range(last)));
    }

    private HclExpression FullSplat(HclExpression source, SourceRange fromRange, int open)
    {
        Read();
        var close = Read();
        if (Kind(close) != TokenKind.CloseBracket && !recovering)
        {
            Error(SyntaxErrors.MissingSplatBracket(Range(close)));
            close = Recover(TokenKind.CloseBracket);
        }
        var item = new HclSplatItemExpression(Range(open, close));
        // What follows belongs to each item.
        var each = Traversals(item);
        return new HclSplatExpression(source, each, item, Range(open, close), Between(fromRange, each.Range));
    }

    private HclExpression IndexKey(out int close)
    {
        var outerNewlines = SetNewlines(false);
        var mark = diagnostics.Reported;
        var key = Expression();
        if (Lost(mark))
        {
            close = Recover(TokenKind.CloseBracket);
        }
        else
        {
            close = Read();
            if (Kind(close) != TokenKind.CloseBracket && !recovering)
            {
                Error(SyntaxErrors.MissingIndexBracket(Range(close)));
                close = Recover(TokenKind.CloseBracket);
            }
        }
        newlines = outerNewlines;
        return key;
    }
}
