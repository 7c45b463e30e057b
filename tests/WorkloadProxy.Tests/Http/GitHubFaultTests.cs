using System.Security.Cryptography;
using WireMock.RequestBuilders;
using WireMock.ResponseBuilders;
using WireMock.Server;
using WorkloadProxy.Configuration;
using WorkloadProxy.Outbound;
using WorkloadProxy.Requests;
using WorkloadProxy.Secrets;
using WorkloadProxy.Tests.Authentication;
using WorkloadProxy.Upstreams.GitHub;

namespace WorkloadProxy.Tests.Http;

/// <summary>A GitHub that answers in sequences and breaks off, as the real one does on its bad days.</summary>
public sealed class GitHubFaultTests : IDisposable
{
    private const string Path = "/app/installations/7/access_tokens";
    private readonly ManualTime time = new();
    private readonly TemporaryDirectory files = new();
    private readonly WireMockServer github = WireMockServer.Start();
    private readonly BoundedFetch fetch;
    private readonly GitHubApp app;

    public GitHubFaultTests()
    {
        using var key = RSA.Create(2048);
        // the tests' clock is for the waits between attempts: it runs faster than the wall's, and a slow answer would be one that never came
        fetch = new BoundedFetch(TimeProvider.System);
        app = new GitHubApp(new Uri(github.Url!), new GitHubAppOptions("123456", files.Write("app.pem", key.ExportRSAPrivateKeyPem()), 7),
            new GitHubApi(fetch, time), time);
    }

    [Theory]
    [InlineData(500, 502)]
    [InlineData(503, 429)]
    [InlineData(504, 500)]
    public async Task Two_failures_on_the_way_to_a_token_are_got_over(int first, int second)
    {
        Answer(null, "failed", Response.Create().WithStatusCode(first));
        Answer("failed", "failed again", Response.Create().WithStatusCode(second));
        Answer("failed again", "well", Token());

        Assert.Equal("ghs_fine", (await AskAsync()).Value?.Reveal());
        Assert.Equal(3, github.LogEntries.Count);
    }

    [Fact]
    public async Task A_third_failure_is_the_answer()
    {
        Answer(null, "failed", Response.Create().WithStatusCode(500));
        Answer("failed", "failed again", Response.Create().WithStatusCode(500));
        Answer("failed again", "failed for good", Response.Create().WithStatusCode(502));

        Assert.EndsWith("answered 502", (await AskAsync()).Failure!.Message);
        Assert.Equal(3, github.LogEntries.Count);
    }

    [Theory]
    [InlineData("""{"token":"ghs_fine","expires_at":"2026-03-01T13:0""")]
    [InlineData("""{"token":"ghs_fine","token":"ghs_other","expires_at":"2026-03-01T13:00:00Z"}""")]
    [InlineData("""[{"token":"ghs_fine"}]""")]
    [InlineData("")]
    public async Task A_broken_answer_is_no_token_and_the_next_one_serves(string broken)
    {
        Answer(null, "well", Response.Create().WithStatusCode(201).WithBody(broken));
        Answer("well", "well", Token());

        Assert.NotNull((await AskAsync()).Failure);
        Assert.Equal("ghs_fine", (await AskAsync()).Value?.Reveal());
    }

    [Fact]
    public async Task An_answer_that_breaks_off_says_so_without_what_was_sent()
    {
        github.Given(Request.Create().WithPath(Path)).RespondWith(Response.Create().WithFault(FaultType.MALFORMED_RESPONSE_CHUNK));

        var failure = (await AskAsync()).Failure;

        Assert.NotNull(failure);
        Assert.DoesNotContain("eyJ", failure.Reason);
    }

    public void Dispose()
    {
        fetch.Dispose();
        github.Dispose();
        files.Dispose();
    }

    private void Answer(string? when, string then, IResponseBuilder answer)
    {
        var given = github.Given(Request.Create().WithPath(Path).UsingPost()).InScenario("the app's token");
        (when is null ? given : given.WhenStateIs(when)).WillSetStateTo(then).RespondWith(answer);
    }

    private static IResponseBuilder Token() => Response.Create().WithStatusCode(201).WithBody("""{"token":"ghs_fine","expires_at":"2026-03-01T13:00:00Z"}""");

    private Task<Result<Secret>> AskAsync() =>
        time.AdvanceUntilAsync(app.TokenAsync(new GitHubTokenScope("acme", "rbac", "statuses:write"), TestContext.Current.CancellationToken),
            TimeSpan.FromMilliseconds(20), TimeSpan.FromMinutes(2));
}
