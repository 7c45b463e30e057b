namespace WorkloadProxy.Requests;

/// <summary>A failure in the words of a protocol: the status, and a JSON body.</summary>
internal readonly record struct ShapedError(int Status, byte[] Json);

/// <summary>
/// A feature of requests to an endpoint that speaks a protocol of its own: how a failure is written there. Null leaves it as it is everywhere.
/// </summary>
internal sealed record ErrorShape(Func<ErrorResponse, ShapedError?> Of);
