using Microsoft.Extensions.Primitives;

namespace WorkloadProxy.Forwarding;

/// <summary>Answers that go on for as long as somebody listens, by their content type.</summary>
internal static class EndlessAnswer
{
    public static bool Is(StringValues contentType) => IsEventStream(contentType) || IsGrpc(contentType);

    public static bool IsEventStream(StringValues contentType) => BeginsWith(contentType, "text/event-stream");

    /// <summary>Also of a request: a call that is still being made has no answer yet.</summary>
    public static bool IsGrpc(StringValues contentType) => BeginsWith(contentType, "application/grpc");

    private static bool BeginsWith(StringValues contentType, string mediaType)
    {
        foreach (var value in contentType)
        {
            if (value is not null && value.AsSpan().TrimStart().StartsWith(mediaType, StringComparison.OrdinalIgnoreCase)) return true;
        }
        return false;
    }
}
