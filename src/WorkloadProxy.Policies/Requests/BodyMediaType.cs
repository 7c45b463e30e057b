using System.Net.Http.Headers;

namespace WorkloadProxy.Policies.Requests;

internal enum BodyMediaType
{
    Unsupported,
    Json,
    Form,
    Protobuf,
    Grpc,
}

/// <summary>
/// <c>Content-Type</c> → how a body can be inspected: JSON or a form, in UTF-8, protobuf, and nothing else. No parameter but <c>charset</c>, and no type that
/// an upstream which looks at its beginning would read as a form while JSON was inspected.
/// </summary>
internal static class BodyMediaTypes
{
    public static BodyMediaType Parse(string contentType)
    {
        // A comma is how two headers arrive in one; a quoted one is not worth the ambiguity.
        if (contentType.Contains(',') || !MediaTypeHeaderValue.TryParse(MediaTypeText.WithoutEmptyParameters(contentType), out var type)
            || type.MediaType is not { } media)
            return BodyMediaType.Unsupported;
        if (type.Parameters.Count == 0)
        {
            if (media.Equals("application/proto", StringComparison.OrdinalIgnoreCase)) return BodyMediaType.Protobuf;
            if (media.Equals("application/grpc", StringComparison.OrdinalIgnoreCase)
                || media.Equals("application/grpc+proto", StringComparison.OrdinalIgnoreCase))
                return BodyMediaType.Grpc;
        }
        if (type.Parameters.Count > 1 || type.Parameters.Any(parameter => !parameter.Name.Equals("charset", StringComparison.OrdinalIgnoreCase)))
            return BodyMediaType.Unsupported;
        if (type.CharSet?.Trim('"') is { } charset && !charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase)
            && !charset.Equals("utf8", StringComparison.OrdinalIgnoreCase))
            return BodyMediaType.Unsupported;
        if (media.Equals("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase)) return BodyMediaType.Form;
        return media.Equals("application/json", StringComparison.OrdinalIgnoreCase) || IsStructuredJson(media) ? BodyMediaType.Json : BodyMediaType.Unsupported;
    }

    private static bool IsStructuredJson(string media)
        => media.StartsWith("application/", StringComparison.OrdinalIgnoreCase) && media.EndsWith("+json", StringComparison.OrdinalIgnoreCase)
            && !media.Contains("form-urlencoded", StringComparison.OrdinalIgnoreCase) && !media.Contains("form-data", StringComparison.OrdinalIgnoreCase);
}
