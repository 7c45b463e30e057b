using WorkloadProxy.Requests;

namespace WorkloadProxy.Forwarding;

/// <summary>
/// What an interceptor decided for one request: <paramref name="Refused"/> is the caller's answer and nothing is sent; otherwise the request goes on, and
/// <paramref name="OnAnswer"/> sees the upstream's answer, its head and its content, before any of it reaches the caller. It may read a content whose size it
/// has bounded (<c>LoadIntoBufferAsync</c>), replace <c>answer.Content</c>, or return a failure that the caller gets instead.
/// </summary>
internal readonly record struct Interception(Failure? Refused = null, Func<HttpResponseMessage, CancellationToken, ValueTask<Failure?>>? OnAnswer = null);
