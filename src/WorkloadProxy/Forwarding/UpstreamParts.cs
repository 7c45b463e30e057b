using WorkloadProxy.Configuration;

namespace WorkloadProxy.Forwarding;

/// <summary>Opens a connection in place of the HTTP client, for upstreams whose address comes from others than the operator.</summary>
internal delegate ValueTask<Stream> Connect(SocketsHttpConnectionContext context, CancellationToken cancellationToken);

/// <summary>What an upstream's kind adds to forwarding; plain kinds add nothing.</summary>
internal sealed record UpstreamParts
{
    public static UpstreamParts None { get; } = new();

    /// <summary>The address of each context, where there is no <c>Address</c> for all.</summary>
    public IUpstreamAddress? Address { get; init; }
    public IReadOnlyList<IInterceptor> Interceptors { get; init; } = [];
    public Connect? Connect { get; init; }
}

/// <summary>What the kind of an upstream adds.</summary>
internal delegate UpstreamParts FindUpstreamParts(UpstreamOptions upstream);
