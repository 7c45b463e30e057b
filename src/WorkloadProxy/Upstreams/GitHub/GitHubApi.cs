using System.Globalization;
using Octokit;
using Octokit.Internal;
using Polly;
using Polly.Retry;
using WorkloadProxy.Outbound;
using WorkloadProxy.Requests;
using WorkloadProxy.Secrets;

namespace WorkloadProxy.Upstreams.GitHub;

/// <summary>
/// GitHub's REST API, or that of an Enterprise server, by Octokit over the guarded client; tried again where that may help, and not before GitHub says.
/// </summary>
internal sealed class GitHubApi(BoundedFetch fetch, TimeProvider time)
{
    // a call that waits longer keeps its caller waiting: who is told to come back later does it later
    private static readonly TimeSpan longestWait = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan longestRetryAfter = TimeSpan.FromDays(1);

    /// <summary>Made by the first use: most servers never ask.</summary>
    private ResiliencePipeline<GitHubAnswer> Pipeline => field ??= new ResiliencePipelineBuilder<GitHubAnswer> { TimeProvider = time }
        .AddRetry(new RetryStrategyOptions<GitHubAnswer>
        {
            ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Result is { IsTransient: true } answer && !(answer.RetryAfter > longestWait)),
            DelayGenerator = arguments => ValueTask.FromResult(arguments.Outcome.Result?.RetryAfter),
            MaxRetryAttempts = 2,
            Delay = TimeSpan.FromMilliseconds(300),
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
        })
        .Build();

    /// <summary>One call to the API at <paramref name="api"/>, whose address may have a path of its own (<c>/api/v3</c>). Throws only when cancelled.</summary>
    public async Task<GitHubAnswer<T>> CallAsync<T>(Uri api, Secret token, Func<IApiConnection, Task<T>> call, CancellationToken cancellationToken)
        where T : class =>
        (GitHubAnswer<T>)await Pipeline.ExecuteAsync(async attempt => await AttemptAsync(api, token, call, attempt), cancellationToken);

    private async Task<GitHubAnswer> AttemptAsync<T>(Uri api, Secret token, Func<IApiConnection, Task<T>> call, CancellationToken cancellationToken)
        where T : class
    {
        using var http = new GitHubHttp(fetch, cancellationToken);
        var credentials = new InMemoryCredentialStore(new Octokit.Credentials(token.Reveal(), AuthenticationType.Bearer));
        var connection = new Connection(new ProductHeaderValue("workload-proxy"), new Uri(api.AbsoluteUri.TrimEnd('/') + "/"), credentials, http,
            new SimpleJsonSerializer());
        T? content = null;
        try
        {
            content = await call(new ApiConnection(connection));
        }
        // whatever Octokit throws after an answer is about the answer; its own texts repeat parts of it
        catch (Exception) when (http.Answered is not null && !cancellationToken.IsCancellationRequested)
        {
        }
        var answered = http.Answered ?? default;
        var isSuccess = answered.Status is >= 200 and < 300;
        var problem = answered.Error ?? $"`{http.Address}` answered {answered.Status}{(isSuccess && !http.IsObject ? " without a JSON object" : "")}";
        return new GitHubAnswer<T>(answered.Status, http.IsObject, isSuccess && http.IsObject ? content : null, problem, RetryAfterOf(answered));
    }

    /// <summary><c>Retry-After</c>, or when the limit of requests is renewed: GitHub says 403 or 429 then.</summary>
    private TimeSpan? RetryAfterOf(Answered answered)
    {
        if (answered.Headers is not { } headers || answered.Status is not (403 or 429 or >= 500)) return null;
        var wait = headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - time.GetUtcNow(),
            _ when First("x-ratelimit-remaining") == "0" && long.TryParse(First("x-ratelimit-reset"), NumberStyles.None, CultureInfo.InvariantCulture,
                out var reset) && reset < 253402300800 => DateTimeOffset.FromUnixTimeSeconds(reset) - time.GetUtcNow(),
            _ => (TimeSpan?)null,
        };
        return wait is not { } some ? null : some < TimeSpan.Zero ? TimeSpan.Zero : some > longestRetryAfter ? longestRetryAfter : some;

        string? First(string name) => headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;
    }
}
