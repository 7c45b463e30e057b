using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Polly;
using Polly.Retry;
using WorkloadProxy.Outbound;
using WorkloadProxy.Secrets;

namespace WorkloadProxy.Upstreams.GitHub;

/// <summary>What GitHub said; status 0 is nothing. <paramref name="Problem"/> is why that can't be used, without a word of the answer, which may hold what was sent.</summary>
internal sealed record GitHubAnswer(int Status, JsonElement? Content, string Problem, TimeSpan? RetryAfter)
{
    /// <summary>The same again may fare better.</summary>
    public bool IsTransient => Status is 0 or 408 or 429 or >= 500 || RetryAfter is not null;
}

/// <summary>GitHub's REST API, or that of an Enterprise server: JSON there and back, bounded, tried again where that may help. It knows no endpoint.</summary>
internal sealed class GitHubApi(BoundedFetch fetch, TimeProvider time)
{
    private const int MaxDepth = 16;
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

    /// <summary>Calls <paramref name="path"/> below the API's address, which may have a path of its own (<c>/api/v3</c>). Throws only when cancelled.</summary>
    public async Task<GitHubAnswer> SendAsync(HttpMethod method, Uri api, string path, Secret token, JsonObject? body, CancellationToken cancellationToken) =>
        await Pipeline.ExecuteAsync(async attempt => await AttemptAsync(method, new Uri(api.AbsoluteUri.TrimEnd('/') + path), token, body, attempt), cancellationToken);

    private async Task<GitHubAnswer> AttemptAsync(HttpMethod method, Uri address, Secret token, JsonObject? body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, address) { Content = body is null ? null : JsonContent.Create(body) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token.Reveal());
        request.Headers.UserAgent.ParseAdd("workload-proxy");
        request.Headers.Accept.ParseAdd("application/vnd.github+json");
        request.Headers.Add("X-GitHub-Api-Version", "2022-11-28");
        var answered = await fetch.SendAsync(request, FetchTrust.Listed, cancellationToken);
        var content = Parse(answered.Content);
        return new(answered.Status, content, answered.Error ?? $"`{address}` answered {answered.Status}{(content is null && answered.Status is >= 200 and < 300 ? " without a JSON object" : "")}", RetryAfterOf(answered));
    }

    private static JsonElement? Parse(byte[] content)
    {
        if (!StrictJson.TryParseObject(content, MaxDepth, out var document, out _)) return null;
        using (document) return document.RootElement.Clone();
    }

    /// <summary><c>Retry-After</c>, or when the limit of requests is renewed: GitHub says 403 or 429 then.</summary>
    private TimeSpan? RetryAfterOf(Answered answered)
    {
        if (answered.Headers is not { } headers || answered.Status is not (403 or 429 or >= 500)) return null;
        var wait = headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - time.GetUtcNow(),
            _ when First("x-ratelimit-remaining") == "0" && long.TryParse(First("x-ratelimit-reset"), NumberStyles.None, CultureInfo.InvariantCulture, out var reset) && reset < 253402300800 => DateTimeOffset.FromUnixTimeSeconds(reset) - time.GetUtcNow(),
            _ => (TimeSpan?)null,
        };
        return wait is not { } some ? null : some < TimeSpan.Zero ? TimeSpan.Zero : some > longestRetryAfter ? longestRetryAfter : some;

        string? First(string name) => headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;
    }
}
