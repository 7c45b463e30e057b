using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using WorkloadProxy.Configuration;
using WorkloadProxy.Hcl;
using WorkloadProxy.Issuing;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;
using WorkloadProxy.Tests.Storage;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Tests.Issuing;

public sealed class TokenExchangeTests : IAsyncLifetime
{
    private const string Subject = $"actx:{IssuingTest.Team}:role:database-and-spaces-keys-access";
    private readonly TestStore test = new();
    private Store store = null!;
    private SigningKeys keys = null!;

    public async ValueTask InitializeAsync()
    {
        // an ES256 key is made in no time; RS256 is seen in SigningKeysTests
        test.Options = test.Options with { Tokens = new TokenOptions { Algorithm = "ES256" } };
        store = await test.OpenAsync();
        keys = await test.OpenKeysAsync(store);
    }

    public ValueTask DisposeAsync()
    {
        store.Dispose();
        test.Dispose();
        return default;
    }

    [Fact]
    public async Task The_tutorials_exchange_gives_a_token_that_verifies_with_the_published_keys()
    {
        var issued = Succeed(test.GitHub(), IssuingTest.Body(Subject, 300));
        var now = test.Time.Now.ToUnixTimeSeconds();
        var claims = await test.VerifyAsync(keys, issued.Text(), IssuingTest.DigitalOcean);
        Assert.Equal("""{"iss":"https://token.actions.githubusercontent.com","sub":"repo:org/repo:ref:refs/heads/main"}""",
            claims.GetProperty("act").GetRawText());
        Assert.Equal(Subject, claims.GetProperty("sub").GetString());
        Assert.Equal(JsonValueKind.String, claims.GetProperty("aud").ValueKind);
        Assert.Equal(now, claims.GetProperty("iat").GetInt64());
        Assert.Equal(now - 5, claims.GetProperty("nbf").GetInt64());
        Assert.Equal(now + 300, claims.GetProperty("exp").GetInt64());
        Assert.Equal(IssuingTest.DigitalOcean.ToString(), claims.GetProperty("actx_source").GetString());
        Assert.Equal("""["sha256:github"]""", claims.GetProperty("actx_ancestors").GetRawText());
        Assert.Equal(issued.Id, claims.GetProperty("jti").GetString());
        Assert.Equal(22, issued.Id.Length);
        Assert.Equal(300, issued.LifetimeSeconds);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(issued.Token)), issued.Sha256);
        Assert.DoesNotContain(issued.Text(), issued.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_answer_has_seconds_and_the_moment_in_UTC()
    {
        var output = new ArrayBufferWriter<byte>();
        var issued = Succeed(test.GitHub(), IssuingTest.Body(Subject, 300));
        IssueResponse.Write(output, issued);
        Assert.Equal($$"""{"token":"{{issued.Text()}}","token_type":"Bearer","expires_in":300,"expires_at":"2026-05-04T12:05:00Z"}""",
            Encoding.UTF8.GetString(output.WrittenSpan));
    }

    [Fact]
    public void Two_tokens_for_one_request_have_two_ids() =>
        Assert.NotEqual(Succeed(test.GitHub(), IssuingTest.Body(Subject, 300)).Id, Succeed(test.GitHub(), IssuingTest.Body(Subject, 300)).Id);

    [Fact]
    public void The_token_may_be_for_another_context_that_the_proxy_knows()
    {
        var issued = Succeed(test.GitHub(), IssuingTest.Body($"actx:{IssuingTest.Team}:role:atproto-write", 300, IssuingTest.AtProto));
        Assert.Equal(IssuingTest.AtProto.ToString(), issued.Audience);
        Assert.Equal(IssuingTest.DigitalOcean.ToString(), test.Presenting(issued).Token.Claims.String("actx_source"));
    }

    [Theory]
    [InlineData("api://DigitalOcean?actx=another")]
    [InlineData("api://digitalocean?actx=f81d4fae-7dec-11d0-a765-00a0c91e6bf6")]
    [InlineData("api://DigitalOcean?actx=f81d4fae-7dec-11d0-a765-00a0c91e6bf6&x=1")]
    [InlineData("https://example.com")]
    [InlineData("*")]
    public void An_audience_that_is_no_context_of_this_proxy_is_forbidden(string audience) =>
        Refused(ErrorId.Forbidden, "`aud` is not a context of this proxy", $$"""{"aud":"{{audience}}","sub":"{{Subject}}"}""");

    [Theory]
    [InlineData("actx:f81d4fae-7dec-11d0-a765-00a0c91e6bf6:")]
    [InlineData("actx:f81d4fae-7dec-11d0-a765-00a0c91e6bf6")]
    [InlineData("actx:f81d4fae-7dec-11d0-a765-00a0c91e6bf6x:role:a")]
    [InlineData("actx:did:plc:ewvi7nxzyoun6zhxrhs64oiz:role:a")]
    [InlineData("ACTX:f81d4fae-7dec-11d0-a765-00a0c91e6bf6:role:a")]
    [InlineData("role:a")]
    [InlineData(" actx:f81d4fae-7dec-11d0-a765-00a0c91e6bf6:role:a")]
    public void A_subject_of_another_context_is_forbidden(string subject)
    {
        var failure = Exchange(test.GitHub(), IssuingTest.Body(subject, 300)).Failure!;
        Assert.Equal(ErrorId.Forbidden, failure.Id);
        Assert.StartsWith("`sub` does not begin with `actx:f81d4fae-7dec-11d0-a765-00a0c91e6bf6:`", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]", "the body is an array, expected a JSON object with `aud`, `sub` and `ttl`")]
    [InlineData("null", "the body is null, expected a JSON object with `aud`, `sub` and `ttl`")]
    [InlineData("{}", "`aud` is missing: the context that the token is for")]
    [InlineData("""{"aud":"AUD"}""", "`sub` is missing: the subject that the token is for")]
    [InlineData("""{"sub":"SUB"}""", "`aud` is missing: the context that the token is for")]
    [InlineData("""{"aud":["AUD"],"sub":"SUB"}""", "`aud` is an array, expected one text of 1 to 1024 characters without control characters")]
    [InlineData("""{"aud":"AUD","sub":7}""", "`sub` is a number, expected one text of 1 to 1024 characters without control characters")]
    [InlineData("""{"aud":"AUD","sub":""}""", "`sub` is a string, expected one text of 1 to 1024 characters without control characters")]
    [InlineData("""{"aud":"AUD","sub":"SUB\u0000"}""", "`sub` is a string, expected one text of 1 to 1024 characters without control characters")]
    [InlineData("""{"aud":"AUD","sub":"SUB\ud800"}""", "the body holds half of a surrogate pair, expected Unicode text")]
    [InlineData("""{"aud":"AUD","sub":"SUB","sub":"SUB"}""", "`sub` is a string, expected one text of 1 to 1024 characters without control characters")]
    [InlineData("""{"aud":"AUD","sub":"SUB","ttl":"300"}""", "`ttl` is a string, expected a whole number of seconds")]
    [InlineData("""{"aud":"AUD","sub":"SUB","ttl":null}""", "`ttl` is null, expected a whole number of seconds")]
    [InlineData("""{"aud":"AUD","sub":"SUB","ttl":1.5}""", "`ttl` is a number, expected a whole number of seconds")]
    [InlineData("""{"aud":"AUD","sub":"SUB","ttl":1e300}""", "`ttl` is a number, expected a whole number of seconds")]
    [InlineData("""{"aud":"AUD","sub":"SUB","ttl":true}""", "`ttl` is a bool, expected a whole number of seconds")]
    [InlineData("""{"aud":"AUD","sub":"SUB","ttl":0}""", "`ttl` is 0, expected 1 to 900 seconds")]
    [InlineData("""{"aud":"AUD","sub":"SUB","ttl":-1}""", "`ttl` is -1, expected 1 to 900 seconds")]
    [InlineData("""{"aud":"AUD","sub":"SUB","ttl":901}""", "`ttl` is 901, expected 1 to 900 seconds")]
    [InlineData("""{"aud":"AUD","sub":"SUB","ttl":300,"ttl":300}""", "`ttl` is a number, expected a whole number of seconds")]
    public void A_malformed_body_is_a_bad_request(string body, string message) =>
        Refused(ErrorId.BadRequest, message, body.Replace("AUD", IssuingTest.DigitalOcean.ToString(), StringComparison.Ordinal)
            .Replace("SUB", Subject, StringComparison.Ordinal));

    [Theory]
    [InlineData("iss")]
    [InlineData("exp")]
    [InlineData("nbf")]
    [InlineData("iat")]
    [InlineData("jti")]
    [InlineData("act")]
    [InlineData("actx_source")]
    [InlineData("actx_ancestors")]
    [InlineData("actx_chain")]
    [InlineData("actx")]
    [InlineData("ACTX_other")]
    [InlineData("droplet_id")]
    public void A_caller_cannot_set_a_claim_that_is_the_proxys_to_say(string name) =>
        Refused(ErrorId.BadRequest, $"`{name}` is set by the proxy and can't be overridden",
            $$"""{"aud":"{{IssuingTest.DigitalOcean}}","sub":"{{Subject}}","{{name}}":"x"}""");

    [Fact]
    public async Task Further_names_that_the_policy_permitted_become_claims()
    {
        var issued = Succeed(test.GitHub(),
            IssuingTest.Body($$"""{"aud":"{{IssuingTest.DigitalOcean}}","sub":"{{Subject}}","environment":"prod","o":{"a":["é",null] },"n":9007199254740993}"""));
        var claims = await test.VerifyAsync(keys, issued.Text(), IssuingTest.DigitalOcean);
        Assert.Equal("prod", claims.GetProperty("environment").GetString());
        Assert.Equal("9007199254740993", claims.GetProperty("n").GetRawText());
        Assert.Equal("é", claims.GetProperty("o").GetProperty("a")[0].GetString());
    }

    [Theory]
    [InlineData(@"'\ud800':1")]
    [InlineData(@"'x':'\ud800'")]
    [InlineData(@"'x':[{'y':'\udc00\ud800'}]")]
    [InlineData(@"'x':[{'\ud800':1}]")]
    public void A_claim_with_half_of_a_surrogate_pair_is_a_bad_request(string claim) =>
        Refused(ErrorId.BadRequest, "the body holds half of a surrogate pair, expected Unicode text",
            $$"""{"aud":"{{IssuingTest.DigitalOcean}}","sub":"{{Subject}}",{{claim.Replace('\'', '"')}} }""");

    [Fact]
    public void A_claim_nested_deeper_than_a_token_may_be_is_a_bad_request() =>
        Refused(ErrorId.BadRequest, "`deep` is nested more than 15 deep",
            $$"""{"aud":"{{IssuingTest.DigitalOcean}}","sub":"{{Subject}}","deep":{{new string('[', 16)}}{{new string(']', 16)}}}""");

    [Fact]
    public void A_token_larger_than_the_proxy_would_take_is_a_bad_request() =>
        Refused(ErrorId.BadRequest, "the token would be larger than 16384 bytes",
            $$"""{"aud":"{{IssuingTest.DigitalOcean}}","sub":"{{Subject}}","big":"{{new string('x', 13_000)}}"}""");

    [Fact]
    public void Without_a_ttl_the_token_lives_900_seconds_or_MaxLifetime_if_that_is_shorter()
    {
        Assert.Equal(900, Succeed(test.GitHub(), IssuingTest.Body(Subject, null)).LifetimeSeconds);
        test.Options = test.Options with { Tokens = new TokenOptions { MaxLifetime = TimeSpan.FromMinutes(5) } };
        Assert.Equal(300, Succeed(test.GitHub(), IssuingTest.Body(Subject, null)).LifetimeSeconds);
        test.Options = test.Options with { Tokens = new TokenOptions { MaxLifetime = TimeSpan.FromMinutes(45) } };
        Assert.Equal(900, Succeed(test.GitHub(), IssuingTest.Body(Subject, null)).LifetimeSeconds);
        Assert.Equal(2700, Succeed(test.GitHub(), IssuingTest.Body(Subject, 2700)).LifetimeSeconds);
    }

    [Fact]
    public void The_smallest_max_ttl_of_the_roles_cuts_the_lifetime()
    {
        Assert.Equal(60, Exchange(test.GitHub(), IssuingTest.Body(Subject, 300), IssuingTest.Allowed with { MaxTtl = 60 }).Value!.LifetimeSeconds);
        Assert.Equal(300, Exchange(test.GitHub(), IssuingTest.Body(Subject, 300), IssuingTest.Allowed with { MaxTtl = 3600 }).Value!.LifetimeSeconds);
    }

    [Theory]
    [InlineData(DecisionOutcome.Deny)]
    [InlineData(DecisionOutcome.BodyNeeded)]
    [InlineData(DecisionOutcome.BadRequest)]
    public void Nothing_is_minted_on_a_decision_that_is_no_allow(DecisionOutcome outcome) =>
        Assert.Equal(ErrorId.Forbidden, Exchange(test.GitHub(), IssuingTest.Body(Subject, 300), IssuingTest.Allowed with { Outcome = outcome }).Failure!.Id);

    [Fact]
    public void A_chain_of_exchanges_nests_its_actors_carries_its_ancestors_and_ends_after_four()
    {
        var caller = test.GitHub();
        var ids = new List<string> { "sha256:github" };
        for (var depth = 1; depth <= 4; depth++)
        {
            var issued = Succeed(caller, IssuingTest.Body(Subject, 300));
            caller = test.Presenting(issued);
            Assert.Equal(ids, caller.Token.Claims.Root.GetProperty("actx_ancestors").EnumerateArray().Select(id => id.GetString()));
            Assert.Equal(depth, Depth(caller.Token.Claims.Root));
            ids.Insert(0, issued.Id);
        }
        var act = caller.Token.Claims.Root.GetProperty("act");
        Assert.Equal(IssuingTest.Issuer, act.GetProperty("iss").GetString());
        Assert.Equal("repo:org/repo:ref:refs/heads/main", act.GetProperty("act").GetProperty("act").GetProperty("act").GetProperty("sub").GetString());
        Assert.Equal("the token was exchanged 4 times already, and may not be again", Exchange(caller, IssuingTest.Body(Subject, 300)).Failure!.Message);
    }

    [Fact]
    public void A_chain_ends_an_hour_after_its_first_tokens_iat()
    {
        var start = test.Time.Now;
        var caller = test.Presenting(Succeed(test.GitHub(age: TimeSpan.FromMinutes(2)), IssuingTest.Body(Subject, 900)));
        test.Time.Now = start + TimeSpan.FromMinutes(10);
        caller = test.Presenting(Succeed(caller, IssuingTest.Body(Subject, 900)));
        test.Time.Now = start + TimeSpan.FromMinutes(50);
        Assert.Equal(8 * 60, Succeed(caller, IssuingTest.Body(Subject, 900)).LifetimeSeconds);
        test.Time.Now = start + TimeSpan.FromMinutes(58);
        var failure = Exchange(caller, IssuingTest.Body(Subject, 900)).Failure!;
        Assert.Equal(ErrorId.Forbidden, failure.Id);
        Assert.Equal("the token's chain of exchanges has ended: start again from a new identity token", failure.Message);
    }

    [Fact]
    public void A_chain_goes_on_as_long_as_its_first_token_where_that_outlives_it()
    {
        var start = test.Time.Now;
        var first = test.GitHub(age: TimeSpan.FromMinutes(2));
        first = first with { Token = first.Token.Until(start + TimeSpan.FromHours(3)) };
        var caller = test.Presenting(Succeed(first, IssuingTest.Body(Subject, 900)));
        Assert.Equal((start + TimeSpan.FromHours(3)).ToUnixTimeSeconds(), caller.Token.Claims.Root.GetProperty("actx_chain_end").GetInt64());
        test.Time.Now = start + TimeSpan.FromMinutes(174);
        caller = test.Presenting(Succeed(caller, IssuingTest.Body(Subject, 900)));
        Assert.Equal(6 * 60, Succeed(caller, IssuingTest.Body(Subject, 900)).LifetimeSeconds);
        test.Time.Now = start + TimeSpan.FromHours(3);
        Assert.Equal(ErrorId.Forbidden, Exchange(caller, IssuingTest.Body(Subject, 900)).Failure!.Id);
    }

    [Fact]
    public void A_token_for_another_service_tells_it_nothing_of_its_ancestors()
    {
        test.Options = test.Options with { Tokens = test.Options.Tokens with { ExternalAudiences = ["sts.amazonaws.com"] } };
        var issued = Succeed(test.GitHub(), IssuingTest.Body($$"""{"aud":"sts.amazonaws.com","sub":"{{Subject}}","ttl":300}"""));
        Assert.Equal("sts.amazonaws.com", issued.Audience);
        var claims = JsonDocument.Parse(Microsoft.IdentityModel.Tokens.Base64UrlEncoder.Decode(issued.Text().Split('.')[1])).RootElement;
        Assert.Equal("sts.amazonaws.com", claims.GetProperty("aud").GetString());
        Assert.False(claims.TryGetProperty("actx_ancestors", out _));
        Refused(ErrorId.Forbidden, "`aud` is not a context of this proxy", $$"""{"aud":"STS.amazonaws.com","sub":"{{Subject}}"}""");
    }

    [Theory]
    [InlineData("{}", 0)]
    [InlineData("""{"iat":NOW+600}""", 0)]
    [InlineData("""{"iat":NOW-60}""", 60)]
    [InlineData("""{"iat":NOW-60,"actx_chain":NOW}""", 60)]
    public void A_foreign_tokens_chain_begins_at_its_iat_or_at_the_exchange_whatever_else_it_says(string claims, int age)
    {
        var now = test.Time.Now.ToUnixTimeSeconds();
        claims = claims.Replace("NOW+600", $"{now + 600}", StringComparison.Ordinal).Replace("NOW-60", $"{now - 60}", StringComparison.Ordinal)
            .Replace("NOW", $"{now}", StringComparison.Ordinal);
        claims = claims == "{}" ? """{"iss":"https://i","sub":"s"}""" : """{"iss":"https://i","sub":"s",""" + claims[1..];
        var issued = Succeed(test.Presenting(IssuingTest.DigitalOcean, isOwn: false, claims, ["h"]), IssuingTest.Body(Subject, 300));
        Assert.Equal(now - age, test.Presenting(issued).Token.Claims.Root.GetProperty("actx_chain").GetInt64());
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-5")]
    [InlineData("1e-300")]
    public void The_chain_of_a_foreign_token_older_than_one_may_be_ends_with_that_token(string iat) =>
        Assert.Equal(5 * 60, Succeed(test.Presenting(IssuingTest.DigitalOcean, isOwn: false, $$"""{"iss":"https://i","sub":"s","iat":{{iat}}}""", ["h"]),
            IssuingTest.Body(Subject, 900)).LifetimeSeconds);

    [Fact]
    public void A_foreign_tokens_own_actors_are_not_passed_on()
    {
        var caller = test.Presenting(IssuingTest.DigitalOcean, isOwn: false,
            """{"iss":"https://i","sub":"s","act":{"iss":"https://proxy.example.com","sub":"admin","act":{"act":{"act":{}}}}}""", ["h"]);
        Assert.Equal("""{"iss":"https://i","sub":"s"}""", test.Presenting(Succeed(caller, IssuingTest.Body(Subject, 300))).Token.Claims.Root.GetProperty("act")
            .GetRawText());
    }

    private static int Depth(JsonElement claims) => claims.TryGetProperty("act", out var act) ? 1 + Depth(act) : 0;

    private Result<IssuedToken> Exchange(Caller caller, JsonElement body, Decision? decision = null) =>
        test.Exchange(keys).Exchange(caller, body, decision ?? IssuingTest.Allowed, test.Time.Now);

    private IssuedToken Succeed(Caller caller, JsonElement body)
    {
        Assert.True(Exchange(caller, body).Succeeded(out var issued, out var failure), failure?.Message);
        return issued;
    }

    private void Refused(ErrorId id, string message, string body)
    {
        var failure = Exchange(test.GitHub(), IssuingTest.Body(body)).Failure!;
        Assert.Equal(message, failure.Message);
        Assert.Equal(id, failure.Id);
    }
}
