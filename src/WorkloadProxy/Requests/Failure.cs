namespace WorkloadProxy.Requests;

/// <summary>
/// An expected failure, as a value: what the caller is told. <paramref name="Message"/> is safe to show: no secret, no permitted value.
/// <see cref="Detail"/> is for the audit alone.
/// </summary>
internal sealed record Failure(ErrorId Id, string Message)
{
    /// <summary>More for the audit record than the caller may learn (which issuer, which key); never a token or a secret.</summary>
    public string? Detail { get; init; }
    /// <summary>The whole of it, for the audit record.</summary>
    public string Reason => Detail is null ? Message : $"{Message} ({Detail})";
    /// <summary>For 429 and 503.</summary>
    public TimeSpan? RetryAfter { get; init; }
    /// <summary>For 405: the <c>Allow</c> header.</summary>
    public string? Allow { get; init; }
    /// <summary>For 401 where a document says how to get a token (RFC 9728 §5.1): its address.</summary>
    public string? ResourceMetadata { get; init; }
    /// <summary>For 401 on git's paths: <c>Basic</c> is offered beside <c>Bearer</c>, or git never asks its credential helper.</summary>
    public bool OffersBasic { get; init; }
    /// <summary>503 whatever the id: nothing was spent, and the same request may succeed later.</summary>
    public bool TryAgain { get; init; }
}
