using System.Text;

namespace WorkloadProxy.Configuration.Sources;

/// <summary>A text with <c>{name}</c> in it; there is no way to write a brace that is none of a name's.</summary>
internal sealed record TemplateText
{
    private readonly IReadOnlyList<(string Text, bool IsName)> pieces;

    private TemplateText(IReadOnlyList<(string, bool)> pieces) => this.pieces = pieces;

    public IEnumerable<string> Names => pieces.Where(piece => piece.IsName).Select(piece => piece.Text);

    /// <summary>Null when a brace is left open, or holds anything but a name.</summary>
    public static TemplateText? TryParse(string text)
    {
        var pieces = new List<(string, bool)>();
        var rest = text.AsSpan();
        while (rest.IndexOfAny('{', '}') is >= 0 and var open)
        {
            var close = rest.IndexOf('}');
            if (close < open || rest[open] == '}') return null;
            var name = rest[(open + 1)..close];
            if (name.IsEmpty || name.ContainsAnyExcept(NameCharacters)) return null;
            pieces.Add((rest[..open].ToString(), false));
            pieces.Add((name.ToString(), true));
            rest = rest[(close + 1)..];
        }
        pieces.Add((rest.ToString(), false));
        return new TemplateText(pieces);
    }

    /// <summary>Null when a name has no value.</summary>
    public string? Fill(Func<string, string?> valueOf, Func<string, string>? escape = null)
    {
        var filled = new StringBuilder();
        foreach (var (text, isName) in pieces)
        {
            if (!isName) filled.Append(text);
            else if (valueOf(text) is { } value) filled.Append(escape is null ? value : escape(value));
            else return null;
        }
        return filled.ToString();
    }

    private static readonly System.Buffers.SearchValues<char> NameCharacters =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
}
