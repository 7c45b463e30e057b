using System.Text.Json;

namespace WorkloadProxy.Requests;

/// <summary>A failure in the words of Kubernetes, whose clients print `unknown` where the body is not a `Status`.</summary>
internal static class KubernetesError
{
    /// <summary>Whether the caller is a client of Kubernetes: kubectl, helm and all that is made with its library end their name so.</summary>
    public static bool IsExpected(HttpRequest request) => request.Headers.UserAgent.ToString().Contains(" kubernetes/", StringComparison.Ordinal);

    /// <summary>The members that make the proxy's own object a `Status` too.</summary>
    public static void WriteMembers(Utf8JsonWriter json, int status)
    {
        json.WriteString("kind"u8, "Status"u8);
        json.WriteString("apiVersion"u8, "v1"u8);
        json.WriteString("status"u8, "Failure"u8);
        json.WriteString("reason"u8, ReasonOf(status));
        json.WriteNumber("code"u8, status);
    }

    private static string ReasonOf(int status) => status switch
    {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        405 => "MethodNotAllowed",
        413 => "RequestEntityTooLarge",
        415 => "UnsupportedMediaType",
        422 => "Invalid",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "InternalError",
    };
}
