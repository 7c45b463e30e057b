using System.Diagnostics.CodeAnalysis;

namespace WorkloadProxy.Policies;

/// <summary>
/// One account at an upstream, written <c>api://&lt;Upstream&gt;?actx=&lt;id&gt;</c>. The id is opaque; contexts are compared as whole strings.
/// </summary>
public sealed record AuthContext(string Upstream, string Id)
{
    private const string Scheme = "api://";
    private const string Separator = "?actx=";

    // looked up several times a request, and a text's hash is not kept by it
    private int hash;

    private AuthContext(AuthContext original) => (Upstream, Id) = (original.Upstream, original.Id);

    /// <summary>
    /// Reads the written form; false when it is anything else, or the id holds white space, control characters or a further <c>&amp;</c> or <c>#</c>.
    /// </summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out AuthContext? context)
    {
        context = null;
        if (text is null || !text.StartsWith(Scheme, StringComparison.Ordinal)) return false;
        var separator = text.IndexOf(Separator, StringComparison.Ordinal);
        if (separator <= Scheme.Length) return false;
        var upstream = text[Scheme.Length..separator];
        var id = text[(separator + Separator.Length)..];
        if (!upstream.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')) return false;
        if (id.Length == 0 || id.Any(c => char.IsWhiteSpace(c) || char.IsControl(c) || c is '&' or '#')) return false;
        context = new AuthContext(upstream, id);
        return true;
    }

    /// <inheritdoc/>
    public bool Equals(AuthContext? other) => ReferenceEquals(this, other) || (other is not null && Upstream == other.Upstream && Id == other.Id);

    /// <inheritdoc/>
    public override int GetHashCode() => hash != 0 ? hash : hash = HashCode.Combine(Upstream, Id);

    /// <summary>The written form.</summary>
    public override string ToString() => $"{Scheme}{Upstream}{Separator}{Id}";
}
