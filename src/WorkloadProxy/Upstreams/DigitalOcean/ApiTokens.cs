using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Polly;
using Polly.Retry;
using WorkloadProxy.Configuration;
using WorkloadProxy.Outbound;
using WorkloadProxy.Requests;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Upstreams.DigitalOcean;

/// <summary>
/// Asks an upstream of kind <c>digitalocean</c> what an API token is worth: whose team it is, whether it may write, which scopes it has. Answers, also negative
/// ones, are kept for 60 s by the token's hash; what the upstream did not answer is not.
/// </summary>
internal sealed class ApiTokens(BoundedFetch fetch, TimeProvider time)
{
    private const int MaxEntries = 10_000;
    private static readonly TimeSpan kept = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan attemptTimeout = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<(string Upstream, TokenHash Token, Question Question), Entry> answers = new();

    /// <summary>Made by the first use: most servers never ask, and Polly is not small.</summary>
    private ResiliencePipeline<Answered> Pipeline => field ??= new ResiliencePipelineBuilder<Answered> { TimeProvider = time }
        .AddRetry(new RetryStrategyOptions<Answered>
        {
            ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome is { Exception: null, Result.Status: 0 or >= 500 }),
            MaxRetryAttempts = 1,
            Delay = TimeSpan.FromMilliseconds(150),
            UseJitter = true,
        })
        .Build();

    private enum Question { Team, Write, Scopes }

    /// <summary>Whose token it is; 401 for no token of this upstream, 403 for one that may not tell.</summary>
    public async Task<Result<ApiAccount>> AccountAsync(UpstreamOptions upstream, string token, CancellationToken cancellationToken)
    {
        var reply = await AskAsync(upstream, token, Question.Team, cancellationToken);
        return reply.Status switch
        {
            200 when reply.Error is not null => Unreachable(upstream, reply),
            200 when AccountOf(reply.Content) is { } account => account,
            200 => new Failure(ErrorId.Forbidden, "the API token's account belongs to no team"),
            401 => new Failure(ErrorId.InvalidToken, "the API token is not valid") { OffersBasic = true },
            403 => new Failure(ErrorId.Forbidden, "the API token may not read its account (`account:read`), so its team can't be told"),
            _ => Unreachable(upstream, reply),
        };
    }

    /// <summary>Null when the token may write, tried with a request that can't succeed; else why not.</summary>
    public async Task<Failure?> CheckWriteAsync(UpstreamOptions upstream, string token, CancellationToken cancellationToken)
    {
        var reply = await AskAsync(upstream, token, Question.Write, cancellationToken);
        return reply.Status switch
        {
            422 => null,
            401 => new Failure(ErrorId.InvalidToken, "the API token is not valid") { OffersBasic = true },
            403 => new Failure(ErrorId.Forbidden, "the API token may read only: a push needs one with write rights"),
            _ => Unreachable(upstream, reply),
        };
    }

    /// <summary>
    /// The token's scopes (<c>GET &lt;OAuth:Address&gt;/token/info</c>) at an upstream that tells them, which only its configuration says: any answer but the
    /// scopes is a failure, for whoever can provoke another one (429, a time-out) would otherwise have none to show.
    /// </summary>
    public async Task<Result<HashSet<string>>> ScopesAsync(UpstreamOptions upstream, string token, CancellationToken cancellationToken)
    {
        var reply = await AskAsync(upstream, token, Question.Scopes, cancellationToken);
        if (reply.Status == 200 && ScopesOf(reply.Content) is { } scopes) return scopes;
        return reply.Status == 200
            ? new Failure(ErrorId.UpstreamUnreachable, $"upstream `{upstream.Name}` did not say which scopes an API token has")
            : Unreachable(upstream, reply);
    }

    private static Failure Unreachable(UpstreamOptions upstream, Answered reply) => reply.Status == 0 || reply.Error is not null
        ? new Failure(ErrorId.UpstreamUnreachable, $"upstream `{upstream.Name}` can't be asked about the API token") { Detail = reply.Error }
        : new Failure(ErrorId.UpstreamUnreachable, $"upstream `{upstream.Name}` answered {reply.Status} when asked about the API token");

    private async Task<Answered> AskAsync(UpstreamOptions upstream, string token, Question question, CancellationToken cancellationToken)
    {
        if (!TokenHash.TryCompute(token, out var hash)) return new Answered(401, [], null, null);
        if (answers.Count >= MaxEntries) Forget();
        var key = (upstream.Name, hash, question);
        var entry = answers.GetOrAdd(key, _ => new Entry(time.GetTimestamp(), new Lazy<Task<Answered>>(() => SendAsync(upstream, token, question))));
        if (time.GetElapsedTime(entry.Asked) >= kept)
        {
            var fresh = new Entry(time.GetTimestamp(), new Lazy<Task<Answered>>(() => SendAsync(upstream, token, question)));
            // whoever is first asks; the others take that answer
            entry = answers.TryUpdate(key, fresh, entry) ? fresh : answers.GetOrAdd(key, fresh);
        }
        var reply = await entry.Reply.Value.WaitAsync(cancellationToken);
        if (reply.Status is 0 or 429 or >= 500 || reply.Error is not null) answers.TryRemove(new(key, entry));
        return reply;
    }

    private void Forget()
    {
        foreach (var entry in answers) if (time.GetElapsedTime(entry.Value.Asked) >= kept) answers.TryRemove(entry);
        if (answers.Count >= MaxEntries) answers.Clear();
    }

    // shared by all who wait: it does not end with the request that began it
    private async Task<Answered> SendAsync(UpstreamOptions upstream, string token, Question question) => await Pipeline.ExecuteAsync(async cancellationToken =>
    {
        using var request = question switch
        {
            Question.Team => new HttpRequestMessage(HttpMethod.Get, Below(upstream.Address!, "v2/account")),
            Question.Write => new HttpRequestMessage(HttpMethod.Post, Below(upstream.Address!, "v2/droplets"))
                { Content = new StringContent("{}", Encoding.UTF8, "application/json") },
            _ => new HttpRequestMessage(HttpMethod.Get, Below(upstream.OAuth!.Address, "token/info")),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Headers.UserAgent.ParseAdd("workload-proxy");
        request.Headers.Accept.ParseAdd("application/json");
        // where teams sign in is another server
        return await fetch.SendAsync(request, FetchTrust.Listed, cancellationToken, attemptTimeout, question == Question.Scopes ? null : upstream.CaFile);
    }, CancellationToken.None);

    private static Uri Below(Uri address, string path) => new(address.ToString().TrimEnd('/') + "/" + path);

    private static ApiAccount? AccountOf(byte[] json) => Read(json, root =>
        root.TryGetProperty("account", out var account) && account.ValueKind == JsonValueKind.Object && account.TryGetProperty("team", out var team)
        && team.ValueKind == JsonValueKind.Object
        && TextOf(team, "uuid") is { } id ? new ApiAccount(id, TextOf(account, "uuid"), TextOf(account, "email")) : null);

    private static string? TextOf(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 and <= 200 } text
        ? text : null;

    private static HashSet<string>? ScopesOf(byte[] json) => Read(json, root =>
        root.TryGetProperty("scopes", out var scopes) && scopes.ValueKind == JsonValueKind.Array
        ? scopes.EnumerateArray().Select(scope => scope.ToString()).ToHashSet(StringComparer.Ordinal)
        : root.TryGetProperty("scope", out var scope) && scope.ValueKind == JsonValueKind.String
        ? scope.GetString()!.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToHashSet(StringComparer.Ordinal)
        : null);

    private static T? Read<T>(byte[] json, Func<JsonElement, T?> read) where T : class
    {
        if (!StrictJson.TryParseObject(json, maxDepth: 16, out var document, out _)) return null;
        using (document) return read(document.RootElement);
    }

    private sealed record Entry(long Asked, Lazy<Task<Answered>> Reply);
}
