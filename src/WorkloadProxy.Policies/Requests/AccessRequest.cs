namespace WorkloadProxy.Policies;

/// <summary>The facts that a decision is made on.</summary>
public readonly struct AccessRequest
{
    /// <summary>The HTTP method, upper case as sent.</summary>
    public required string Method { get; init; }
    /// <summary>Canonical path and query.</summary>
    public required RequestTarget Target { get; init; }
    /// <summary>Whether the request asks for a WebSocket upgrade.</summary>
    public bool Upgrade { get; init; }
    /// <summary>The inspected body, null while it has not been read. A request that can have none may say <see cref="RequestBody.Absent"/> at once.</summary>
    public RequestBody? Body { get; init; }
    /// <summary>When the request is decided.</summary>
    public required DateTimeOffset Now { get; init; }
}
