using System.Collections.Immutable;
using System.Text;

namespace WorkloadProxy.Policies.Patterns;

/// <summary>
/// The one anchored pattern: literal text and <c>*</c> for any run of characters, compared with a whole value, ordinal. <c>{actx}</c> is substituted as
/// literal text, so that an id with <c>*</c> or <c>{</c> in it changes nothing. Matching is linear in the value.
/// </summary>
internal sealed class TextPattern
{
    /// <summary>Below this length the runtime's vectorized search is as good as linear.</summary>
    private const int LongLiteral = 32;

    private readonly ImmutableArray<TextPiece> pieces;
    /// <summary>The text around the wildcards, one more than there are wildcards; with a claim among the pieces, empty: it must be bound first.</summary>
    private readonly ImmutableArray<string> literals;
    private readonly int leastLength;

    private TextPattern(string text, IEnumerable<TextPiece> pieces)
    {
        Text = text;
        this.pieces = [.. pieces];
        LiteralPrefix = string.Concat(this.pieces.TakeWhile(piece => piece.IsText).Select(piece => piece.Text));
        IsTemplated = this.pieces.Any(piece => piece.IsClaim);
        literals = IsTemplated ? [] : Literals(this.pieces);
        leastLength = literals.Sum(literal => literal.Length);
    }

    /// <summary>As written.</summary>
    public string Text { get; }

    /// <summary>Literal text before the first wildcard or claim, after <c>{actx}</c> was substituted.</summary>
    public string LiteralPrefix { get; }

    /// <summary>Whether it holds <c>{claims.NAME}</c>.</summary>
    public bool IsTemplated { get; }

    /// <summary>No wildcard and no claim: one text alone matches.</summary>
    public bool IsLiteral => !IsTemplated && literals.Length == 1;

    /// <summary>Whether the pattern contains a wildcard.</summary>
    public bool HasWildcard => pieces.Any(piece => piece.Kind == TextPieceKind.Wildcard);

    /// <summary>The names of the claims that it holds.</summary>
    public IEnumerable<string> ClaimNames => pieces.Where(piece => piece.IsClaim).Select(piece => piece.Text);

    /// <summary>Literal text, <c>*</c> and <c>{actx}</c>.</summary>
    public static TextPattern Compile(string text, AuthContext context) => new(text, TextPiece.Split(text, context, wildcards: true, claims: false, out _));

    /// <summary>
    /// Also <c>{claims.NAME}</c>; without <paramref name="wildcards"/>, <c>*</c> is an ordinary character. Null with the error for a malformed claim reference.
    /// </summary>
    public static TextPattern? Compile(string text, AuthContext context, bool wildcards, out string? error)
    {
        var pieces = TextPiece.Split(text, context, wildcards, claims: true, out error);
        return error is null ? new TextPattern(text, pieces) : null;
    }

    /// <summary>Of pieces that a caller split itself.</summary>
    public static TextPattern FromPieces(IEnumerable<TextPiece> pieces)
    {
        var list = pieces.ToList();
        return new TextPattern(string.Concat(list.Select(piece => piece.Kind == TextPieceKind.Wildcard ? "*" : piece.Text)), list);
    }

    /// <summary>Substitutes the caller's claims; null when one is missing, which matches nothing.</summary>
    public TextPattern? Bind(Claims claims)
        => !IsTemplated ? this : TextPiece.Bind(pieces, claims, inPath: false) is { } bound ? new TextPattern(Text, bound) : null;

    /// <summary>Whether both match the same values.</summary>
    public bool IsSameAs(TextPattern other) => !IsTemplated && !other.IsTemplated && literals.AsSpan().SequenceEqual(other.literals.AsSpan());

    /// <summary>Whether the whole of <paramref name="value"/> matches. A templated pattern matches nothing until it is bound.</summary>
    public bool Matches(ReadOnlySpan<char> value, bool ignoreCase = false)
    {
        if (literals.Length == 0) return false;
        var comparison = ignoreCase ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;
        var first = literals[0];
        if (literals.Length == 1) return value.Equals(first, comparison);
        var last = literals[^1];
        if (value.Length < leastLength || !value.StartsWith(first, comparison) || !value.EndsWith(last, comparison)) return false;
        value = value[first.Length..^last.Length];
        for (var i = 1; i < literals.Length - 1; i++)
        {
            // The leftmost place leaves the most to what follows, so no other place need be tried.
            var at = ignoreCase || literals[i].Length <= LongLiteral ? value.IndexOf(literals[i], comparison) : IndexOfLong(value, literals[i]);
            if (at < 0) return false;
            value = value[(at + literals[i].Length)..];
        }
        return true;
    }

    /// <summary>A value that it matches, with this text for its wildcards.</summary>
    public string Sample(string star) => string.Join(star, literals);

    private static ImmutableArray<string> Literals(ImmutableArray<TextPiece> pieces)
    {
        var literals = ImmutableArray.CreateBuilder<string>();
        var text = new StringBuilder();
        foreach (var piece in pieces)
        {
            if (piece.Kind != TextPieceKind.Wildcard)
            {
                text.Append(piece.Text);
                continue;
            }
            literals.Add(text.ToString());
            text.Clear();
        }
        literals.Add(text.ToString());
        return literals.ToImmutable();
    }

    /// <summary>Knuth–Morris–Pratt: a long literal in a hostile value must not cost their product.</summary>
    private static int IndexOfLong(ReadOnlySpan<char> value, string literal)
    {
        var fallback = new int[literal.Length];
        for (int i = 1, matched = 0; i < literal.Length; i++)
        {
            while (matched > 0 && literal[i] != literal[matched]) matched = fallback[matched - 1];
            if (literal[i] == literal[matched]) matched++;
            fallback[i] = matched;
        }
        for (int i = 0, matched = 0; i < value.Length; i++)
        {
            while (matched > 0 && value[i] != literal[matched]) matched = fallback[matched - 1];
            if (value[i] == literal[matched]) matched++;
            if (matched == literal.Length) return i + 1 - matched;
        }
        return -1;
    }
}
