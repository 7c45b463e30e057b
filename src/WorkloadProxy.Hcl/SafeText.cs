namespace WorkloadProxy.Hcl;

/// <summary>
/// Text of unknown origin on its way to a terminal, a log or a git client. One list of characters for all of them: what one printer hides, no other may show.
/// </summary>
public static class SafeText
{
    /// <summary>
    /// Whether <paramref name="c"/> can make a reader see something other than what is there: control characters steer a terminal, the line and paragraph
    /// separators end a line, and the bidirectional marks (Unicode Standard Annex 9) turn the reading direction, so that one line reads as another.
    /// </summary>
    public static bool Steers(char c) =>
        char.IsControl(c) || c is '\u061C' or '\u200E' or '\u200F' or (>= '\u2028' and <= '\u202E') or (>= '\u2066' and <= '\u2069');

    /// <summary>
    /// A caller's or an author's own words inside a message: one line, cut to <paramref name="longest"/> characters, with <c>?</c> for controls and for halves
    /// of surrogate pairs, and <c>'</c> for the backtick, which quotes them. What else <see cref="Steers"/> stays: whoever prints the message escapes it.
    /// </summary>
    public static string Quoted(string text, int longest)
    {
        var shown = text.Length <= longest ? text : string.Concat(text.AsSpan(0, longest), "…");
        return string.Concat(shown.Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c == '`' ? '\'' : c));
    }

    /// <summary>
    /// <paramref name="text"/> with <paramref name="replacement"/> for every character that <see cref="Steers"/>, except those in <paramref name="kept"/>.
    /// </summary>
    public static string Clean(string text, char replacement, string kept = "")
    {
        if (!text.Any(c => Steers(c) && !kept.Contains(c))) return text;
        return string.Create(text.Length, (text, replacement, kept), static (span, from) =>
        {
            for (var i = 0; i < span.Length; i++) span[i] = Steers(from.text[i]) && !from.kept.Contains(from.text[i]) ? from.replacement : from.text[i];
        });
    }
}
