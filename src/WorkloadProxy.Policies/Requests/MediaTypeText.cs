namespace WorkloadProxy.Policies;

/// <summary>The text of a <c>Content-Type</c>, before it is parsed.</summary>
public static class MediaTypeText
{
    /// <summary>
    /// An empty parameter is none (RFC 9110 section 5.6.6), as in <c>application/json;</c>: clients send it, and parsers after RFC 7231 refuse it.
    /// </summary>
    public static string WithoutEmptyParameters(string contentType)
        => contentType.Contains('"')
            ? contentType : string.Join(';', contentType.Split(';').Where((part, i) => i == 0 || part.AsSpan().Trim(" \t").Length > 0));
}
