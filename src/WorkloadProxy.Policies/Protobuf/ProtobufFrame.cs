using System.Buffers.Binary;

namespace WorkloadProxy.Policies.Protobuf;

/// <summary>
/// A gRPC body: messages, each after five bytes. One that is not compressed can be inspected; a stream of them can't, for a rule sees a request before it is
/// sent.
/// </summary>
internal static class ProtobufFrame
{
    private const int Head = 5;

    /// <summary>The one message; false with whether that is a matter of the encoding (415) or of a broken frame (400).</summary>
    public static bool TryOpen(ReadOnlyMemory<byte> body, out ReadOnlyMemory<byte> message, out RequestBody.Problem problem, out string? error)
    {
        message = default;
        var bytes = body.Span;
        (problem, error) = bytes.Length < Head ? (RequestBody.Problem.Malformed, "the body is not a gRPC message: it ends within its head")
            : bytes[0] == 1 ? (RequestBody.Problem.UnsupportedMediaType, "the gRPC message is compressed, and a rule must read it")
            : bytes[0] != 0 ? (RequestBody.Problem.Malformed, "the body is not a gRPC message: its first byte is neither 0 nor 1")
            : (RequestBody.Problem.None, (string?)null);
        if (error is not null) return false;
        var length = BinaryPrimitives.ReadUInt32BigEndian(bytes[1..]);
        (problem, error) = length > bytes.Length - Head
            ? (RequestBody.Problem.Malformed, "the body is not a gRPC message: it ends before the length that it states")
            : length < bytes.Length - Head ? (RequestBody.Problem.UnsupportedMediaType, "the body holds several gRPC messages, and a rule reads one")
            : (RequestBody.Problem.None, null);
        message = body[Head..];
        return error is null;
    }
}
