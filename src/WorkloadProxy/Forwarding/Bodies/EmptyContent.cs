using System.Net;

namespace WorkloadProxy.Forwarding.Bodies;

/// <summary>No body, as a content: it can carry the headers that .NET files under content, and a request that has one is not sent a second time.</summary>
internal sealed class EmptyContent : HttpContent
{
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => Task.CompletedTask;
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) => Task.CompletedTask;

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return true;
    }
}
