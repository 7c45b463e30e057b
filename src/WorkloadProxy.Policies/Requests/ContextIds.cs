using System.Collections.Frozen;

namespace WorkloadProxy.Policies;

/// <summary>
/// The ids of contexts that hold what looks like a percent-encoding, as a <c>did:web</c> with a port does (<c>did:web:host%3A3000</c>). In a path such an id is
/// encoded once more, which is refused for any other text. An id whose encoding stands for a slash, a backslash, a dot, a percent sign or a control character
/// is left out: a reader that decodes twice would take the path for another.
/// </summary>
public sealed class ContextIds
{
    private readonly FrozenSet<string> ids;

    private ContextIds(IEnumerable<string> ids) => this.ids = ids.Where(IsHarmless).ToFrozenSet(StringComparer.Ordinal);

    /// <summary>None.</summary>
    public static ContextIds None { get; } = new([]);

    /// <summary>Of these contexts.</summary>
    public static ContextIds Of(IEnumerable<AuthContext> contexts) => new(contexts.Select(context => context.Id));

    internal bool Contains(ReadOnlySpan<char> text) => ids.Count > 0 && ids.GetAlternateLookup<ReadOnlySpan<char>>().Contains(text);

    private static bool IsHarmless(string id)
        => RequestTarget.HoldsEncoding(id) && Uri.UnescapeDataString(id) is var decoded && decoded.Length < id.Length && !RequestTarget.HoldsEncoding(decoded)
            && Stands(decoded) <= Stands(id) && !decoded.Any(char.IsControl) && decoded.AsSpan().Count('.') == id.AsSpan().Count('.');

    private static int Stands(string text) => text.AsSpan().Count('/') + text.AsSpan().Count('\\');
}
