namespace WorkloadProxy.Forwarding.Bodies;

/// <summary>
/// The last step before the HTTP client: puts in the content that the transformer chose, which the forwarder doesn't let it replace. The HTTP client repeats a
/// request without content when a connection that was used before turns out to be closed. Whether the upstream acted on it by then nobody knows, so whatever
/// changes something has a content (RFC 9110 §9.2.2).
/// </summary>
internal sealed class OutgoingHandler(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    /// <summary>The content that goes out in place of the forwarder's.</summary>
    public static HttpRequestOptionsKey<HttpContent> Content { get; } = new("content");

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Options.TryGetValue(Content, out var chosen)) request.Content = chosen;
        else if (request.Content is null && request.Method.Method is not ("GET" or "HEAD" or "OPTIONS" or "CONNECT")) request.Content = new EmptyContent();
        return base.SendAsync(request, cancellationToken);
    }
}
