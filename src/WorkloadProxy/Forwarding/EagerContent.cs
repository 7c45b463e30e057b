using System.Net;

namespace WorkloadProxy.Forwarding;

/// <summary>The forwarder's own content, which tells <see cref="EagerBody"/> where it is copied to.</summary>
internal sealed class EagerContent(HttpContent inner, EagerBody body) : HttpContent
{
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    // the very token that it was given: the forwarder knows by it which protocol it speaks
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        body.Output = stream;
        return inner.CopyToAsync(stream, context, cancellationToken);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
