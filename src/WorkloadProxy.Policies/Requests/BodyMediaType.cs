using System.Net.Http.Headers;

namespace WorkloadProxy.Policies.Requests;

internal enum BodyMediaType
{
    Unsupported,
    Json,
    Form,
}

/// <summary><c>Content-Type</c> → how a body can be inspected: JSON or a form, in UTF-8, and nothing else.</summary>
internal static class BodyMediaTypes
{
    public static BodyMediaType Parse(string contentType)
    {
        // A comma is how two headers arrive in one; a quoted one is not worth the ambiguity.
        if (contentType.Contains(',') || !MediaTypeHeaderValue.TryParse(contentType, out var type) || type.MediaType is not { } media) return BodyMediaType.Unsupported;
        if (type.Parameters.Count(parameter => parameter.Name.Equals("charset", StringComparison.OrdinalIgnoreCase)) > 1) return BodyMediaType.Unsupported;
        if (type.CharSet?.Trim('"') is { } charset && !charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase) && !charset.Equals("utf8", StringComparison.OrdinalIgnoreCase)) return BodyMediaType.Unsupported;
        if (media.Equals("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase)) return BodyMediaType.Form;
        return media.Equals("application/json", StringComparison.OrdinalIgnoreCase) || media.EndsWith("+json", StringComparison.OrdinalIgnoreCase)
            ? BodyMediaType.Json
            : BodyMediaType.Unsupported;
    }
}
