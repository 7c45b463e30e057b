using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using WorkloadProxy.Authentication.Issuers;
using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Configuration;
using WorkloadProxy.Hcl;
using WorkloadProxy.Outbound;
using WorkloadProxy.Storage;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Tests.Authentication;

/// <summary>One issuer's keys over its life: up, down, slow, huge, redirecting, lying, rotating; with and without the store.</summary>
public sealed class IssuerKeyCacheTests : IAsyncLifetime
{
    private readonly string directory = Directory.CreateTempSubdirectory("issuer-keys").FullName;
    private readonly ManualTime time = new();
    private readonly List<IDisposable> owned = [];
    private FakeIssuer issuer = null!;
    private bool trusted = true;

    public async ValueTask InitializeAsync() => issuer = await FakeIssuer.StartAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (var thing in owned)
        {
            if (thing is IssuerKeyCache cache) await cache.DisposeAsync();
            else thing.Dispose();
        }

        await issuer.DisposeAsync();
        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public async Task Keys_are_found_by_discovery_and_kept()
    {
        var cache = Cache();
        Assert.True(await HasAsync(cache, TestKey.One));
        Assert.True(await HasAsync(cache, TestKey.One));
        Assert.Equal((1, 1), (issuer.Discoveries, issuer.KeyRequests));
    }

    [Fact]
    public async Task An_issuer_with_a_path_and_a_last_slash_is_discovered_as_the_specification_says()
    {
        issuer.Path = "/realms/a";
        issuer.Name = issuer.Address + "/realms/a/";
        issuer.JwksUri = issuer.Address + "/realms/a/jwks";
        Assert.True(await HasAsync(Cache(), TestKey.One));
        Assert.Equal(["/realms/a/.well-known/openid-configuration", "/realms/a/jwks"], issuer.Targets);
    }

    [Fact]
    public void What_was_stored_for_a_listed_issuer_is_not_found_for_one_that_is_no_longer_listed() =>
        Assert.NotEqual(new IssuerKeySource("https://a.example", null, null!).StoreName,
            new IssuerKeySource("https://a.example", new IssuerOptions("https://a.example", null, null, []), null!).StoreName);

    [Fact]
    public async Task A_Kubernetes_API_server_which_has_its_keys_in_their_own_type_only_is_understood()
    {
        issuer.OnJwks = context =>
        {
            if (context.Request.Headers.Accept.ToString().Contains("application/jwk-set+json", StringComparison.Ordinal))
                return FakeIssuer.WriteAsync(context, issuer.Jwks);
            context.Response.StatusCode = 406;
            return context.Response.CompleteAsync();
        };
        Assert.True(await HasAsync(Cache(), TestKey.One));
    }

    [Fact]
    public async Task Requests_at_once_share_one_fetch()
    {
        var release = new TaskCompletionSource();
        issuer.OnJwks = async context =>
        {
            await release.Task;
            await FakeIssuer.WriteAsync(context, issuer.Jwks);
        };
        var cache = Cache();
        var waiting = Enumerable.Range(0, 50).Select(_ => HasAsync(cache, TestKey.One)).ToArray();
        release.SetResult();
        Assert.All(await Task.WhenAll(waiting), Assert.True);
        Assert.Equal((1, 1), (issuer.Discoveries, issuer.KeyRequests));
    }

    [Fact]
    public async Task A_request_that_goes_away_does_not_end_the_fetch_that_it_began()
    {
        var (asked, release) = (new TaskCompletionSource(), new TaskCompletionSource());
        issuer.OnJwks = async context =>
        {
            asked.SetResult();
            await release.Task;
            await FakeIssuer.WriteAsync(context, issuer.Jwks);
        };
        var cache = Cache();
        using var gone = new CancellationTokenSource();
        var first = cache.GetAsync(new KeyWait(time), gone.Token).AsTask();
        var second = HasAsync(cache, TestKey.One);
        await asked.Task;
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        release.SetResult();
        Assert.True(await second);
        Assert.Equal(1, issuer.KeyRequests);
    }

    [Fact]
    public async Task An_unknown_kid_refreshes_at_most_once_a_minute_and_the_first_fetch_is_none()
    {
        var (second, third) = (TestKey.Other.Named("second"), TestKey.Other.Named("third"));
        var cache = Cache();
        Assert.True(await HasAsync(cache, TestKey.One));
        time.Advance(TimeSpan.FromSeconds(1));

        issuer.Jwks = TestKey.Jwks(TestKey.One.Jwk(), second.Jwk());
        Assert.True(await HasAsync(cache, second));
        Assert.Equal(2, issuer.KeyRequests);

        issuer.Jwks = TestKey.Jwks(TestKey.One.Jwk(), third.Jwk());
        time.Advance(TimeSpan.FromSeconds(59));
        for (var i = 0; i < 20; i++) Assert.False(await HasAsync(cache, third));
        Assert.Equal(2, issuer.KeyRequests);

        time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(await HasAsync(cache, third));
        Assert.False(await HasAsync(cache, second));
        Assert.Equal(3, issuer.KeyRequests);
    }

    [Fact]
    public async Task A_forged_kid_does_not_make_the_first_fetch_two()
    {
        var cache = Cache();
        Assert.False(await HasAsync(cache, TestKey.Other));
        Assert.Equal(1, issuer.KeyRequests);
        time.Advance(TimeSpan.FromSeconds(1));
        issuer.Jwks = TestKey.Jwks(TestKey.Other.Jwk());
        Assert.True(await HasAsync(cache, TestKey.Other));
    }

    [Fact]
    public async Task Keys_are_renewed_in_the_background()
    {
        var cache = Cache();
        Assert.True(await HasAsync(cache, TestKey.One));
        var asked = NextKeyRequest();
        issuer.Jwks = TestKey.Jwks(TestKey.Other.Jwk());
        var old = (await cache.GetAsync(new KeyWait(time), CancellationToken.None))!.FindSigner(Jwt(TestKey.One))!;
        time.Advance(TimeSpan.FromMinutes(11));
        await asked;
        await Until(() => !old.IsUsable(time.GetUtcNow()));
        Assert.False(await HasAsync(cache, TestKey.One, orUnknown: false));
        Assert.True(await HasAsync(cache, TestKey.Other, orUnknown: false));
    }

    [Fact]
    public async Task While_the_issuer_is_down_its_last_keys_serve_for_a_day()
    {
        var cache = Cache();
        Assert.True(await HasAsync(cache, TestKey.One));
        issuer.OnDiscovery = context => { context.Response.StatusCode = 404; return Task.CompletedTask; };
        var began = time.GetUtcNow();
        var key = (await cache.GetAsync(new KeyWait(time), CancellationToken.None))!.FindSigner(Jwt(TestKey.One))!;
        time.Advance(TimeSpan.FromHours(24) - TimeSpan.FromSeconds(1));
        Assert.True(await HasAsync(cache, TestKey.One, orUnknown: false));
        Assert.True(key.IsUsable(time.GetUtcNow()));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(key.IsUsable(time.GetUtcNow()));
        Assert.False(await HasAsync(cache, TestKey.One, orUnknown: false));
        Assert.True(time.GetUtcNow() - began == TimeSpan.FromHours(24));
    }

    [Fact]
    public async Task The_last_keys_serve_across_a_restart()
    {
        using var database = await SqliteDatabase.OpenAsync(Path.Combine(directory, "store.db"), time);
        var store = new IssuerKeyStore(database);
        Assert.True(await HasAsync(Cache(store: store), TestKey.One));
        await Until(() => store.LoadAsync(StoredAs, CancellationToken.None).GetAwaiter().GetResult() is not null);
        issuer.OnDiscovery = context => { context.Response.StatusCode = 404; return Task.CompletedTask; };

        time.Advance(TimeSpan.FromHours(23));
        Assert.True(await HasAsync(Cache(store: store), TestKey.One));
        time.Advance(TimeSpan.FromHours(1));
        Assert.False(await HasAsync(Cache(store: store), TestKey.One));
    }

    [Fact]
    public async Task After_a_restart_an_issuer_that_is_up_is_asked_before_old_keys_serve()
    {
        using var database = await SqliteDatabase.OpenAsync(Path.Combine(directory, "store.db"), time);
        var store = new IssuerKeyStore(database);
        await store.SaveAsync(StoredAs, System.Text.Encoding.UTF8.GetBytes(TestKey.Jwks(TestKey.Other.Jwk())), time.GetUtcNow() - TimeSpan.FromHours(1),
            CancellationToken.None);
        var cache = Cache(store: store);
        Assert.False(await HasAsync(cache, TestKey.Other));
        Assert.True(await HasAsync(cache, TestKey.One));
    }

    [Fact]
    public async Task After_a_restart_keys_fetched_minutes_ago_serve_at_once()
    {
        using var database = await SqliteDatabase.OpenAsync(Path.Combine(directory, "store.db"), time);
        var store = new IssuerKeyStore(database);
        await store.SaveAsync(StoredAs, System.Text.Encoding.UTF8.GetBytes(issuer.Jwks), time.GetUtcNow() - TimeSpan.FromMinutes(5), CancellationToken.None);
        Assert.True(await HasAsync(Cache(store: store), TestKey.One));
        Assert.Equal(0, issuer.KeyRequests);
    }

    [Fact]
    public async Task A_store_that_fails_does_not_fail_authentication()
    {
        var database = await SqliteDatabase.OpenAsync(Path.Combine(directory, "store.db"), time);
        database.Dispose();
        foreach (var file in Directory.GetFiles(directory)) File.Delete(file);
        Directory.CreateDirectory(Path.Combine(directory, "store.db"));
        Assert.True(await HasAsync(Cache(store: new IssuerKeyStore(database)), TestKey.One));
    }

    [Fact]
    public async Task A_slow_issuer_holds_a_request_for_five_seconds_and_its_keys_still_come()
    {
        var (asked, release) = (new TaskCompletionSource(), new TaskCompletionSource());
        issuer.OnJwks = async context =>
        {
            asked.TrySetResult();
            await release.Task.WaitAsync(context.RequestAborted);
            await FakeIssuer.WriteAsync(context, issuer.Jwks);
        };
        var cache = Cache(fetching: TimeProvider.System);
        var began = time.GetUtcNow();
        var request = HasAsync(cache, TestKey.One);
        await asked.Task;
        Assert.False(await time.AdvanceUntilAsync(request, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30)));
        // the clock runs on while the answer is on its way
        Assert.InRange((time.GetUtcNow() - began).TotalSeconds, 5, 30);
        release.SetResult();
        Assert.True(await HasAsync(cache, TestKey.One));
    }

    [Fact]
    public async Task A_dead_issuer_is_not_asked_for_every_token()
    {
        var refused = 0;
        issuer.OnDiscovery = context => { Interlocked.Increment(ref refused); context.Response.StatusCode = 404; return Task.CompletedTask; };
        var cache = Cache();
        for (var i = 0; i < 200; i++) Assert.False(await HasAsync(cache, TestKey.One));
        Assert.Equal(1, refused);
        Assert.Contains("answered 404, expected 200", cache.LastError);
        for (var minute = 0; minute < 60; minute++)
        {
            for (var second = 0; second < 60; second++)
            {
                time.Advance(TimeSpan.FromSeconds(1));
                Assert.False(await HasAsync(cache, TestKey.One));
            }
        }

        Assert.InRange(refused, 30, 80);
    }

    [Fact]
    public async Task An_issuer_that_comes_back_is_asked_again_soon()
    {
        issuer.OnDiscovery = context => { context.Response.StatusCode = 404; return Task.CompletedTask; };
        var cache = Cache();
        Assert.False(await HasAsync(cache, TestKey.One));
        issuer.OnDiscovery = null;
        Assert.False(await HasAsync(cache, TestKey.One));
        time.Advance(TimeSpan.FromSeconds(3));
        Assert.True(await HasAsync(cache, TestKey.One));
    }

    [Fact]
    public async Task An_issuer_without_a_server_gives_no_keys()
    {
        var cache = Cache(name: $"http://127.0.0.1:{FreePort()}", fetching: TimeProvider.System);
        Assert.False(await HasAsync(cache, TestKey.One));
        Assert.Contains("refused", cache.LastError);
    }

    [Theory]
    [InlineData("""{"issuer":"https://other.example","jwks_uri":"ADDRESS/jwks"}""", "says another `issuer` than the token")]
    [InlineData("""{"issuer":"ADDRESS/","jwks_uri":"ADDRESS/jwks"}""", "says another `issuer` than the token")]
    [InlineData("""{"issuer":["ADDRESS"],"jwks_uri":"ADDRESS/jwks"}""", "says another `issuer` than the token")]
    [InlineData("""{"jwks_uri":"ADDRESS/jwks"}""", "says another `issuer` than the token")]
    [InlineData("""{"issuer":"https://other.example","issuer":"ADDRESS","jwks_uri":"ADDRESS/jwks"}""", "holds a duplicate name")]
    [InlineData("""{"issuer":"ADDRESS"}""", "has no `jwks_uri` that is an address")]
    [InlineData("""{"issuer":"ADDRESS","jwks_uri":"/jwks"}""", "expected https")]
    [InlineData("""{"issuer":"ADDRESS","jwks_uri":"file:///etc/passwd"}""", "expected https")]
    [InlineData("""{"issuer":"ADDRESS","jwks_uri":"http://issuer.example/jwks"}""", "expected https")]
    [InlineData("""{"issuer":"ADDRESS","jwks_uri":7}""", "has no `jwks_uri` that is an address")]
    [InlineData("<html>not found</html>", "is not JSON")]
    public async Task A_discovery_document_that_lies_gives_no_keys(string document, string error)
    {
        issuer.OnDiscovery = context => FakeIssuer.WriteAsync(context, document.Replace("ADDRESS", issuer.Address));
        var cache = Cache();
        Assert.False(await HasAsync(cache, TestKey.One));
        Assert.Contains(error, cache.LastError);
        Assert.Equal(0, issuer.KeyRequests);
    }

    [Fact]
    public async Task A_huge_key_set_gives_no_keys_and_takes_none_away()
    {
        var cache = Cache();
        Assert.True(await HasAsync(cache, TestKey.One));
        issuer.Jwks = TestKey.Jwks(TestKey.Other.Jwk(("padding", new string('x', BoundedFetch.MaxBytes))));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(await HasAsync(cache, TestKey.Other));
        Assert.Contains("holds more than", cache.LastError);
        Assert.True(await HasAsync(cache, TestKey.One));
    }

    [Fact]
    public async Task A_key_set_on_another_origin_is_not_reached_by_a_redirect()
    {
        await using var other = await FakeIssuer.StartAsync();
        issuer.OnJwks = context => { context.Response.Redirect(other.Address + "/jwks"); return Task.CompletedTask; };
        var cache = Cache();
        Assert.False(await HasAsync(cache, TestKey.One));
        Assert.Contains("redirects to another origin", cache.LastError);
        Assert.Empty(other.Targets);
    }

    [Fact]
    public async Task An_empty_key_set_is_the_issuers_word()
    {
        var cache = Cache();
        Assert.True(await HasAsync(cache, TestKey.One));
        issuer.Jwks = """{"keys":[]}""";
        var key = (await cache.GetAsync(new KeyWait(time), CancellationToken.None))!.FindSigner(Jwt(TestKey.One))!;
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(await HasAsync(cache, TestKey.Other));
        Assert.False(key.IsUsable(time.GetUtcNow()));
    }

    [Fact]
    public async Task With_a_MetadataAddress_keys_on_the_issuers_origin_are_asked_at_the_metadatas()
    {
        issuer.Name = "https://dex.example.com/dex";
        issuer.JwksUri = "https://dex.example.com/jwks";
        var cache = Cache(options: new IssuerOptions(issuer.Name, new Uri(issuer.Address + "/.well-known/openid-configuration"), null, []));
        Assert.True(await HasAsync(cache, TestKey.One));
        Assert.Equal(["/.well-known/openid-configuration", "/jwks"], issuer.Targets);
    }

    [Fact]
    public async Task With_a_MetadataAddress_the_issuer_must_still_be_named_exactly()
    {
        issuer.Name = "https://dex.example.com/dex";
        var cache = Cache(options: new IssuerOptions("https://dex.example.com/other", new Uri(issuer.Address + "/.well-known/openid-configuration"), null, []));
        Assert.False(await HasAsync(cache, TestKey.One));
        Assert.Contains("says another `issuer`", cache.LastError);
    }

    [Fact]
    public async Task A_JwksFile_is_read_again_when_it_changes()
    {
        var file = Path.Combine(directory, "jwks.json");
        await File.WriteAllTextAsync(file, TestKey.Jwks(TestKey.One.Jwk()));
        var cache = Cache(options: new IssuerOptions("https://kubernetes.default.svc", null, file, []));
        Assert.True(await HasAsync(cache, TestKey.One));
        var key = (await cache.GetAsync(new KeyWait(time), CancellationToken.None))!.FindSigner(Jwt(TestKey.One))!;

        await File.WriteAllTextAsync(file + ".new", TestKey.Jwks(TestKey.Other.Jwk()));
        File.Move(file + ".new", file, overwrite: true);
        time.Advance(TimeSpan.FromSeconds(2));
        await Until(() => !key.IsUsable(time.GetUtcNow()));
        Assert.True(await HasAsync(cache, TestKey.Other, orUnknown: false));

        File.Delete(file);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.True(await HasAsync(cache, TestKey.Other, orUnknown: false));
        Assert.Empty(issuer.Targets);
    }

    [Fact]
    public async Task A_missing_or_huge_JwksFile_gives_no_keys()
    {
        Assert.False(await HasAsync(Cache(options: new IssuerOptions("https://a.example", null, Path.Combine(directory, "missing"), [])), TestKey.One));
        var file = Path.Combine(directory, "huge.json");
        await File.WriteAllTextAsync(file, TestKey.Jwks(TestKey.One.Jwk()).PadRight(BoundedFetch.MaxBytes + 1));
        Assert.False(await HasAsync(Cache(options: new IssuerOptions("https://a.example", null, file, [])), TestKey.One));
    }

    [Fact]
    public async Task When_no_set_trusts_the_issuer_any_more_its_keys_are_dropped()
    {
        var abandoned = new TaskCompletionSource();
        var cache = Cache(abandoned: abandoned.SetResult);
        Assert.True(await HasAsync(cache, TestKey.One));
        var key = (await cache.GetAsync(new KeyWait(time), CancellationToken.None))!.FindSigner(Jwt(TestKey.One))!;
        trusted = false;
        time.Advance(TimeSpan.FromMinutes(11));
        await abandoned.Task.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.False(key.IsUsable(time.GetUtcNow()));
        Assert.Equal(1, issuer.KeyRequests);
    }

    [Theory]
    [InlineData("https://127.0.0.1:1")]
    [InlineData("https://localhost:1")]
    [InlineData("https://169.254.169.254")]
    [InlineData("https://[::ffff:10.0.0.1]")]
    [InlineData("http://issuer.example")]
    [InlineData("https://issuer.example?a=b")]
    [InlineData("https://issuer.example#a")]
    [InlineData("https://user:pass@issuer.example")]
    [InlineData("issuer.example")]
    [InlineData("file:///etc/passwd")]
    public async Task An_unlisted_issuer_off_the_public_internet_gives_no_keys(string name)
    {
        var fetch = new BoundedFetch(time, (host, _) => Task.FromResult<IPAddress[]>([IPAddress.Loopback]));
        owned.Add(fetch);
        var cache = new IssuerKeyCache(new IssuerKeySource(name, null, fetch), null, _ => true, _ => { }, time, NullLogger.Instance);
        owned.Add(cache);
        Assert.False(await HasAsync(cache, TestKey.One));
        Assert.Matches("has no public address|expected https|not an https address", cache.LastError);
    }

    private string StoredAs => $"listed {issuer.Issuer}";

    private IssuerKeyCache Cache(string? name = null, IssuerOptions? options = null, IssuerKeyStore? store = null, Action? abandoned = null,
        TimeProvider? fetching = null)
    {
        var fetch = new BoundedFetch(fetching ?? time);
        options ??= new IssuerOptions(name ?? issuer.Issuer, null, null, []);
        var cache = new IssuerKeyCache(new IssuerKeySource(options.Issuer, options, fetch), store, _ => trusted, _ => abandoned?.Invoke(), time,
            NullLogger.Instance);
        owned.Add(cache);
        owned.Add(fetch);
        return cache;
    }

    /// <summary>Whether the issuer has the key, asked as a token is: with a look for news if it is unknown.</summary>
    private async Task<bool> HasAsync(IssuerKeyCache cache, TestKey key, bool orUnknown = true)
    {
        var wait = new KeyWait(time);
        var keys = await cache.GetAsync(wait, CancellationToken.None);
        if (keys is null) return false;
        if (keys.FindSigner(Jwt(key)) is not null) return true;
        return orUnknown && await cache.GetForUnknownKeyAsync(wait, CancellationToken.None) is { } renewed && renewed.FindSigner(Jwt(key)) is not null;
    }

    private Task NextKeyRequest()
    {
        var asked = new TaskCompletionSource();
        issuer.OnJwks = context =>
        {
            asked.TrySetResult();
            return FakeIssuer.WriteAsync(context, issuer.Jwks);
        };
        return asked.Task;
    }

    private static JwtDocument Jwt(TestKey key) =>
        JwtDocument.Parse(key.Token(new() { ["iss"] = "i", ["sub"] = "s", ["aud"] = "a", ["exp"] = 1700000000 })).Value!;

    private static async Task Until(Func<bool> condition)
    {
        for (var i = 0; i < 500 && !condition(); i++) await Task.Delay(10);
        Assert.True(condition());
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
