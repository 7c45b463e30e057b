namespace WorkloadProxy.Upstreams.GitHub;

/// <summary>
/// What GitHub said; status 0 is nothing. <paramref name="Problem"/> is why that can't be used, without a word of the answer, which may hold what was sent.
/// </summary>
internal record GitHubAnswer(int Status, string Problem, TimeSpan? RetryAfter)
{
    /// <summary>The same call again may fare better.</summary>
    public bool IsTransient => Status is 0 or 408 or 429 or >= 500 || RetryAfter is not null;
}

/// <summary>With what was asked for, where it came; <paramref name="IsObject"/>: the answer was JSON that can be read, whatever it said.</summary>
internal sealed record GitHubAnswer<T>(int Status, bool IsObject, T? Content, string Problem, TimeSpan? RetryAfter) : GitHubAnswer(Status, Problem, RetryAfter)
    where T : class;
