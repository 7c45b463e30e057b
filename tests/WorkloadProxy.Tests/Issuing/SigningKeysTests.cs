using System.Text;
using System.Text.Json;
using Dapper;
using WorkloadProxy.Configuration;
using WorkloadProxy.Issuing;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;
using WorkloadProxy.Tests.Storage;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Tests.Issuing;

public sealed class SigningKeysTests : IDisposable
{
    private readonly TestStore test = new();

    public void Dispose() => test.Dispose();

    [Theory]
    [InlineData("RS256", "RSA")]
    [InlineData("ES256", "EC")]
    public async Task The_first_start_makes_a_key_that_the_next_one_keeps(string algorithm, string type)
    {
        test.Options = test.Options with { Tokens = new TokenOptions { Algorithm = algorithm } };
        string id, token;
        using (var store = await test.OpenAsync())
        {
            var keys = await test.OpenKeysAsync(store);
            id = Assert.Single(keys.PublicKeys).Kid;
            Assert.Equal(type, keys.PublicKeys[0].Kty);
            Assert.Equal(algorithm, keys.PublicKeys[0].Alg);
            Assert.True(keys.Exchange(test, out token));
        }
        using var again = await test.OpenAsync();
        var same = await test.OpenKeysAsync(again);
        Assert.Equal(id, Assert.Single(same.PublicKeys).Kid);
        await test.VerifyAsync(same, token, IssuingTest.DigitalOcean);
    }

    [Fact]
    public async Task Private_keys_are_sealed_in_the_store()
    {
        using var store = await test.OpenAsync();
        var keys = await test.OpenKeysAsync(store);
        var row = await store.Database.RunAsync(connection => connection.QuerySingleAsync<byte[]>("SELECT sealed FROM signing_keys"), TestStore.Cancel);
        Assert.True(row.AsSpan().IndexOf(keys.Keys[0].Export().AsSpan(30, 60)) < 0);
    }

    [Fact]
    public async Task A_rotated_key_is_published_at_once_used_later_and_the_old_one_verifies_until_its_tokens_are_gone()
    {
        using var store = await test.OpenAsync();
        var keys = await test.OpenKeysAsync(store);
        var before = keys.PublicKeys;
        var old = keys.Current(test.Time.Now);
        var next = (await keys.RotateAsync(TestStore.Cancel)).Value!;
        Assert.NotSame(before, keys.PublicKeys);
        Assert.Equal([old.Id, next.Id], keys.PublicKeys.Select(key => key.Kid));
        Assert.Same(old, keys.Current(test.Time.Now));

        Assert.True(next.SignsFrom - test.Time.Now > keys.Schedule.CacheLifetime);
        test.Time.Now = next.SignsFrom - TimeSpan.FromSeconds(1);
        Assert.Same(old, keys.Current(test.Time.Now));
        Assert.True(keys.Exchange(test, out var lastOfOld));
        test.Time.Now = next.SignsFrom;
        Assert.Same(next, keys.Current(test.Time.Now));

        test.Time.Now = next.SignsFrom + test.Options.Tokens.MaxLifetime - TimeSpan.FromSeconds(2);
        await keys.MaintainAsync(TestStore.Cancel);
        await test.VerifyAsync(keys, lastOfOld, IssuingTest.DigitalOcean);

        test.Time.Now = next.SignsFrom + keys.Schedule.Overlap;
        await keys.MaintainAsync(TestStore.Cancel);
        Assert.Equal(next.Id, Assert.Single(keys.PublicKeys).Kid);
        var stored = await store.Database.RunAsync(connection => connection.QueryAsync<string>("SELECT id FROM signing_keys"), TestStore.Cancel);
        Assert.Equal([next.Id], stored);
    }

    [Fact]
    public async Task The_schedule_publishes_the_next_key_before_its_turn()
    {
        using var store = await test.OpenAsync();
        var keys = await test.OpenKeysAsync(store);
        var first = keys.Keys[0];
        var due = first.SignsFrom + test.Options.Tokens.KeyRotation;
        test.Time.Now = due - keys.Schedule.ScheduledLead - TimeSpan.FromSeconds(1);
        await keys.MaintainAsync(TestStore.Cancel);
        Assert.Single(keys.Keys);
        test.Time.Now = due - keys.Schedule.ScheduledLead;
        await keys.MaintainAsync(TestStore.Cancel);
        await keys.MaintainAsync(TestStore.Cancel);
        Assert.Equal(2, keys.Keys.Count);
        Assert.Equal(due, keys.Keys[1].SignsFrom);
        Assert.Same(first, keys.Current(test.Time.Now));
    }

    [Fact]
    public async Task A_server_that_slept_through_the_rotation_still_publishes_before_it_signs()
    {
        using (var store = await test.OpenAsync()) await test.OpenKeysAsync(store);
        test.Time.Now += 3 * test.Options.Tokens.KeyRotation;
        using var again = await test.OpenAsync();
        var keys = await test.OpenKeysAsync(again);
        Assert.Equal(2, keys.Keys.Count);
        Assert.Same(keys.Keys[0], keys.Current(test.Time.Now));
        Assert.Equal(test.Time.Now + keys.Schedule.RotateLead, keys.Keys[1].SignsFrom);
    }

    [Fact]
    public async Task Another_algorithm_in_the_configuration_makes_a_key_of_it()
    {
        using (var store = await test.OpenAsync()) await test.OpenKeysAsync(store);
        test.Options = test.Options with { Tokens = new TokenOptions { Algorithm = "ES256" } };
        using var again = await test.OpenAsync();
        var keys = await test.OpenKeysAsync(again);
        Assert.Equal(["RS256", "ES256"], keys.PublicKeys.Select(key => key.Alg));
        Assert.Equal("RS256", keys.Current(test.Time.Now).Algorithm);
        test.Time.Now += keys.Schedule.RotateLead;
        Assert.Equal("ES256", keys.Current(test.Time.Now).Algorithm);
        Assert.True(keys.Exchange(test, out var token));
        await test.VerifyAsync(keys, token, IssuingTest.DigitalOcean);
    }

    [Fact]
    public async Task Rotating_in_a_loop_ends_before_the_JWKS_grows_without_bound()
    {
        test.Options = test.Options with { Tokens = new TokenOptions { Algorithm = "ES256" } };
        using var store = await test.OpenAsync();
        var keys = await test.OpenKeysAsync(store);
        for (var i = 0; i < 49; i++) Assert.NotNull((await keys.RotateAsync(TestStore.Cancel)).Value);
        Assert.Equal(ErrorId.TooManyRequests, (await keys.RotateAsync(TestStore.Cancel)).Failure!.Id);
        Assert.Equal(50, keys.Keys.Count);
    }

    [Fact]
    public async Task A_rotation_that_cannot_be_stored_changes_nothing()
    {
        using var store = await test.OpenAsync();
        var keys = await test.OpenKeysAsync(store);
        await TestStore.Fill(store);
        var before = keys.PublicKeys;
        await Assert.ThrowsAsync<StoreException>(async () =>
        {
            for (var i = 0; i < 10; i++)
            {
                await keys.RotateAsync(TestStore.Cancel);
                before = keys.PublicKeys;
            }
        });
        Assert.Same(before, keys.PublicKeys);
    }

    [Fact]
    public async Task Signatures_made_by_many_threads_at_once_all_verify()
    {
        using var store = await test.OpenAsync();
        var keys = await test.OpenKeysAsync(store);
        var tokens = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Enumerable.Range(0, 20).Select(_ =>
        {
            Assert.True(keys.Exchange(test, out var token));
            return token;
        }).ToArray())));
        foreach (var token in tokens.SelectMany(some => some)) await test.VerifyAsync(keys, token, IssuingTest.DigitalOcean);
    }

    [Fact]
    public async Task A_key_whose_sealed_text_was_moved_to_another_row_does_not_start()
    {
        using (var store = await test.OpenAsync())
        {
            await test.OpenKeysAsync(store);
            await store.Database.WriteAsync((connection, transaction) => connection.ExecuteAsync("UPDATE signing_keys SET id = 'another'",
                transaction: transaction), TestStore.Cancel);
        }
        using var again = await test.OpenAsync();
        await Assert.ThrowsAsync<StartException>(() => test.OpenKeysAsync(again));
    }

    [Fact]
    public async Task Discovery_says_what_relying_parties_ask_for()
    {
        using var store = await test.OpenAsync();
        var keys = await test.OpenKeysAsync(store);
        var discovery = new Discovery(keys, IssuingTest.Issuer);
        var configuration = JsonDocument.Parse(discovery.Configuration).RootElement;
        Assert.Equal(IssuingTest.Issuer, configuration.GetProperty("issuer").GetString());
        Assert.Equal(IssuingTest.Issuer + "/.well-known/jwks", configuration.GetProperty("jwks_uri").GetString());
        Assert.Equal(IssuingTest.Issuer + "/v1/oidc/token", configuration.GetProperty("token_endpoint").GetString());
        Assert.Equal("""["id_token"]""", configuration.GetProperty("response_types_supported").GetRawText());
        Assert.Equal("""["public"]""", configuration.GetProperty("subject_types_supported").GetRawText());
        Assert.Equal("""["RS256"]""", configuration.GetProperty("id_token_signing_alg_values_supported").GetRawText());
        Assert.Equal("public, max-age=300", discovery.CacheControl);

        var key = Assert.Single(JsonDocument.Parse(discovery.Jwks).RootElement.GetProperty("keys").EnumerateArray());
        Assert.Equal(["kty", "use", "alg", "kid", "n", "e"], key.EnumerateObject().Select(member => member.Name));
        Assert.Equal(discovery.Jwks, discovery.Jwks);
        await keys.RotateAsync(TestStore.Cancel);
        Assert.Equal(2, JsonDocument.Parse(discovery.Jwks).RootElement.GetProperty("keys").GetArrayLength());
        Assert.DoesNotContain("\"d\"", Encoding.UTF8.GetString(discovery.Jwks.Span), StringComparison.Ordinal);
    }
}

file static class KeysInUse
{
    public static bool Exchange(this SigningKeys keys, TestStore test, out string token)
    {
        var issued = test.Exchange(keys).Exchange(test.GitHub(), IssuingTest.Body($"actx:{IssuingTest.Team}:role:x", 900), IssuingTest.Allowed, test.Time.Now);
        token = issued.Value?.Text() ?? "";
        return issued.Value is not null;
    }
}
