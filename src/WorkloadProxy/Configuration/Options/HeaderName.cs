namespace WorkloadProxy.Configuration.Options;

/// <summary>The name of a header field: a token of RFC 9110 §5.6.2.</summary>
internal static class HeaderName
{
    public static bool IsValid(string name) => name.Length is > 0 and <= 100 && name.All(c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c));
}
