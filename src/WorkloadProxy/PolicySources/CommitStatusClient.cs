using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using Polly;
using Polly.Retry;
using WorkloadProxy.GitHosting;

namespace WorkloadProxy.PolicySources;

/// <summary>One call of GitHub's REST API: <c>POST /repos/{owner}/{repo}/statuses/{sha}</c>.</summary>
internal sealed class CommitStatusClient(TimeProvider time) : IDisposable
{
    private static readonly TimeSpan attemptTimeout = TimeSpan.FromSeconds(5);
    private readonly HttpMessageInvoker http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.FromMinutes(1), MaxResponseHeadersLength = 32 });

    /// <summary>Made by the first use: most servers never ask, and Polly is not small.</summary>
    private ResiliencePipeline<string?> Pipeline => field ??= new ResiliencePipelineBuilder<string?> { TimeProvider = time }
        .AddRetry(new RetryStrategyOptions<string?>
        {
            ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Result is { } problem && problem.StartsWith("transient", StringComparison.Ordinal)),
            MaxRetryAttempts = 2,
            Delay = TimeSpan.FromMilliseconds(300),
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
        })
        .Build();

    /// <summary>Null when it is set, else why not. Throws only when cancelled.</summary>
    public async Task<string?> SetAsync(CommitStatusTarget target, ObjectId commit, string state, string description, CancellationToken cancellationToken) =>
        await Pipeline.ExecuteAsync(async token =>
        {
            using var timeout = new CancellationTokenSource(attemptTimeout, time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(token, timeout.Token);
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, $"{target.Api.ToString().TrimEnd('/')}/repos/{Uri.EscapeDataString(target.Owner)}/{Uri.EscapeDataString(target.Repository)}/statuses/{commit}")
                {
                    Content = JsonContent.Create(new { state, description, context = target.Context }),
                };
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", target.Token);
                request.Headers.UserAgent.ParseAdd("workload-proxy");
                request.Headers.Accept.ParseAdd("application/vnd.github+json");
                request.Headers.Add("X-GitHub-Api-Version", "2022-11-28");
                using var response = await http.SendAsync(request, both.Token);
                if (response.StatusCode == HttpStatusCode.Created) return null;
                return $"{((int)response.StatusCode is 408 or 429 or >= 500 ? "transient: " : "")}`{target.Api}` answered {(int)response.StatusCode}";
            }
            catch (OperationCanceledException) when (!token.IsCancellationRequested)
            {
                return $"transient: `{target.Api}` did not answer in {attemptTimeout.TotalSeconds:0} s";
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                return $"transient: `{target.Api}`: {e.Message}";
            }
        }, cancellationToken);

    public void Dispose() => http.Dispose();
}

/// <summary>Where a commit status goes, and under which name.</summary>
internal sealed record CommitStatusTarget(Uri Api, string Owner, string Repository, string Token, string Context);
