using System.Net;
using Octokit;

namespace WorkloadProxy.Upstreams.GitHub;

/// <summary>An answer as Octokit takes it. What it would read from the headers (limits, links) is read by the caller where it is of use.</summary>
internal sealed record GitHubResponse(HttpStatusCode StatusCode, object Body, IReadOnlyDictionary<string, string> Headers) : IResponse
{
    public ApiInfo ApiInfo { get; } = new(new Dictionary<string, Uri>(), [], [], "", new RateLimit(0, 0, 0));

    public string ContentType => "application/json";
}
