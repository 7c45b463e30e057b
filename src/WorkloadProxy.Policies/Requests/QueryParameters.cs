using System.Collections;
using System.Text;

namespace WorkloadProxy.Policies;

/// <summary>
/// Names and values as <c>application/x-www-form-urlencoded</c> writes them, of a query or a form: in order, decoded, <c>+</c> a space, a name without <c>=</c>
/// with the value "".
/// </summary>
public sealed class QueryParameters : IReadOnlyList<KeyValuePair<string, string>>
{
    private readonly KeyValuePair<string, string>[] pairs;

    private QueryParameters(KeyValuePair<string, string>[] pairs, bool hasSemicolon)
    {
        this.pairs = pairs;
        Names = pairs.Length == 0 ? [] : Array.ConvertAll(pairs, pair => pair.Key);
        HasSemicolon = hasSemicolon;
    }

    /// <summary>None.</summary>
    public static QueryParameters Empty { get; } = new([], false);

    /// <summary>The names in order, also those given twice.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <inheritdoc/>
    public int Count => pairs.Length;

    /// <summary>Whether the text holds an unencoded <c>;</c>, which some upstreams take for <c>&amp;</c>.</summary>
    internal bool HasSemicolon { get; }

    /// <inheritdoc/>
    public KeyValuePair<string, string> this[int index] => pairs[index];

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => ((IEnumerable<KeyValuePair<string, string>>)pairs).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Of text that was checked: percent-encodings are whole, and what they decode to is UTF-8.</summary>
    internal static QueryParameters Parse(string text)
    {
        if (text.Length == 0) return Empty;
        var pairs = new List<KeyValuePair<string, string>>();
        foreach (var range in text.AsSpan().Split('&'))
        {
            var pair = text.AsSpan()[range];
            if (pair.IsEmpty) continue;
            var equals = pair.IndexOf('=');
            pairs.Add(equals < 0 ? new(Decode(pair), "") : new(Decode(pair[..equals]), Decode(pair[(equals + 1)..])));
        }
        return new QueryParameters([.. pairs], text.Contains(';'));
    }

    private static string Decode(ReadOnlySpan<char> text)
    {
        if (text.IndexOfAny('%', '+') < 0) return text.ToString();
        // a form may hold raw UTF-8
        var bytes = new byte[Encoding.UTF8.GetByteCount(text)];
        Encoding.UTF8.GetBytes(text, bytes);
        return Encoding.UTF8.GetString(bytes, 0, PercentEncoding.Unescape(bytes, plusIsSpace: true, out _));
    }
}
