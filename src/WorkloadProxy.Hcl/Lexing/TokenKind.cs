namespace WorkloadProxy.Hcl;

internal enum TokenKind : byte
{
    End,
    Newline,
    Comment,
    Identifier,
    Number,
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    OpenParen,
    CloseParen,
    OpenQuote,
    CloseQuote,
    OpenHeredoc,
    CloseHeredoc,
    /// <summary>Text inside quotes; backslash escapes are not yet resolved.</summary>
    QuotedText,
    /// <summary>Text inside a heredoc; a backslash means itself.</summary>
    HeredocText,
    /// <summary><c>${</c></summary>
    OpenInterpolation,
    /// <summary><c>%{</c></summary>
    OpenDirective,
    /// <summary>The <c>}</c> that ends either, or <c>~}</c>.</summary>
    CloseSequence,
    Star,
    Slash,
    Percent,
    Plus,
    Minus,
    Equal,
    EqualEqual,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    And,
    Or,
    Not,
    Dot,
    Comma,
    DoubleColon,
    Ellipsis,
    FatArrow,
    Question,
    Colon,

    // Not of the language: known to the lexer so that the error can say what is wrong.
    BitwiseAnd,
    BitwiseOr,
    BitwiseNot,
    BitwiseXor,
    Apostrophe,
    Backtick,
    Semicolon,
    QuotedNewline,
    Invalid,
}
