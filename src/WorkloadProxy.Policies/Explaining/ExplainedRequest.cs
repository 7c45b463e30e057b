namespace WorkloadProxy.Policies;

/// <summary>A request to be explained, as it would arrive.</summary>
public sealed record ExplainedRequest(string Method, string RawTarget, DateTimeOffset Now)
{
    /// <summary>Empty if there is none.</summary>
    public ReadOnlyMemory<byte> Body { get; init; }
    /// <summary>Of the body.</summary>
    public string ContentType { get; init; } = "application/json";
    /// <summary>Whether it asks for a WebSocket upgrade.</summary>
    public bool Upgrade { get; init; }
}
