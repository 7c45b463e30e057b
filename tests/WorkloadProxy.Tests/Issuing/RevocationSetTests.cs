using System.Text;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.Storage;
using WorkloadProxy.Tests.Storage;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Tests.Issuing;

public sealed class RevocationSetTests : IAsyncLifetime
{
    private readonly TestStore test = new();
    private Store store = null!;
    private RevocationSet revocations = null!;

    public async ValueTask InitializeAsync()
    {
        store = await test.OpenAsync();
        revocations = await OpenAsync(store);
    }

    public ValueTask DisposeAsync()
    {
        store.Dispose();
        test.Dispose();
        return default;
    }

    [Fact]
    public async Task A_revoked_token_and_what_it_was_exchanged_for_stop_at_once_and_its_own_ancestors_go_on()
    {
        var generation = revocations.Generation;
        await revocations.RevokeAsync(Token("b", "a"), TestStore.Cancel);
        Assert.True(revocations.ContainsAny(["b", "a"]));
        Assert.True(revocations.ContainsAny(["c", "b", "a"]));
        Assert.False(revocations.ContainsAny(["a"]));
        Assert.False(revocations.ContainsAny([]));
        Assert.True(revocations.Generation > generation);
    }

    [Fact]
    public async Task Revocations_survive_kill_9()
    {
        await revocations.RevokeAsync(Token("b", "a"), TestStore.Cancel);
        using var killed = test.CopyAsKilled();
        using var again = await killed.OpenAsync();
        Assert.True((await OpenAsync(again)).ContainsAny(["b"]));
    }

    [Fact]
    public async Task A_revocation_is_kept_until_everything_that_descends_from_it_has_expired()
    {
        await revocations.RevokeAsync(Token("b"), TestStore.Cancel);
        test.Time.Now += test.Options.Tokens.MaxChain + TimeSpan.FromSeconds(59);
        await revocations.SweepAsync(TestStore.Cancel);
        Assert.True(revocations.ContainsAny(["b"]));
        test.Time.Now += TimeSpan.FromSeconds(3);
        await revocations.SweepAsync(TestStore.Cancel);
        Assert.False(revocations.ContainsAny(["b"]));
        Assert.False((await OpenAsync(store)).ContainsAny(["b"]));
    }

    [Fact]
    public async Task A_token_that_outlives_its_chain_stays_revoked_as_long_as_it_lives()
    {
        await revocations.RevokeAsync(Token(TimeSpan.FromDays(365), ["b"]), TestStore.Cancel);
        test.Time.Now += TimeSpan.FromDays(365);
        await revocations.SweepAsync(TestStore.Cancel);
        Assert.True(revocations.ContainsAny(["b"]));
    }

    [Fact]
    public async Task What_is_revoked_already_takes_no_further_place()
    {
        await revocations.RevokeAsync(Token("a"), TestStore.Cancel);
        var generation = revocations.Generation;
        await revocations.RevokeAsync(Token("b", "a"), TestStore.Cancel);
        await revocations.RevokeAsync(Token("a"), TestStore.Cancel);
        Assert.Equal(generation, revocations.Generation);
        Assert.False(revocations.ContainsAny(["b"]));
    }

    [Fact]
    public async Task After_100_revoked_descendants_the_token_is_revoked_and_who_holds_it_can_not_end_its_own_parent()
    {
        for (var i = 0; i < RevocationLimit.MaxDescendants; i++) Assert.True(await revocations.RevokeAsync(Token($"{i}", "between", "root"), TestStore.Cancel));
        Assert.False(revocations.ContainsAny(["between", "root"]));
        await revocations.RevokeAsync(Token("one-more", "between", "root"), TestStore.Cancel);
        Assert.True(revocations.ContainsAny(["between"]));
        Assert.False(revocations.ContainsAny(["one-more", "root"]));

        for (var i = 1; i < RevocationLimit.MaxDescendants; i++) await revocations.RevokeAsync(Token($"sibling-{i}", "root"), TestStore.Cancel);
        Assert.False(revocations.ContainsAny(["root"]));
        await revocations.RevokeAsync(Token("last-sibling", "root"), TestStore.Cancel);
        Assert.True(revocations.ContainsAny(["root"]));
    }

    [Fact]
    public void When_a_context_has_no_place_left_the_identity_token_is_revoked_instead()
    {
        var limit = new RevocationLimit();
        for (var i = 0; i < RevocationLimit.MaxOfContext; i++) Assert.Equal($"{i}", limit.Take(Token($"{i}", $"parent-{i % 1000}", "other-root"))!.Id);
        Assert.Equal("stolen-root", limit.Take(Token("stolen", "between", "stolen-root"))!.Id);
    }

    [Fact]
    public async Task Expired_revocations_no_longer_count()
    {
        for (var i = 0; i < RevocationLimit.MaxDescendants; i++) await revocations.RevokeAsync(Token($"{i}", "root"), TestStore.Cancel);
        test.Time.Now += test.Options.Tokens.MaxChain + TimeSpan.FromMinutes(2);
        await revocations.SweepAsync(TestStore.Cancel);
        await revocations.RevokeAsync(Token("next", "root"), TestStore.Cancel);
        Assert.True(revocations.ContainsAny(["next"]));
        Assert.False(revocations.ContainsAny(["root"]));
    }

    [Fact]
    public async Task A_revocation_that_is_repeated_or_not_stored_counts_once_or_not_at_all()
    {
        for (var i = 0; i < RevocationLimit.MaxDescendants; i++)
            await Assert.ThrowsAsync<OperationCanceledException>(() => revocations.RevokeAsync(Token($"{i}", "root"), new(true)));
        for (var i = 0; i < RevocationLimit.MaxDescendants; i++) await revocations.RevokeAsync(Token("a", "root"), TestStore.Cancel);
        await revocations.RevokeAsync(Token("b", "root"), TestStore.Cancel);
        Assert.False(revocations.ContainsAny(["root"]));
        Assert.True(revocations.ContainsAny(["b"]));
    }

    [Fact]
    public void A_context_that_has_no_place_left_takes_none_from_another()
    {
        var limit = new RevocationLimit();
        for (var i = 0; i < RevocationLimit.MaxOfContext; i++) Assert.NotNull(limit.Take(Token($"{i}")));
        Assert.Null(limit.Take(Token("one-more")));
        // minted by another context for this one: the other's places count
        Assert.NotNull(limit.Take(Minted("foreign", """{"actx_source":"api://Depot?actx=acme"}""")));
    }

    [Fact]
    public async Task A_revocation_that_cannot_be_stored_fails()
    {
        await TestStore.Fill(store);
        await Assert.ThrowsAsync<StoreException>(() => revocations.RevokeAsync(Token(new string('x', 100_000)), TestStore.Cancel));
    }

    private Task<RevocationSet> OpenAsync(Store from) => RevocationSet.OpenAsync(from.Database, test.Options.Tokens, test.Time, TestStore.Cancel);

    private VerifiedToken Token(params string[] ids) => Token(TimeSpan.FromMinutes(5), ids);

    private VerifiedToken Minted(string id, string claims) => Token(TimeSpan.FromMinutes(5), [id], claims);

    private VerifiedToken Token(TimeSpan lifetime, string[] ids, string claims = "{}") => new()
    {
        Context = IssuingTest.DigitalOcean,
        Claims = WorkloadProxy.Policies.Claims.Parse(Encoding.UTF8.GetBytes(claims)),
        Issuer = IssuingTest.Issuer,
        Subject = "s",
        IsOwn = true,
        Expires = test.Time.Now + lifetime,
        RevocationIds = ids,
    };
}
