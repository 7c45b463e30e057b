using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Hosted;
using WorkloadProxy.Tests.Storage;

namespace WorkloadProxy.Tests.GitHosting;

/// <summary>Tokens for one context's repository, in a real store.</summary>
public sealed class GitTokenTests
{
    private static readonly AuthContext alice = new("ATProto", "did:plc:ewvi7nxzyoun6zhxrhs64oiz"), bob = new("ATProto", "did:plc:ar7c4by46qjdydhdevvrndac");

    [Fact]
    public async Task The_eleventh_token_of_a_context_ends_its_oldest_and_no_other_context_s()
    {
        using var directory = new TestStore();
        using var store = await directory.OpenAsync();
        var tokens = new GitTokens(store.Database, directory.Time);
        var others = await tokens.CreateAsync(bob, "bob.test", TestStore.Cancel);
        var made = new List<string>();
        for (var i = 0; i < 11; i++)
        {
            directory.Time.Now += TimeSpan.FromSeconds(1);
            made.Add(await tokens.CreateAsync(alice, "alice.test", TestStore.Cancel));
            if (i == 9) Assert.NotNull(await tokens.FindAsync(made[0], TestStore.Cancel));
        }

        Assert.Null(await tokens.FindAsync(made[0], TestStore.Cancel));
        foreach (var token in made.Skip(1)) Assert.Equal(new GitTokenOwner(alice, "alice.test"), await tokens.FindAsync(token, TestStore.Cancel));
        Assert.Equal(new GitTokenOwner(bob, "bob.test"), await tokens.FindAsync(others, TestStore.Cancel));
    }
}
