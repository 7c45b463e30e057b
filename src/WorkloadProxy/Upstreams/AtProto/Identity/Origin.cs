using System.Diagnostics.CodeAnalysis;

namespace WorkloadProxy.Upstreams.AtProto.Identity;

/// <summary>Scheme, host and port of a server, written in the one way in which they are compared: <c>https://pds.example.com</c>.</summary>
internal static class Origin
{
    private const int MaxLength = 300;

    /// <summary>Takes an origin, with or without a slash at its end, and nothing else: no user, path, query or fragment.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out string? origin)
    {
        origin = null;
        if (text is null or { Length: 0 or > MaxLength } || text.AsSpan().ContainsAnyExceptInRange('!', '~')) return false;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("https" or "http")) return false;
        if (uri.HostNameType is not (UriHostNameType.Dns or UriHostNameType.IPv4 or UriHostNameType.IPv6)) return false;
        // as it was written: what a parser has tidied up (a user, a path, a backslash) another parser may read otherwise
        var written = text.EndsWith('/') ? text[..^1] : text;
        var found = Of(uri);
        if (!written.Equals(found, StringComparison.OrdinalIgnoreCase)
            && !written.Equals($"{uri.Scheme}://{uri.Host}:{uri.Port}", StringComparison.OrdinalIgnoreCase))
            return false;
        origin = found;
        return true;
    }

    /// <summary>The origin of an absolute address.</summary>
    public static string Of(Uri address) => address.IsDefaultPort ? $"{address.Scheme}://{address.Host}" : $"{address.Scheme}://{address.Host}:{address.Port}";
}
