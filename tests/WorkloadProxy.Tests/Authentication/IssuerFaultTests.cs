using Microsoft.Extensions.Logging.Abstractions;
using WireMock.RequestBuilders;
using WireMock.ResponseBuilders;
using WireMock.Server;
using WorkloadProxy.Authentication.Issuers;
using WorkloadProxy.Configuration;
using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Outbound;

namespace WorkloadProxy.Tests.Authentication;

/// <summary>An issuer whose documents fail for a while: one after another, at each of the two steps.</summary>
public sealed class IssuerFaultTests : IAsyncDisposable
{
    private const string Discovery = "/.well-known/openid-configuration", Jwks = "/jwks";
    private readonly ManualTime time = new();
    private readonly WireMockServer issuer = WireMockServer.Start();
    private readonly BoundedFetch fetch;
    private readonly IssuerKeyCache cache;

    public IssuerFaultTests()
    {
        fetch = new BoundedFetch(TimeProvider.System);
        var options = new IssuerOptions(issuer.Url!, null, null, []);
        cache = new IssuerKeyCache(new IssuerKeySource(options.Issuer, options, fetch), null, _ => true, _ => { }, time, NullLogger.Instance);
    }

    [Theory]
    [InlineData(Discovery, 500, 503)]
    [InlineData(Discovery, 429, 502)]
    [InlineData(Jwks, 500, 503)]
    [InlineData(Jwks, 408, 429)]
    public async Task Two_failures_of_a_document_are_got_over_within_one_request(string path, int first, int second)
    {
        Answer(path, null, "failed", Response.Create().WithStatusCode(first));
        Answer(path, "failed", "failed again", Response.Create().WithStatusCode(second));
        Answer(path, "failed again", "well", Honest(path));
        var other = path == Jwks ? Discovery : Jwks;
        issuer.Given(Request.Create().WithPath(other)).RespondWith(Honest(other));

        Assert.True(await HasKeysAsync());
        Assert.Equal(4, issuer.LogEntries.Count);
    }

    [Theory]
    [InlineData(Discovery)]
    [InlineData(Jwks)]
    public async Task A_document_that_was_cut_gives_no_keys_and_a_whole_one_later_does(string path)
    {
        Answer(path, null, "well", Response.Create().WithBody("""{"issuer":"http://localhost","keys":[{"kty":"RSA","kid":"one","n":"""));
        Answer(path, "well", "well", Honest(path));
        var other = path == Jwks ? Discovery : Jwks;
        issuer.Given(Request.Create().WithPath(other)).RespondWith(Honest(other));

        Assert.False(await HasKeysAsync());
        Assert.Contains("is not JSON", cache.LastError);
        time.Advance(TimeSpan.FromSeconds(3));
        Assert.True(await HasKeysAsync());
    }

    [Fact]
    public async Task Keys_that_were_had_serve_while_the_issuer_breaks_off_every_answer()
    {
        foreach (var path in (string[])[Discovery, Jwks]) issuer.Given(Request.Create().WithPath(path)).RespondWith(Honest(path));
        Assert.True(await HasKeysAsync());
        issuer.Reset();
        issuer.Given(Request.Create().WithPath("/*")).RespondWith(Response.Create().WithFault(FaultType.MALFORMED_RESPONSE_CHUNK));

        time.Advance(TimeSpan.FromMinutes(12));

        Assert.True(await HasKeysAsync());
    }

    public async ValueTask DisposeAsync()
    {
        await cache.DisposeAsync();
        fetch.Dispose();
        issuer.Dispose();
    }

    private void Answer(string path, string? when, string then, IResponseBuilder answer)
    {
        var given = issuer.Given(Request.Create().WithPath(path)).InScenario("the issuer's trouble");
        (when is null ? given : given.WhenStateIs(when)).WillSetStateTo(then).RespondWith(answer);
    }

    private IResponseBuilder Honest(string path) =>
        Response.Create().WithBody(path == Jwks
            ? $$"""{"keys":[{{TestKey.One.Jwk()}}]}""" : $$"""{"issuer":"{{issuer.Url}}","jwks_uri":"{{issuer.Url}}{{Jwks}}"}""");

    /// <summary>The fetch ends by the real clock, and the wait for it by the one that stands still: it is as long as the fetch.</summary>
    private async Task<bool> HasKeysAsync() => await cache.GetAsync(new KeyWait(time), TestContext.Current.CancellationToken) is not null;
}
