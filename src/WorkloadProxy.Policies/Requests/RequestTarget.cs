using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Unicode;

namespace WorkloadProxy.Policies;

/// <summary>
/// A request's target in the one form that everything decides on and forwards. What is ambiguous between two readers of the same bytes is refused.
/// </summary>
public sealed class RequestTarget
{
    /// <summary>The longest target in characters (8 KiB).</summary>
    public const int MaxLength = 8 * 1024;

    /// <summary>
    /// Stands for an encoded slash in <see cref="MatchPath"/>, so that it is neither a separator nor ordinary text. Control characters are refused in a target
    /// and in whatever is substituted into a pattern, so it can't come in otherwise.
    /// </summary>
    internal const char SlashMarker = '\u0001';

    private const string EncodedSlash = "%2F";

    private const string Unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    // RFC 3986 pchar without pct-encoded, and `/`.
    private static readonly SearchValues<char> Literal = SearchValues.Create(Unreserved + "!$&'()*+,;=:@/");
    private static readonly SearchValues<byte> UnreservedBytes = SearchValues.Create(Encoding.ASCII.GetBytes(Unreserved));

    private QueryParameters? query;

    private RequestTarget(string matchPath, string path, string forwarded, string rawQuery)
    {
        MatchPath = matchPath;
        Path = path;
        Forwarded = forwarded;
        RawQuery = rawQuery;
        IsOwnPath = IsOwn(HasEncodedSlash ? matchPath.Replace(SlashMarker, '/') : matchPath);
    }

    /// <summary>
    /// The decoded canonical path. A permitted encoded slash is kept in it as <c>%2F</c>, which is unambiguous: a path that decodes to a percent-encoding is
    /// refused.
    /// </summary>
    public string Path { get; }

    /// <summary>
    /// Path and query as they are forwarded. The path in one canonical form: escapes of unreserved characters decoded, all others as they came with hex in
    /// capitals, for a reserved character and its escape are not equivalent (RFC 3986 section 2.2); a raw character that no path may hold is encoded. The query
    /// as received.
    /// </summary>
    public string Forwarded { get; }

    /// <summary>The raw query without its <c>?</c>, empty if there is none.</summary>
    public string RawQuery { get; }

    /// <summary>
    /// Whether a segment holds an encoded slash (<c>%2F</c>); only an upstream with <c>EncodedSlash: true</c> takes it, for all others it is a 400.
    /// </summary>
    public bool HasEncodedSlash => !ReferenceEquals(MatchPath, Path);

    /// <summary>
    /// Whether it lies under <c>/v1/oidc/</c>, <c>/_rbac/</c> or <c>/_mcp/</c>, however it was encoded (an encoded slash counts as one here). Never forwarded.
    /// </summary>
    public bool IsOwnPath { get; }

    /// <summary>The query's names and values in order, decoded as a form is.</summary>
    public QueryParameters Query => query ??= QueryParameters.Parse(RawQuery);

    /// <summary>Names of the query's parameters in order, decoded; for the audit.</summary>
    public IReadOnlyList<string> QueryNames => Query.Names;

    /// <summary>What patterns are compared with: <see cref="Path"/> with <see cref="SlashMarker"/> for an encoded slash.</summary>
    internal string MatchPath { get; }

    /// <summary>Parses an origin-form target; false with the reason for anything that is refused (400, or 414 when it is over 8 KiB).</summary>
    public static bool TryParse(string rawTarget, [NotNullWhen(true)] out RequestTarget? target, [NotNullWhen(false)] out string? error, out bool tooLong)
        => TryParse(rawTarget, ContextIds.None, out target, out error, out tooLong);

    /// <summary>
    /// The same; a segment that decodes to exactly one of <paramref name="ids"/> may hold what looks like a percent-encoding (<c>did:web:host%253A3000</c> for
    /// the id <c>did:web:host%3A3000</c>).
    /// </summary>
    public static bool TryParse(string rawTarget, ContextIds ids, [NotNullWhen(true)] out RequestTarget? target, [NotNullWhen(false)] out string? error,
        out bool tooLong)
    {
        target = null;
        tooLong = rawTarget.Length > MaxLength;
        if (tooLong)
        {
            error = "the target is longer than 8192 bytes";
            return false;
        }
        if (!rawTarget.StartsWith('/'))
        {
            error = "the target does not begin with `/`: absolute and asterisk forms are refused";
            return false;
        }
        var mark = rawTarget.IndexOf('?');
        var rawPath = mark < 0 ? rawTarget : rawTarget[..mark];
        var rawQuery = mark < 0 ? "" : rawTarget[(mark + 1)..];
        error = QueryFault(rawQuery);
        if (error is not null) return false;

        if (!rawPath.AsSpan().ContainsAnyExcept(Literal))
        {
            error = SegmentFault(rawPath);
            if (error is not null) return false;
            target = new RequestTarget(rawPath, rawPath, rawTarget, rawQuery);
            return true;
        }

        error = Decode(rawPath, ids, out var matchPath, out var encoded) ?? SegmentFault(matchPath);
        if (error is not null) return false;
        var path = matchPath.Contains(SlashMarker) ? matchPath.Replace(SlashMarker.ToString(), EncodedSlash, StringComparison.Ordinal) : matchPath;
        target = new RequestTarget(matchPath, path, mark < 0 ? encoded : string.Concat(encoded, "?", rawQuery), rawQuery);
        return true;
    }

    /// <summary>
    /// The check of a pass-through request, whose target is kept byte for byte: refuses dot segments (encoded or not, also <c>..;</c>), control characters,
    /// absolute form, and every character but <c>!</c> to <c>~</c>. Says whether the target is one of the proxy's own, which is not passed through: that is
    /// parsed by <c>TryParse</c>.
    /// </summary>
    public static bool TryCheckPassThrough(string rawTarget, out bool isOwnPath, [NotNullWhen(false)] out string? error)
    {
        isOwnPath = false;
        error = null;
        if (!rawTarget.StartsWith('/')) error = "the target does not begin with `/`: absolute and asterisk forms are refused";
        // HTTP/2 lets other bytes into `:path`. The HTTP client that writes them to the upstream checks that a target is ASCII in debug builds only; in a
        // release build it sends whatever its connection's buffer held there: another caller's request and credential.
        else if (rawTarget.AsSpan().ContainsAnyExceptInRange('!', '~')) error = "the target holds a character other than visible ASCII";
        if (error is not null) return false;
        var mark = rawTarget.IndexOf('?');
        var decoded = DecodeLeniently(mark < 0 ? rawTarget : rawTarget[..mark]);
        if (decoded.Any(char.IsControl)) error = "the path holds a control character";
        foreach (var segment in decoded.AsSpan().SplitAny('/', '\\'))
        {
            if (IsDots(decoded.AsSpan()[segment])) error = "the path holds a `.` or `..` segment";
        }
        isOwnPath = IsOwn(decoded);
        return error is null;
    }

    /// <summary>Of a path that was made, not received: for questions about patterns.</summary>
    internal static RequestTarget OfPath(string matchPath) => new(matchPath, matchPath, matchPath, "");

    /// <summary>Whether a decoded path, or the literal beginning of a pattern, lies under the proxy's own.</summary>
    internal static bool IsOwn(string path) => OwnPaths.Reserve(path);

    private static string? QueryFault(string query)
    {
        var encoded = false;
        foreach (var c in query)
        {
            if (c is <= ' ' or >= '\u007f') return "the query holds a raw control or non-ASCII character";
            if (c is '\\' or '#') return $"the query holds a raw `{c}`";
            encoded |= c == '%';
        }
        if (!encoded) return null;
        Span<byte> bytes = stackalloc byte[query.Length];
        Encoding.ASCII.GetBytes(query, bytes);
        var length = PercentEncoding.Unescape(bytes, plusIsSpace: false, out var whole);
        if (!whole) return "the query holds an invalid percent-encoding";
        return TextFault(bytes[..length], "query");
    }

    /// <summary>Percent-encodings → text; the error is null when there is nothing to refuse in them.</summary>
    private static string? Decode(string raw, ContextIds ids, out string path, out string forwarded)
    {
        path = forwarded = "";
        var canonical = new StringBuilder(raw.Length + 16);
        Span<byte> bytes = stackalloc byte[raw.Length];
        var length = 0;
        var marked = false;
        for (var i = 0; i < raw.Length; i++)
        {
            var c = raw[i];
            if (c is <= ' ' or >= '\u007f') return "the path holds a raw control or non-ASCII character";
            if (c is '\\' or '#') return $"the path holds a raw `{c}`";
            if (c != '%')
            {
                bytes[length++] = (byte)c;
                if (Literal.Contains(c)) canonical.Append(c);
                else canonical.Append('%').Append(((int)c).ToString("X2"));
                continue;
            }
            var value = PercentEncoding.ByteAt(raw, i);
            if (value < 0) return "the path holds an invalid percent-encoding";
            if (UnreservedBytes.Contains((byte)value)) canonical.Append((char)value);
            else canonical.Append('%').Append(value.ToString("X2"));
            if (value == '\\') return "the path holds an encoded backslash";
            if (value is < 0x20 or 0x7f) return "the path holds an encoded control character";
            marked |= value == '/';
            bytes[length++] = value == '/' ? (byte)SlashMarker : (byte)value;
            i += 2;
        }
        bytes = bytes[..length];
        var fault = marked ? null : TextFault(bytes, "path");
        if (marked)
        {
            // The marker itself is a control character: the check is of the path without it.
            Span<byte> plain = stackalloc byte[length];
            bytes.CopyTo(plain);
            plain.Replace((byte)SlashMarker, (byte)'/');
            fault = TextFault(plain, "path");
        }
        if (fault is not null) return fault;
        path = Encoding.UTF8.GetString(bytes);
        forwarded = canonical.ToString();
        return HoldsEncoding(path) && !EncodingsAreOf(ids, path) ? "the path is percent-encoded twice" : null;
    }

    private static string? TextFault(ReadOnlySpan<byte> bytes, string where)
    {
        if (!Utf8.IsValid(bytes)) return $"the {where} is not UTF-8 when decoded";
        for (var i = 0; i < bytes.Length; i++)
        {
            // C0, DEL, and C1 as UTF-8 writes it.
            if (bytes[i] is < 0x20 or 0x7f || (bytes[i] == 0xc2 && bytes[i + 1] < 0xa0)) return $"the {where} holds an encoded control character";
        }
        return null;
    }

    /// <summary>Empty and dot segments. An encoded slash counts as a separator here: beside it they are refused as well.</summary>
    private static string? SegmentFault(string path)
    {
        var rest = path.AsSpan(1);
        while (true)
        {
            var end = rest.IndexOfAny('/', SlashMarker);
            if (end == 0) return "the path holds an empty segment (`//`)";
            var segment = end < 0 ? rest : rest[..end];
            if (segment.Length > 0 && segment[0] == '.' && IsDots(segment)) return "the path holds a `.` or `..` segment";
            if (end < 0) return null;
            rest = rest[(end + 1)..];
        }
    }

    /// <summary><c>.</c> or <c>..</c>, also before a <c>;</c>, where some upstreams end the segment.</summary>
    private static bool IsDots(ReadOnlySpan<char> segment)
    {
        var end = segment.IndexOf(';');
        return (end < 0 ? segment : segment[..end]) is "." or "..";
    }

    internal static bool HoldsEncoding(ReadOnlySpan<char> text)
    {
        for (var at = 0; at < text.Length - 2; at++)
        {
            if (PercentEncoding.ByteAt(text, at) >= 0) return true;
        }
        return false;
    }

    /// <summary>Whether each segment that holds what looks like an encoding is a context's id, or the name of its repository.</summary>
    private static bool EncodingsAreOf(ContextIds ids, string path)
    {
        var own = IsOwn(path);
        foreach (var range in path.AsSpan().Split('/'))
        {
            var segment = path.AsSpan()[range];
            if (!HoldsEncoding(segment) || ids.Contains(segment)) continue;
            if (!own || !segment.EndsWith(".git") || !ids.Contains(segment[..^".git".Length])) return false;
        }
        return true;
    }

    private static string DecodeLeniently(string raw)
    {
        if (!raw.Contains('%')) return raw;
        var decoded = new StringBuilder(raw.Length);
        for (var i = 0; i < raw.Length; i++)
        {
            if (PercentEncoding.ByteAt(raw, i) is >= 0 and < 0x80 and var value)
            {
                decoded.Append((char)value);
                i += 2;
            }
            else
            {
                decoded.Append(raw[i]);
            }
        }
        return decoded.ToString();
    }
}
