namespace WorkloadProxy.Forwarding;

/// <summary>
/// What an upstream kind does around requests to one method and path. It comes after the rules (or, for a user's own token, in their place) and before the
/// credential.
/// </summary>
internal interface IInterceptor
{
    string Method { get; }

    /// <summary>The canonical path, exactly; a target's query doesn't count.</summary>
    string Path { get; }

    /// <summary>
    /// Before anything is sent: may read the body, put another in its place (<see cref="InterceptedRequest"/>), ask other services, or refuse. What it takes
    /// for that is its own to bound. The caller's token and the policy set are looked at again afterwards.
    /// </summary>
    ValueTask<Interception> BeginAsync(InterceptedRequest request, CancellationToken cancellationToken);
}
