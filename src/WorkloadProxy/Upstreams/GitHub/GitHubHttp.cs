using System.Net;
using System.Text;
using Octokit;
using Octokit.Internal;
using WorkloadProxy.Outbound;

namespace WorkloadProxy.Upstreams.GitHub;

/// <summary>
/// Octokit's way to the network: one call by the guarded, bounded client, with no redirect and no retry of its own. What was answered is kept beside what
/// Octokit makes of it, and only an answer that is strictly one JSON object is handed on: Octokit's own parser takes the last of two members of one name.
/// </summary>
internal sealed class GitHubHttp(BoundedFetch fetch, CancellationToken cancellationToken) : IHttpClient
{
    private const int MaxDepth = 16;

    /// <summary>The last answer; null before there is one.</summary>
    public Answered? Answered { get; private set; }

    public Uri? Address { get; private set; }

    /// <summary>Whether the answer was JSON that can be read.</summary>
    public bool IsObject { get; private set; }

    // most of Octokit's calls take no cancellation of their own: this client is made for one call, and has the call's
    public async Task<IResponse> Send(IRequest request, CancellationToken ignored, Func<object, object> preprocessResponseBody)
    {
        Address = new Uri(request.BaseAddress, request.Endpoint);
        using var message = new HttpRequestMessage(request.Method, Address);
        foreach (var (name, value) in request.Headers) message.Headers.TryAddWithoutValidation(name, value);
        // Octokit's names the machine's system and language
        message.Headers.Remove("User-Agent");
        message.Headers.UserAgent.ParseAdd("workload-proxy");
        if (request.Body is string body) message.Content = new StringContent(body, Encoding.UTF8, "application/json");
        var answered = await fetch.SendAsync(message, FetchTrust.Listed, cancellationToken);
        Answered = answered;
        IsObject = answered.Error is null && StrictJson.TryParseObject(answered.Content, MaxDepth, out var document, out _) && Dispose(document);
        if (answered.Error is not null || (answered.Status is >= 200 and < 300 && !IsObject)) throw new UnusableAnswerException();
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, values) in answered.Headers!) headers[name] = string.Join(", ", values);
        // of an error only the status counts: its text may repeat what was sent
        var isSuccess = answered.Status is >= 200 and < 300;
        return new GitHubResponse((HttpStatusCode)answered.Status, isSuccess ? Encoding.UTF8.GetString(answered.Content) : "", headers);
    }

    /// <summary>The clock is the fetch's.</summary>
    public void SetRequestTimeout(TimeSpan timeout)
    {
    }

    public void Dispose()
    {
    }

    private static bool Dispose(IDisposable document)
    {
        document.Dispose();
        return true;
    }

    internal sealed class UnusableAnswerException : Exception;
}
