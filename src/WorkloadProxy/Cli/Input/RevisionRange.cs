namespace WorkloadProxy.Cli.Input;

/// <summary>
/// <c>A..B</c> and, from where their histories parted, <c>A...B</c>; as with git, an end that is left out is <c>HEAD</c>. No revision's name holds two dots.
/// </summary>
internal readonly record struct RevisionRange(string From, string To, bool FromMergeBase)
{
    public static bool TryParse(string text, out RevisionRange range)
    {
        range = default;
        var at = text.IndexOf("..", StringComparison.Ordinal);
        if (at < 0 || text.StartsWith("../", StringComparison.Ordinal) || text == "..") return false;
        var isFromMergeBase = text.AsSpan(at).StartsWith("...");
        var to = text[(at + (isFromMergeBase ? 3 : 2))..];
        if (to.StartsWith('.') || to.StartsWith('/')) return false;
        range = new(at == 0 ? "HEAD" : text[..at], to.Length == 0 ? "HEAD" : to, isFromMergeBase);
        return true;
    }
}
