namespace WorkloadProxy.Hcl;

/// <summary>What is never taken apart: a token, or a whole string or heredoc (by the kind that opens it), as written.</summary>
internal readonly record struct LayoutAtom(TokenKind Kind, string Text)
{
    public int BracketChange => Kind switch
    {
        TokenKind.OpenBrace or TokenKind.OpenBracket or TokenKind.OpenParen => 1,
        TokenKind.CloseBrace or TokenKind.CloseBracket or TokenKind.CloseParen => -1,
        _ => 0,
    };

    /// <summary>Whether a value may end here: a minus after it subtracts, a bracket after it is an index.</summary>
    private bool EndsValue =>
        Kind is TokenKind.Number or TokenKind.OpenQuote || BracketChange < 0 || (Kind == TokenKind.Identifier && Text is not ("in" or "if"));

    /// <summary>Whether a space goes between <paramref name="left"/>, which comes after <paramref name="before"/>, and <paramref name="right"/>.</summary>
    public static bool SpaceBetween(LayoutAtom? before, LayoutAtom left, LayoutAtom right) => (left.Kind, right.Kind) switch
    {
        (_, TokenKind.Comma or TokenKind.Ellipsis) => false,
        (TokenKind.Comma, _) => true,
        (TokenKind.Dot or TokenKind.DoubleColon or TokenKind.Not, _) or (_, TokenKind.Dot or TokenKind.DoubleColon) => false,
        (TokenKind.Identifier, TokenKind.OpenParen) => !left.EndsValue,
        (_, TokenKind.OpenBracket) when left.EndsValue => false,
        (TokenKind.Minus, _) => before is { EndsValue: true },
        (TokenKind.OpenBrace, TokenKind.CloseBrace) => false,
        (TokenKind.OpenBrace, _) or (_, TokenKind.CloseBrace) => true,
        (TokenKind.OpenParen or TokenKind.OpenBracket, _) or (_, TokenKind.CloseParen or TokenKind.CloseBracket) => false,
        _ => true,
    };
}
