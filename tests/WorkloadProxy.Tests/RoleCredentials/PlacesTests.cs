using Dapper;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Sandbox;
using WorkloadProxy.Configuration;
using WorkloadProxy.Credentials;
using WorkloadProxy.Credentials.Exchange;
using WorkloadProxy.HandedOut;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;
using WorkloadProxy.Tests.Authentication;
using WorkloadProxy.Tests.Storage;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Tests.RoleCredentials;

/// <summary>Of exchanged credentials and of tokens that were handed out there are so many places, and nobody can take those of others.</summary>
public sealed class PlacesTests
{
    private const int OfContext = 10_000;
    private readonly ManualTime time = new();

    [Fact]
    public async Task A_create_that_failed_when_its_caller_had_gone_leaves_no_place_taken()
    {
        await using var sandbox = await SandboxServer.StartAsync(cancellation: TestStore.Cancel);
        using var files = new TemporaryDirectory();
        using var test = new TestStore();
        using var store = await test.OpenAsync();
        using var fetch = new BoundedFetch(time);
        await using var credential = await OpenAsync(sandbox, files, store, fetch);
        var use = new CredentialUse(DepotProxy.Context) { Caller = CallerOf(DepotProxy.Context) };
        var (asked, answered) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously),
            new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        sandbox.Intercept = async context =>
        {
            asked.TrySetResult();
            await answered.Task;
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return true;
        };
        using var gone = new CancellationTokenSource();
        var first = credential.GetAsync(use, gone.Token).AsTask();
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(30), TestStore.Cancel);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        answered.SetResult();
        // waits for the create's end, and is not who it is for
        await credential.HoldAsync(use.Caller, time.GetUtcNow(), TestStore.Cancel);
        sandbox.Intercept = null;

        time.Advance(TimeSpan.FromSeconds(1));

        // with the place the failure would still be there
        Assert.Null((await credential.GetAsync(use, TestStore.Cancel)).Failure);
        Assert.Single(sandbox.Depot.ProjectTokens);
    }

    [Fact]
    public async Task A_context_that_has_had_all_of_its_tokens_handed_out_takes_no_other_s_place()
    {
        using var test = new TestStore();
        using var store = await test.OpenAsync();
        var revocations = await RevocationSet.OpenAsync(store.Database, test.Options.Tokens, time, TestStore.Cancel);
        // nobody is admitted here
        await using var tokens = Tokens(store, revocations);
        var (full, other) = (CallerOf(DepotProxy.Context), CallerOf(new AuthContext("Depot", "other")));
        Assert.Null(await AddAsync("first", full));
        await store.Database.WriteAsync((connection, transaction) => connection.ExecuteAsync(
            """
            WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < @more)
            INSERT INTO handed_out_tokens (id, upstream, caller, expires_at) SELECT printf('%08x', n) || substr(id, 9), upstream, caller, expires_at FROM numbers, handed_out_tokens
            """, new { more = OfContext - 2 }, transaction), TestStore.Cancel);
        await tokens.ReadAsync(null, TestStore.Cancel);

        Assert.Null(await AddAsync("last", full));
        Assert.Equal(ErrorId.StoreUnavailable, (await AddAsync("one too many", full))?.Id);
        Assert.Null(tokens.Find("one too many"));
        Assert.Null(await AddAsync("another's", other));
        Assert.NotNull(tokens.Find("another's"));

        Task<Failure?> AddAsync(string text, Caller caller) => tokens.AddAsync(text, "Depot", caller, time.GetUtcNow() + TimeSpan.FromHours(1),
            TestStore.Cancel);
    }

    [Fact]
    public async Task A_text_that_two_callers_are_given_stays_the_first_one_s()
    {
        using var test = new TestStore();
        using var store = await test.OpenAsync();
        var revocations = await RevocationSet.OpenAsync(store.Database, test.Options.Tokens, time, TestStore.Cancel);
        // as two replicas: what the second gives is not in the memory of the first
        await using var tokens = Tokens(store, revocations);
        await using var others = Tokens(store, revocations);
        var (first, second) = (CallerOf(DepotProxy.Context), CallerOf(new AuthContext("Depot", "other")));

        Assert.Null(await tokens.AddAsync("same", "Depot", first, time.GetUtcNow() + TimeSpan.FromHours(1), TestStore.Cancel));
        Assert.Equal(ErrorId.UpstreamUnreachable,
            (await others.AddAsync("same", "Depot", second, time.GetUtcNow() + TimeSpan.FromHours(2), TestStore.Cancel))?.Id);
        Assert.Null(others.Find("same"));
        Assert.Equal(DepotProxy.Context, tokens.Find("same")?.Token.Context);
        Assert.Equal(DepotProxy.Context, Assert.Single(await new HandedOutStore(store.Database).ReadAsync(null, TestStore.Cancel)).Token.Context);
        // to the same workload the upstream may give it again, and to anyone once it has ended
        Assert.Null(await others.AddAsync("same", "Depot", first, time.GetUtcNow() + TimeSpan.FromHours(1), TestStore.Cancel));
        time.Advance(TimeSpan.FromHours(1));
        Assert.Null(await others.AddAsync("same", "Depot", second, time.GetUtcNow() + TimeSpan.FromHours(1), TestStore.Cancel));
        Assert.Equal("other", others.Find("same")?.Token.Context.Id);
    }

    [Fact]
    public async Task A_token_that_has_ended_is_remembered_for_a_month_where_it_could_be_taken_for_a_user_s_own()
    {
        using var test = new TestStore();
        using var store = await test.OpenAsync();
        var revocations = await RevocationSet.OpenAsync(store.Database, test.Options.Tokens, time, TestStore.Cancel);
        await using (var tokens = Tokens(store, revocations, remembersEnded: true))
        {
            foreach (var (text, hours) in new[] { ("ended", 1), ("good", 9) })
                Assert.Null(await tokens.AddAsync(text, "Depot", CallerOf(DepotProxy.Context), time.GetUtcNow() + TimeSpan.FromHours(hours), TestStore.Cancel));
            // its end waits for what the timer began
            time.Advance(TimeSpan.FromHours(2));
        }
        await using (var tokens = Tokens(store, revocations, remembersEnded: true))
        {
            await tokens.ReadAsync(null, TestStore.Cancel);
            Assert.Null(tokens.Find("ended"));
            Assert.NotNull(tokens.Find("good"));
            Assert.Equal((true, true, false), (tokens.CameThrough("ended"), tokens.CameThrough("good"), tokens.CameThrough("another")));
            time.Advance(TimeSpan.FromDays(31));
        }
        Assert.Empty(await new HandedOutStore(store.Database).ReadEndedAsync(TestStore.Cancel) is var ended
            ? ended.Where(token => token.Until <= time.GetUtcNow()) : []);
        Assert.Single(await new HandedOutStore(store.Database).ReadEndedAsync(TestStore.Cancel));
    }

    private HandedOutTokens Tokens(Store store, RevocationSet revocations, bool remembersEnded = false) => new(
        new HandedOutStore(store.Database), revocations, null!, null!, new StoreChanges(store.Database, time, NullLogger<StoreChanges>.Instance),
        remembersEnded, time, NullLogger.Instance);

    private async Task<ExchangeCredential> OpenAsync(SandboxServer sandbox, TemporaryDirectory files, Store store, BoundedFetch fetch)
    {
        var entry = DepotProxy.Exchange(files.Write("organization-token", sandbox.Options.DepotToken));
        var parent = new SecretCredential(entry with { Kind = CredentialKind.Bearer }, NullLogger.Instance);
        var client = new ExchangeClient(fetch, new UpstreamOptions { Name = "Depot", Kind = UpstreamKind.Http, Address = sandbox.Address }, entry.Exchange!,
            parent);
        var revocations = await RevocationSet.OpenAsync(store.Database, new TokenOptions(), time, TestStore.Cancel);
        return new ExchangeCredential(entry.Context, client, new ExchangedTokenStore(store.Database, store.Sealer, entry.Key), revocations, time,
            NullLogger.Instance);
    }

    private Caller CallerOf(AuthContext context)
    {
        const string Issuer = "https://issuer.example.com";
        var role = DepotProxy.RoleOf("web", "proj-a").Replace("ISSUER", Issuer).Replace(DepotProxy.Context.ToString(), context.ToString())
            .Replace("\"build\"", "\"p\"");
        var claims = Claims.Parse(System.Text.Encoding.UTF8.GetBytes($$"""{"iss":"{{Issuer}}","aud":"{{context}}","sub":"mint:org:web"}"""));
        var token = new VerifiedToken { Context = context, Claims = claims, Issuer = Issuer, Subject = "mint:org:web", Id = "1", IsOwn = false,
            Expires = time.GetUtcNow() + TimeSpan.FromMinutes(5), RevocationIds = [$"1 {context}"] };
        return new Caller(token, TestPolicies.Set(context, "1", "https://proxy.example.com", role).Set.MatchRoles(claims), "1");
    }
}
