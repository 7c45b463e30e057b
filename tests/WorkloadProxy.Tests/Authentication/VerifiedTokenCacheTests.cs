using System.Text;
using Microsoft.Extensions.Time.Testing;
using WorkloadProxy.Authentication;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Tests.Authentication;

public sealed class VerifiedTokenCacheTests
{
    private readonly FakeTimeProvider time = TestClock.New();

    [Fact]
    public void A_token_is_found_by_its_hash_until_it_is_removed()
    {
        var cache = new VerifiedTokenCache(time);
        cache.Add(Hash("a"), Token());
        Assert.True(cache.TryGet(Hash("a"), out _));
        Assert.False(cache.TryGet(Hash("b"), out _));
        cache.Remove(Hash("a"));
        Assert.False(cache.TryGet(Hash("a"), out _));
    }

    [Fact]
    public void It_never_holds_more_than_its_capacity()
    {
        var cache = new VerifiedTokenCache(time, 100);
        for (var i = 0; i < 10_000; i++)
        {
            cache.Add(Hash(i.ToString()), Token());
            Assert.InRange(cache.Count, 1, 100);
        }
    }

    [Fact]
    public void It_never_holds_more_than_its_weight()
    {
        var cache = new VerifiedTokenCache(time, maxWeight: 1_000_000);
        for (var i = 0; i < 1_000; i++)
        {
            cache.Add(Hash(i.ToString()), Token(claimsLength: 10_000));
            Assert.InRange(cache.Count, 1, 1_000_000 / 10_000);
        }
    }

    [Fact]
    public void What_is_removed_weighs_nothing()
    {
        var cache = new VerifiedTokenCache(time, maxWeight: 100_000);
        cache.Add(Hash("stays"), Token());
        for (var i = 0; i < 1_000; i++)
        {
            cache.Add(Hash(i.ToString()), Token());
            cache.Remove(Hash(i.ToString()));
        }

        Assert.Equal(1, cache.Count);
        Assert.True(cache.TryGet(Hash("stays"), out _));
    }

    [Fact]
    public void A_token_in_use_outlives_a_flood_of_others()
    {
        var cache = new VerifiedTokenCache(time, 100);
        var token = Token();
        cache.Add(Hash("used"), token);
        for (var i = 0; i < 1_000; i++)
        {
            cache.Add(Hash(i.ToString()), Token());
            Assert.True(cache.TryGet(Hash("used"), out var found));
            Assert.Same(token, found);
        }

        Assert.False(cache.TryGet(Hash("0"), out _));
    }

    [Fact]
    public void What_is_not_used_is_let_go_in_time()
    {
        var cache = new VerifiedTokenCache(time);
        cache.Add(Hash("a"), Token());
        foreach (var name in new[] { "b", "c", "d" })
        {
            time.Advance(TimeSpan.FromMinutes(11));
            cache.Add(Hash(name), Token());
        }

        Assert.False(cache.TryGet(Hash("a"), out _));
        Assert.True(cache.TryGet(Hash("d"), out _));
    }

    [Fact]
    public void Hashes_differ_for_texts_that_differ_and_take_ASCII_alone()
    {
        var long1 = new string('a', 5000);
        Assert.Equal(Hash(long1), Hash(new string('a', 5000)));
        Assert.NotEqual(Hash(long1), Hash(long1 + "b"));
        Assert.False(TokenHash.TryCompute("ä", out _));
        Assert.False(TokenHash.TryCompute(new string('a', 16385), out _));
    }

    [Fact]
    public void A_hash_is_remembered_for_one_string_and_slice()
    {
        var recent = new RecentTokenHashes();
        var header = new string("Bearer abc".ToCharArray());
        recent.Add(header.AsMemory(7), Hash("abc"));
        // one that comes once is not worth a place
        Assert.False(recent.TryGet(header.AsMemory(7), out _));
        recent.Add(header.AsMemory(7), Hash("abc"));
        Assert.True(recent.TryGet(header.AsMemory(7), out var hash));
        Assert.Equal(Hash("abc"), hash);
        Assert.False(recent.TryGet(header.AsMemory(8), out _));
        Assert.False(recent.TryGet(header.AsMemory(7, 2), out _));
        Assert.False(recent.TryGet(new string("Bearer abc".ToCharArray()).AsMemory(7), out _));
        Assert.False(recent.TryGet("abc".ToCharArray(), out _));
    }

    private static TokenHash Hash(string text)
    {
        Assert.True(TokenHash.TryCompute(text, out var hash));
        return hash;
    }

    private static CachedToken Token(int claimsLength = 2) => new(
        new VerifiedToken
        {
            Context = new AuthContext("Depot", "acme"),
            Claims = Claims.Parse(Encoding.ASCII.GetBytes($"{{{new string(' ', claimsLength - 2)}}}")),
            Issuer = "i",
            Subject = "s",
            IsOwn = false,
            Expires = DateTimeOffset.UnixEpoch,
            RevocationIds = ["r"],
        },
        null!);
}
