namespace WorkloadProxy.Policies.Roles;

/// <summary>
/// The form of an <c>iss</c>: an absolute URL with neither query, fragment nor user. Whether it may be trusted, and over http, is the server's to say.
/// </summary>
internal static class IssuerUrl
{
    public static bool IsValid(string text)
        => !text.Any(c => char.IsWhiteSpace(c) || char.IsControl(c) || c is '?' or '#' or '\\')
            && (text.StartsWith("https://", StringComparison.OrdinalIgnoreCase) || text.StartsWith("http://", StringComparison.OrdinalIgnoreCase))
            && Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Host.Length > 0
            && !text.AsSpan(text.IndexOf("//", StringComparison.Ordinal) + 2).SliceTo('/').Contains('@');

    private static ReadOnlySpan<char> SliceTo(this ReadOnlySpan<char> text, char end) => text.IndexOf(end) is var at and >= 0 ? text[..at] : text;

    /// <summary>
    /// What two spellings of one issuer have in common: host, port and path, without case and slashes at the end. Never for comparing with a token.
    /// </summary>
    public static string Normalize(string text)
        => Uri.TryCreate(text, UriKind.Absolute, out var url) ? $"{url.Authority}/{url.AbsolutePath.Trim('/')}".ToLowerInvariant() : text;
}
