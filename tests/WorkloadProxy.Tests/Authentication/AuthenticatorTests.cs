using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using WorkloadProxy.Authentication;
using WorkloadProxy.Authentication.Issuers;
using WorkloadProxy.Configuration;
using WorkloadProxy.Hcl;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Tests.Authentication;

/// <summary>From a bearer token to a caller, with a real issuer, a real store and real policies.</summary>
public sealed class AuthenticatorTests : IAsyncLifetime
{
    private const string PublicUrl = "https://proxy.example.com";
    private static readonly AuthContext acme = new("Depot", "acme");
    private static readonly AuthContext team = new("DigitalOcean", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
    private static readonly AuthContext empty = new("Depot", "empty");

    private const string OwnRole = """
        role "own" {
          aud      = "api://DigitalOcean?actx={actx}"
          sub      = "actx:{actx}:role:x"
          policies = ["p"]
        }
        """;

    private readonly string directory = Directory.CreateTempSubdirectory("authenticator").FullName;
    private readonly ManualTime time = new();
    private readonly PolicySetStore sets = new();
    private FakeIssuer issuer = null!;
    private FakeIssuer stranger = null!;
    private ProxyOptions options = null!;
    private Store store = null!;
    private SigningKeys signingKeys = null!;
    private RevocationSet revocations = null!;
    private BoundedFetch fetch = null!;
    private IssuerKeys issuerKeys = null!;
    private Authenticator authenticator = null!;

    public async ValueTask InitializeAsync()
    {
        issuer = await FakeIssuer.StartAsync();
        stranger = await FakeIssuer.StartAsync();
        options = new ProxyOptions
        {
            PublicUrl = PublicUrl,
            DataDirectory = directory,
            Issuers = [new(issuer.Issuer, null, null, []), new(stranger.Issuer, null, null, ["ES256"])],
            Audiences = [new("https://depot.dev", acme), new("both", team)],
            Policies = [new(acme, "."), new(team, "."), new(empty, ".")],
        };
        store = await Store.OpenAsync(options, time, CancellationToken.None);
        signingKeys = await SigningKeys.OpenAsync(store, options.Tokens, time, CancellationToken.None);
        revocations = await RevocationSet.OpenAsync(store.Database, options.Tokens, time, CancellationToken.None);
        fetch = new BoundedFetch(time);
        await RestartAsync();
        sets.Publish(TestPolicies.Set(acme, "v1", PublicUrl, Role("ci", issuer.Issuer, "repo:acme/*")));
        sets.Publish(TestPolicies.Set(team, "v1", PublicUrl, OwnRole));
    }

    public async ValueTask DisposeAsync()
    {
        await issuerKeys.DisposeAsync();
        fetch.Dispose();
        store.Dispose();
        await issuer.DisposeAsync();
        await stranger.DisposeAsync();
        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public async Task A_workloads_token_becomes_a_caller_with_its_roles()
    {
        var token = Foreign();
        var caller = await AcceptAsync(token);
        Assert.Equal((acme, issuer.Issuer, "repo:acme/app:ref:refs/heads/main", false),
            (caller.Token.Context, caller.Token.Issuer, caller.Token.Subject, caller.Token.IsOwn));
        Assert.Equal(["ci"], caller.Grants.RoleNames);
        Assert.Equal("v1", caller.PolicyVersion);
        Assert.Equal(time.GetUtcNow().AddMinutes(5), caller.Token.Expires);
        Assert.Equal(time.GetUtcNow(), caller.Token.IssuedAt);
        Assert.Equal("main", caller.Token.Claims.String("ref"));
        var input = token[..token.LastIndexOf('.')];
        Assert.Equal(["sha256:" + TestKey.Url(System.Security.Cryptography.SHA256.HashData(Encoding.ASCII.GetBytes(input)))], caller.Token.RevocationIds);
    }

    [Fact]
    public async Task A_token_that_matches_no_role_is_a_caller_without_roles() =>
        Assert.Empty((await AcceptAsync(Foreign(("sub", "repo:evil/app")))).Grants.RoleNames);

    [Fact]
    public async Task Our_own_token_is_verified_without_the_network()
    {
        var caller = await AcceptAsync(Own(("jti", "three"), ("actx_ancestors", new[] { "two", "sha256:one" })));
        Assert.True(caller.Token.IsOwn);
        Assert.Equal((team, "three"), (caller.Token.Context, caller.Token.Id));
        Assert.Equal(["own"], caller.Grants.RoleNames);
        Assert.Equal(["three", "two", "sha256:one"], caller.Token.RevocationIds);
        Assert.Empty(issuer.Targets);
    }

    [Fact]
    public async Task Our_own_token_needs_its_id_and_well_formed_ancestors()
    {
        await RefuseAsync(Own(("jti", null)), "is not one of this proxy's");
        await RefuseAsync(Own(("jti", 7)), "is not one of this proxy's");
        await RefuseAsync(Own(("actx_ancestors", "one")), "is not one of this proxy's");
        await RefuseAsync(Own(("actx_ancestors", new object[] { 1 })), "is not one of this proxy's");
    }

    [Fact]
    public async Task Our_own_token_needs_an_actor_that_is_an_object_nested_four_deep_at_most()
    {
        object Nested(int depth) => depth == 1 ? new Dictionary<string, object> { ["sub"] = "a" } : new Dictionary<string, object>
            { ["sub"] = "a", ["act"] = Nested(depth - 1) };
        var caller = await AcceptAsync(Own(("act", Nested(4))));
        Assert.Equal((4, JsonValueKind.Object), (caller.Token.ActorDepth, caller.Token.Actor!.Value.ValueKind));
        Assert.Null((await AcceptAsync(Own(("jti", "first")))).Token.Actor);
        await RefuseAsync(Own(("act", Nested(5))), "is not one of this proxy's");
        await RefuseAsync(Own(("act", "a")), "is not one of this proxy's");
        await RefuseAsync(Own(("act", new Dictionary<string, object> { ["act"] = new[] { "a" } })), "is not one of this proxy's");
    }

    [Fact]
    public async Task An_actor_in_a_foreign_token_is_any_claim()
    {
        var caller = await AcceptAsync(Foreign(("act", "a")));
        Assert.Equal((0, (JsonElement?)null), (caller.Token.ActorDepth, caller.Token.Actor));
    }

    [Fact]
    public async Task Our_own_clock_has_no_skew()
    {
        var token = Own();
        await AcceptAsync(token);
        time.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromSeconds(1));
        await AcceptAsync(token);
        time.Advance(TimeSpan.FromSeconds(1));
        await RefuseAsync(token, "the token has expired");
        await RefuseAsync(Own(("nbf", Seconds(1))), "the token is not valid yet");
    }

    [Fact]
    public async Task A_token_in_our_name_that_we_did_not_sign_is_refused()
    {
        Dictionary<string, object?> claims = new() { ["iss"] = PublicUrl, ["aud"] = team.ToString(), ["sub"] = $"actx:{team.Id}:role:x", ["exp"] = Seconds(300),
            ["jti"] = "x" };
        await RefuseAsync(TestKey.One.Token(claims), "the token is not accepted: its issuer, audience or signing key is unknown or not trusted here");
        await RefuseAsync(TestKey.One.Named(signingKeys.PublicKeys[0].Kid).Token(claims),
            "the token is not accepted: its issuer, audience or signing key is unknown or not trusted here");
        await RefuseAsync(TestKey.One.Named(null).Token(claims), "is not one of this proxy's");
        foreach (var type in new[] { "at+jwt", "provisioning+jwt" })
        {
            var parts = Own().Split('.');
            var header = TestKey.Url(Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(parts[0])).Replace("JWT", type));
            await RefuseAsync($"{header}.{parts[1]}.{parts[2]}", type == "at+jwt" ? "is not one of this proxy's" : "`typ` that is not accepted here");
        }
    }

    [Fact]
    public async Task Another_token_of_our_issuers_name_with_a_slash_is_not_ours() => await RefuseAsync(Own(("iss", PublicUrl + "/")), "not trusted here");

    [Fact]
    public async Task An_unknown_context_and_an_untrusted_issuer_get_one_text_and_no_request_leaves()
    {
        var unknown = await RefuseAsync(Foreign(("aud", "api://Depot?actx=nobody")),
            "the token is not accepted: its issuer, audience or signing key is unknown or not trusted here");
        var untrusted = await RefuseAsync(Foreign(("iss", stranger.Issuer)),
            "the token is not accepted: its issuer, audience or signing key is unknown or not trusted here");
        var elsewhere = await RefuseAsync(Foreign(("aud", team.ToString())),
            "the token is not accepted: its issuer, audience or signing key is unknown or not trusted here");
        Assert.Equal(unknown with { Detail = null }, untrusted with { Detail = null });
        Assert.Equal(unknown with { Detail = null }, elsewhere with { Detail = null });
        Assert.Equal("no auth context for the audience `api://Depot?actx=nobody`", unknown.Detail);
        Assert.Equal($"no role of `{team}` names the issuer `{issuer.Issuer}`", elsewhere.Detail);
        foreach (var variant in new[] { issuer.Issuer + "/", issuer.Issuer.ToUpperInvariant(), issuer.Issuer + "#a", "https://evil.example" })
            await RefuseAsync(Foreign(("iss", variant)), "the token is not accepted: its issuer, audience or signing key is unknown or not trusted here");
        Assert.Empty(issuer.Targets);
        Assert.Empty(stranger.Targets);
    }

    [Theory]
    [InlineData("api://depot?actx=acme")]
    [InlineData("api://Depot?actx=acme ")]
    [InlineData("api://Depot?actx=acme&x=1")]
    [InlineData("api://Depot/?actx=acme")]
    [InlineData("API://Depot?actx=acme")]
    [InlineData("https://depot.dev/")]
    [InlineData("")]
    public async Task An_audience_is_compared_exactly(string audience) =>
        await RefuseAsync(Foreign(("aud", audience)), "the token is not accepted: its issuer, audience or signing key is unknown or not trusted here");

    [Fact]
    public async Task Another_audience_is_mapped_to_its_context() =>
        Assert.Equal(acme, (await AcceptAsync(Foreign(("aud", "https://depot.dev")))).Token.Context);

    [Fact]
    public async Task A_list_of_audiences_may_name_one_context_alone()
    {
        Assert.Equal(acme, (await AcceptAsync(Foreign(("aud", new[] { "https://other.example", "https://depot.dev", acme.ToString() })))).Token.Context);
        await RefuseAsync(Foreign(("aud", new[] { acme.ToString(), team.ToString() })), "`aud` names more than one auth context");
        await RefuseAsync(Foreign(("aud", new[] { acme.ToString(), "both" })), "`aud` names more than one auth context");
        await RefuseAsync(Foreign(("aud", new[] { acme.ToString(), "api://Depot?actx=nobody" })), "`aud` names more than one auth context");
    }

    [Fact]
    public async Task A_context_without_a_set_answers_that_its_policy_is_unavailable()
    {
        Assert.Equal(ErrorId.InvalidToken,
            (await RefuseAsync(Foreign(("aud", empty.ToString())),
                "the token is not accepted: its issuer, audience or signing key is unknown or not trusted here")).Id);
        Assert.Equal(ErrorId.PolicyUnavailable, (await RefuseAsync(Own(("aud", empty.ToString())), "no policy set is in force yet")).Id);
        await RefuseAsync(Foreign(("aud", empty.ToString()), ("exp", Seconds(-61))), "the token has expired");
        Assert.Empty(issuer.Targets);
    }

    [Fact]
    public async Task A_token_seen_before_is_known_by_its_hash()
    {
        var token = Foreign();
        var first = await AcceptAsync(token);
        await issuer.DisposeAsync();
        Assert.Same(first, await AcceptAsync(token));
        Assert.Equal(1, issuer.KeyRequests);
        await RefuseAsync(token + "A", "");
        await RefuseAsync(token[..^4] + "AAAA", "the token is not accepted: its issuer, audience or signing key is unknown or not trusted here");
    }

    [Fact]
    public async Task A_token_seen_before_costs_no_memory()
    {
        var token = Foreign();
        await AcceptAsync(token);
        Assert.InRange(AllocatedByAThousand(token.AsMemory()), 0, 1000);
    }

    /// <summary>All on one thread: the second thousand, when everything is warm.</summary>
    private long AllocatedByAThousand(ReadOnlyMemory<char> token)
    {
        long before = 0;
        for (var i = 0; i < 2000; i++)
        {
            if (i == 1000) before = GC.GetAllocatedBytesForCurrentThread();
            var answer = authenticator.AuthenticateAsync(token, CancellationToken.None);
            if (!answer.IsCompletedSuccessfully || answer.GetAwaiter().GetResult().Value is null) Assert.Fail("not known");
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    [Fact]
    public async Task A_new_set_decides_anew_who_is_trusted_and_which_roles_match()
    {
        var token = Foreign();
        await AcceptAsync(token);
        sets.Publish(TestPolicies.Set(acme, "v2", PublicUrl, Role("renamed", issuer.Issuer, "repo:acme/*")));
        var caller = await AcceptAsync(token);
        Assert.Equal(("renamed", "v2"), (caller.Grants.RoleNames[0], caller.PolicyVersion));
        sets.Publish(TestPolicies.Set(acme, "v3", PublicUrl, Role("ci", "https://other.example", "repo:acme/*")));
        await RefuseAsync(token, "the token is not accepted: its issuer, audience or signing key is unknown or not trusted here");
        sets.Publish(TestPolicies.Set(acme, "v4", PublicUrl, Role("ci", issuer.Issuer, "repo:acme/*")));
        await AcceptAsync(token);
        Assert.Equal(1, issuer.KeyRequests);
    }

    [Fact]
    public async Task A_token_ends_when_its_key_leaves_the_issuers_keys()
    {
        var token = Foreign(("exp", Seconds(7200)));
        await AcceptAsync(token);
        issuer.Jwks = TestKey.Jwks(TestKey.Other.Jwk());
        time.Advance(TimeSpan.FromSeconds(1));
        await AcceptAsync(Foreign(TestKey.Other));
        await RefuseAsync(token, "the token is not accepted: its issuer, audience or signing key is unknown or not trusted here");
    }

    [Fact]
    public async Task A_foreign_token_is_taken_a_minute_beyond_its_end_and_not_longer()
    {
        var token = Foreign();
        await AcceptAsync(token);
        time.Advance(TimeSpan.FromSeconds(359));
        await AcceptAsync(token);
        time.Advance(TimeSpan.FromSeconds(1));
        await RefuseAsync(token, "the token has expired");
    }

    [Fact]
    public async Task A_revoked_token_ends_at_once_with_all_that_it_was_exchanged_for()
    {
        var (foreign, own) = (Foreign(), Own(("jti", "parent")));
        var parent = await AcceptAsync(foreign);
        var child = Own(("jti", "child"), ("actx_ancestors", parent.Token.RevocationIds));
        await AcceptAsync(own);
        await AcceptAsync(child);

        Assert.True((await authenticator.VerifyForRevocationAsync(foreign.AsMemory(), CancellationToken.None)).Succeeded(out var verified, out _));
        await revocations.RevokeAsync(verified, CancellationToken.None);
        await RefuseAsync(foreign, "the token has been revoked");
        await RefuseAsync(child, "the token has been revoked");
        await RefuseAsync(foreign, "the token has been revoked");
        await AcceptAsync(own);
        await RestartAsync();
        await RefuseAsync(child, "the token has been revoked");
    }

    [Fact]
    public async Task An_expired_token_may_still_be_revoked_while_its_chain_can_live()
    {
        var token = Foreign();
        time.Advance(TimeSpan.FromMinutes(30));
        await RefuseAsync(token, "the token has expired");
        Assert.True((await authenticator.VerifyForRevocationAsync(token.AsMemory(), CancellationToken.None)).Succeeded(out _, out _));
        Assert.False((await authenticator.VerifyForRevocationAsync((token[..^4] + "AAAA").AsMemory(), CancellationToken.None)).Succeeded(out _, out _));
        await RefuseAsync(token, "the token has expired");
        time.Advance(TimeSpan.FromHours(1));
        Assert.False((await authenticator.VerifyForRevocationAsync(token.AsMemory(), CancellationToken.None)).Succeeded(out _, out _));
    }

    [Fact]
    public async Task A_listed_issuer_may_be_held_to_its_algorithms()
    {
        stranger.Jwks = TestKey.Jwks(TestKey.One.Jwk(), TestKey.Ec("ec").Jwk());
        sets.Publish(TestPolicies.Set(acme, "v2", PublicUrl, Role("ci", stranger.Issuer, "repo:acme/*")));
        var failure = await RefuseAsync(Foreign(("iss", stranger.Issuer)),
            "the token is not accepted: its issuer, audience or signing key is unknown or not trusted here");
        Assert.StartsWith("`RS256` is not among the algorithms", failure.Detail);
        Assert.Empty(stranger.Targets);
    }

    [Fact]
    public async Task An_issuer_that_is_down_is_said_to_be()
    {
        issuer.OnDiscovery = context => { context.Response.StatusCode = 404; return Task.CompletedTask; };
        var failure = await RefuseAsync(Foreign(), "the token is not accepted: its issuer, audience or signing key is unknown or not trusted here");
        Assert.Equal(ErrorId.InvalidToken, failure.Id);
        Assert.Contains("answered 404", failure.Detail);
    }

    [Fact]
    public async Task An_unlisted_issuer_on_a_private_address_is_never_connected_to()
    {
        foreach (var name in new[] { "https://127.0.0.1:8443", "https://localhost:8443", issuer.Issuer.Replace("http:", "https:"), "https://169.254.169.254" })
        {
            sets.Publish(TestPolicies.Set(acme, "v2", PublicUrl, Role("ci", name, "repo:acme/*")));
            var failure = await RefuseAsync(Foreign(("iss", name)),
                "the token is not accepted: its issuer, audience or signing key is unknown or not trusted here");
            Assert.Contains("has no public address", failure.Detail);
        }

        Assert.Empty(issuer.Targets);
    }

    [Fact]
    public async Task A_long_claim_does_not_fill_the_audit()
    {
        var failure = await RefuseAsync(Foreign(("iss", "https://" + new string('x', 5000))),
            "the token is not accepted: its issuer, audience or signing key is unknown or not trusted here");
        Assert.InRange(failure.Detail!.Length, 200, 400);
    }

    [Fact]
    public async Task Garbage_is_refused()
    {
        foreach (var token in new[] { "", "a.b.c", "ä.b.c", "eyJhbGciOiJub25lIn0.e30.", new string('a', 20000), "e30.e30.e30", "\0" })
        {
            var answer = await authenticator.AuthenticateAsync(token.AsMemory(), CancellationToken.None);
            Assert.Equal(ErrorId.InvalidToken, answer.Failure?.Id);
        }
    }

    private async Task RestartAsync()
    {
        if (issuerKeys is not null) await issuerKeys.DisposeAsync();
        issuerKeys = new IssuerKeys(options, sets, new IssuerKeyStore(store.Database), fetch, time, NullLogger<IssuerKeys>.Instance);
        authenticator = new Authenticator(options, sets, signingKeys, issuerKeys, revocations, time);
    }

    private static string Role(string name, string issuer, string subject) => $$"""
        role "{{name}}" {
          iss      = "{{issuer}}"
          aud      = ["api://Depot?actx={actx}", "https://depot.dev"]
          sub      = "{{subject}}"
          policies = ["p"]
        }
        """;

    private long Seconds(int fromNow) => time.GetUtcNow().ToUnixTimeSeconds() + fromNow;

    private string Foreign(params (string Name, object? Value)[] more) => Foreign(TestKey.One, more);

    private string Foreign(TestKey key, params (string Name, object? Value)[] more) => key.Token(With(new()
    {
        ["iss"] = issuer.Issuer, ["aud"] = acme.ToString(), ["sub"] = "repo:acme/app:ref:refs/heads/main", ["ref"] = "main",
        ["iat"] = Seconds(0), ["nbf"] = Seconds(-600), ["exp"] = Seconds(300),
    }, more));

    private string Own(params (string Name, object? Value)[] more) =>
        Encoding.ASCII.GetString(signingKeys.Current(time.GetUtcNow()).Sign(JsonSerializer.SerializeToUtf8Bytes(With(new()
    {
        ["iss"] = PublicUrl, ["aud"] = team.ToString(), ["sub"] = $"actx:{team.Id}:role:x", ["iat"] = Seconds(0), ["nbf"] = Seconds(-5), ["exp"] = Seconds(300),
        ["jti"] = "id", ["actx_source"] = team.ToString(),
    }, more))));

    private static Dictionary<string, object?> With(Dictionary<string, object?> claims, (string Name, object? Value)[] more)
    {
        foreach (var (name, value) in more)
        {
            if (value is null) claims.Remove(name);
            else claims[name] = value;
        }

        return claims;
    }

    private async Task<Caller> AcceptAsync(string token)
    {
        (await authenticator.AuthenticateAsync(token.AsMemory(), CancellationToken.None)).Succeeded(out var caller, out var failure);
        Assert.Null(failure);
        return caller!;
    }

    private async Task<Failure> RefuseAsync(string token, string text)
    {
        Assert.False((await authenticator.AuthenticateAsync(token.AsMemory(), CancellationToken.None)).Succeeded(out _, out var failure));
        Assert.Contains(text, failure.Message);
        return failure;
    }
}
