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
        await revocations.RevokeAsync(Token(TimeSpan.FromDays(365), "b"), TestStore.Cancel);
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
    public async Task A_revocation_that_cannot_be_stored_fails()
    {
        await TestStore.Fill(store);
        await Assert.ThrowsAsync<StoreException>(() => revocations.RevokeAsync(Token(new string('x', 100_000)), TestStore.Cancel));
    }

    private Task<RevocationSet> OpenAsync(Store from) => RevocationSet.OpenAsync(from.Database, test.Options.Tokens, test.Time, TestStore.Cancel);

    private VerifiedToken Token(params string[] ids) => Token(TimeSpan.FromMinutes(5), ids);

    private VerifiedToken Token(TimeSpan lifetime, params string[] ids) => new()
    {
        Context = IssuingTest.DigitalOcean,
        Claims = WorkloadProxy.Policies.Claims.Parse("{}"u8.ToArray()),
        Issuer = IssuingTest.Issuer,
        Subject = "s",
        IsOwn = true,
        Expires = test.Time.Now + lifetime,
        RevocationIds = ids,
    };
}
