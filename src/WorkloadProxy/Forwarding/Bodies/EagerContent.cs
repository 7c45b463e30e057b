using System.Net;

namespace WorkloadProxy.Forwarding.Bodies;

/// <summary>The forwarder's own content, copied by way of an <see cref="EagerBody"/>.</summary>
internal sealed class EagerContent(HttpContent inner, EagerBody body) : HttpContent
{
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    // the very token that it was given: the forwarder tells by it which protocol it speaks
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        body.WriteTo(stream);
        return inner.CopyToAsync(body, context, cancellationToken);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
