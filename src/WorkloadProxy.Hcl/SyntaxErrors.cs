using System.Text;

namespace WorkloadProxy.Hcl;

/// <summary>Every error of lexer and parser, with its text.</summary>
internal static class SyntaxErrors
{
    private static Diagnostic Error(string code, string summary, string? help, SourceRange range) => new(DiagnosticSeverity.Error, code, summary, help, range);

    // The file.
    public static Diagnostic FileTooLarge(int size, int limit, SourceRange range) =>
        Error("file-too-large", $"the file has {size} bytes, more than the {limit} that are permitted", "split it into several files", range);
    public static Diagnostic InvalidEncoding(SourceRange range) =>
        Error("invalid-encoding", "the file is not UTF-8 from here on", "save it as UTF-8", range);
    public static Diagnostic NulCharacter(SourceRange range) =>
        Error("nul-character", "there is a NUL character here, which no file may hold", "save the file as UTF-8, not UTF-16, and remove the character", range);
    public static Diagnostic NestingTooDeep(int limit, SourceRange range) =>
        Error("nesting-too-deep", $"this is nested more than {limit} levels deep", "the rest of the file was not read", range);

    // Characters.
    public static Diagnostic BitwiseOperator(TokenKind kind, SourceRange range) => Error("unsupported-operator", "there are no bitwise operators", kind switch
    {
        TokenKind.BitwiseAnd => "for a logical AND write `&&`",
        TokenKind.BitwiseOr => "for a logical OR write `||`",
        TokenKind.BitwiseNot => "for a logical NOT write `!`",
        _ => null,
    }, range);
    public static Diagnostic Backtick(SourceRange range) =>
        Error("invalid-character", "found a backtick, which has no meaning here", "for a text of several lines use a heredoc, as `<<EOT`", range);
    public static Diagnostic Apostrophe(SourceRange range) =>
        Error("invalid-character", "found a single quote; strings are in double quotes", "write `\"` in its place", range);
    public static Diagnostic Semicolon(SourceRange range) =>
        Error("invalid-character", "found `;`, which separates nothing here",
            "separate attributes and blocks by newlines, and items of a list by commas", range);
    public static Diagnostic QuotedNewline(SourceRange range) =>
        Error("multi-line-string", "the string is not closed on this line",
            "add the closing `\"`; for a text of several lines write `\\n`, or use a heredoc, as `<<EOT`", range);
    public static Diagnostic InvalidCharacter(ReadOnlySpan<byte> text, SourceRange range)
    {
        if (Rune.DecodeFromUtf8(text, out var rune, out _) == System.Buffers.OperationStatus.Done && rune.Value is 0x201C or 0x201D)
            return Error("invalid-character", "found a curly quote; strings are in straight quotes", "write `\"` in its place", range);
        var found = Rune.IsControl(rune) || Rune.IsWhiteSpace(rune) ? $"U+{rune.Value:X4}" : $"`{rune}`";
        return Error("invalid-character", $"found {found}, which has no meaning here", "remove it; text is written in double quotes", range);
    }

    // Structure.
    public static Diagnostic ItemRequired(SourceRange range, bool maybeAttribute) =>
        Error("item-required", "expected an attribute (`name = value`) or a block (`type \"label\" {`)",
            maybeAttribute ? "to set an attribute, write `=` after its name" : "remove it; a bracket or brace before it may be unbalanced", range);
    public static Diagnostic QuotedName(SourceRange range) =>
        Error("quoted-name", "an attribute's name is written without quotes", "remove the quotes", range);
    public static Diagnostic UnclosedBlock(SourceRange range) =>
        Error("unclosed-block", "this block is not closed before the end of the file", "add the missing `}`; an earlier brace may be unbalanced", range);
    public static Diagnostic DuplicateAttribute(string name, SourceRange first, SourceRange range) =>
        Error("duplicate-attribute", $"`{name}` is set a second time; it was set in line {first.Start.Line}", "keep one of the two", range);
    public static Diagnostic SingleLineBlockItem(string name, SourceRange range) =>
        Error("invalid-single-line-block", "a block on one line may hold one attribute only",
            $"write `{name} = …`, or put each item of the block on its own line", range);
    public static Diagnostic MissingNewline(SourceRange range) =>
        Error("missing-newline", "expected a newline after the attribute's value", "put what follows on its own line", range);
    public static Diagnostic UnexpectedComma(SourceRange range) =>
        Error("missing-newline", "found a comma after the attribute's value, where a newline is expected",
            "attributes are separated by newlines; remove the comma", range);
    /// <summary><c>path = "/v2" {</c>, a habit from other configuration languages.</summary>
    public static Diagnostic AttributeWithBody(string name, SourceRange range) =>
        Error("invalid-block", $"found `{{` after the value of `{name}`", $"a block has no `=`: write `{name} \"…\" {{`", range);
    public static Diagnostic BlockWithEquals(SourceRange range) =>
        Error("invalid-block", "found `=` in the head of a block", "an attribute has no labels, and a block no `=`", range);
    public static Diagnostic BlockWithoutBody(SourceRange range) =>
        Error("invalid-block", "expected `{` on the line of the block's head", "a block's body is written between `{` and `}`", range);
    public static Diagnostic BlockHead(SourceRange range) =>
        Error("invalid-block", "expected a label in quotes or `{`", "to set an attribute, write `=` after its name", range);
    public static Diagnostic SingleLineBlockComma(SourceRange range) =>
        Error("invalid-single-line-block", "found a comma in a block on one line, which may hold one attribute only",
            "put each attribute on its own line", range);
    public static Diagnostic SingleLineBlockNewline(SourceRange range) =>
        Error("invalid-single-line-block", "a block that begins with an attribute on its first line must be closed on that line",
            "put the attribute on its own line, or `}` after it", range);
    public static Diagnostic SingleLineBlockEnd(SourceRange range) =>
        Error("invalid-single-line-block", "expected `}` after the one attribute of a block on one line",
            "close the block there, or put each attribute on its own line", range);
    public static Diagnostic MissingNewlineAfterBlock(SourceRange range) =>
        Error("missing-newline", "expected a newline after the block", "put what follows on its own line", range);
    public static Diagnostic LabelWithTemplate(char sign, SourceRange range) =>
        Error("invalid-label", $"a label may hold no template, but found `{sign}{{`", $"for the literal characters write `{sign}{sign}{{`", range);
    public static Diagnostic UnterminatedLabel(SourceRange range) =>
        Error("unterminated-string", "expected `\"` to end the string, but found the end of the file", "add the missing `\"`", range);
    public static Diagnostic InvalidLabel(SourceRange range) =>
        Error("invalid-label", "this can't be part of a label", "a label is a name, or text in quotes on one line", range);

    // Expressions.
    public static Diagnostic MissingExpression(SourceRange range) =>
        Error("missing-expression", "expected a value, but found the end of the file", "write the value, and close what is open", range);
    public static Diagnostic InvalidExpression(SourceRange range) =>
        Error("invalid-expression", "expected a value",
            "a value is a string in quotes, a number, `true`, `false`, `null`, a list in `[]`, an object in `{}` or an expression of these", range);
    public static Diagnostic MissingFalseResult(SourceRange range) =>
        Error("invalid-conditional", "expected `:` and the value for false", "a conditional is `condition ? a : b`", range);
    public static Diagnostic UnbalancedParentheses(SourceRange range) =>
        Error("unbalanced-parentheses", "expected `)`", "add the missing `)`, or remove the `(` before", range);
    public static Diagnostic InvalidNumber(SourceRange range) =>
        Error("invalid-number", "this is not a number", "numbers are decimal, as `12`, `1.5` or `1e6`", range);
    public static Diagnostic NumberTooLong(SourceRange range) =>
        Error("number-out-of-range", "this number is too large, too small or too long",
            $"a number has at most {HclNumber.MaxDigits} digits and an exponent up to {HclNumber.MaxExponent}", range);
    public static Diagnostic LegacyIndex(string first, string second, SourceRange range) =>
        Error("invalid-index", "two indexes in a row can't be written with dots", $"write `[{first}][{second}]`", range);
    public static Diagnostic NestedSplat(SourceRange range) =>
        Error("nested-splat", "a `*` can't be inside another `.*`", "write `[*]` in its place", range);
    public static Diagnostic MissingAttributeName(SourceRange range) =>
        Error("missing-attribute-name", "expected an attribute's name after the dot",
            "write the name, or `[\"NAME\"]` for one that is not an identifier", range);
    public static Diagnostic MissingSplatBracket(SourceRange range) =>
        Error("missing-bracket", "expected `]` right after `[*`", "write `[*]`", range);
    public static Diagnostic MissingIndexBracket(SourceRange range) =>
        Error("missing-bracket", "expected `]` after the index", "add the missing `]`", range);
    public static Diagnostic MissingFunctionName(SourceRange range) =>
        Error("missing-function-name", "expected a function's name after `::`", "write the name, or remove the `::`", range);
    public static Diagnostic MissingOpenParenthesis(SourceRange range) =>
        Error("missing-parenthesis", "expected `(` after the function's name", "a call is `NAME(…)`, also without arguments", range);
    public static Diagnostic MissingCloseParenthesis(SourceRange range) =>
        Error("missing-parenthesis", "expected `)` right after `...`", "only the last argument may be expanded", range);
    public static Diagnostic UnterminatedCall(SourceRange range) =>
        Error("unterminated-call", "this function call is not closed before the end of the file",
            "add the missing `)`; an earlier bracket may be unbalanced", range);
    public static Diagnostic MissingArgumentSeparator(SourceRange range) =>
        Error("missing-separator", "expected a comma between arguments", "add a `,` between the arguments, or a `)` after the last one", range);
    public static Diagnostic UnterminatedTuple(SourceRange range) =>
        Error("unterminated-list", "this list is not closed before the end of the file", "add the missing `]`; an earlier bracket may be unbalanced", range);
    public static Diagnostic MissingItemSeparator(SourceRange range) =>
        Error("missing-separator", "expected a comma between items", "add a `,` between the items, or a `]` after the last one", range);
    public static Diagnostic UnterminatedObject(SourceRange range) =>
        Error("unterminated-object", "this object is not closed before the end of the file", "add the missing `}`; an earlier brace may be unbalanced", range);
    public static Diagnostic MissingMemberValue(SourceRange range) =>
        Error("missing-value", "expected `=` and a value after the key", "write `KEY = VALUE`; a list of values without keys is written in `[]`", range);
    public static Diagnostic MissingEquals(SourceRange range, bool maybeName) =>
        Error("missing-separator", "expected `=` after the key", maybeName ? "a key with dots or blanks is written in quotes" : "write `KEY = VALUE`", range);
    public static Diagnostic MissingMemberSeparator(SourceRange range) =>
        Error("missing-separator", "expected a newline or a comma between members", "add a `,` between the members, or a `}` after the last one", range);
    public static Diagnostic InvalidFor(string problem, SourceRange range) =>
        Error("invalid-for", problem, "`for` is `[for x in list: x]` or `{for k, v in object: k => v}`", range);
    public static Diagnostic InvalidEscape(string problem, SourceRange range) =>
        Error("invalid-escape", problem, "escapes are `\\n`, `\\r`, `\\t`, `\\\"`, `\\\\`, `\\uXXXX` and `\\UXXXXXXXX`", range);

    // Templates.
    public static Diagnostic UnclosedInterpolation(SourceRange range) =>
        Error("unclosed-interpolation", "an interpolation is not closed before the end of its string", "add the missing `}`", range);
    public static Diagnostic InterpolationEnd(SourceRange range) =>
        Error("invalid-interpolation", "expected `}` to end the interpolation", "for the literal characters `${` write `$${`", range);
    public static Diagnostic MissingDirective(SourceRange range) =>
        Error("invalid-directive", "expected `if`, `else`, `endif`, `for` or `endfor` after `%{`", "for the literal characters `%{` write `%%{`", range);
    public static Diagnostic UnknownDirective(string name, SourceRange range)
    {
        var suggestion = NameSuggestion.Nearest(name, ["if", "for", "else", "endif", "endfor"]);
        return Error("invalid-directive", $"`{name}` is not a template directive; known are `if`, `else`, `endif`, `for` and `endfor`", suggestion is null
            ? "for the literal characters `%{` write `%%{`" : $"did you mean `{suggestion}`?", range);
    }
    public static Diagnostic InvalidForDirective(string problem, SourceRange range) =>
        Error("invalid-directive", problem, "the directive is `%{for x in list}` or `%{for k, v in object}`", range);
    public static Diagnostic DirectiveEnd(string name, SourceRange range) =>
        Error("invalid-directive", $"expected `}}` to end the `{name}` directive", "add the missing `}`", range);
    public static Diagnostic UnterminatedTemplate(SourceRange range) =>
        Error("unterminated-string", "the string is not closed", "a quoted string ends with `\"`, a heredoc with its marker alone on a line", range);
    public static Diagnostic TemplateEnd(string name, SourceRange opened, SourceRange range) =>
        Error("unbalanced-directive", $"expected `%{{end{name}}}` for the `%{{{name}}}` in line {opened.Start.Line}, but found the end of the string",
            $"add `%{{end{name}}}`; for the literal characters `%{{` write `%%{{`", range);
    public static Diagnostic UnexpectedDirective(string name, string problem, SourceRange range) =>
        Error("unbalanced-directive", $"found `%{{{name}}}`, {problem}", "remove it; for the literal characters `%{` write `%%{`", range);
}
