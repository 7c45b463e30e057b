using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Sandbox;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Configuration;
using WorkloadProxy.Git;
using WorkloadProxy.Hcl;
using WorkloadProxy.Outbound;
using WorkloadProxy.PolicyDelivery.Remote;
using WorkloadProxy.Tests.Authentication;
using WorkloadProxy.Tests.Serving;
using WorkloadProxy.Upstreams.GitHub;

namespace WorkloadProxy.Tests.GitHosting;

public sealed class CommitStatusTests : IAsyncLifetime
{
    private const string Url = "https://github.com/acme/rbac.git";
    private readonly ManualTime time = new();
    private readonly TemporaryDirectory files = new();
    private readonly LogLines log = new();
    private SandboxServer github = null!;
    private BoundedFetch fetch = null!;

    public async ValueTask InitializeAsync()
    {
        github = await SandboxServer.StartAsync(cancellation: TestContext.Current.CancellationToken);
        github.GitHub.Time = time;
        fetch = new BoundedFetch(time);
    }

    [Fact]
    public async Task A_status_is_set_once_a_commit_by_a_token()
    {
        await ReportAsync(ByToken(), Commit(1));
        await ReportAsync(ByToken(), Commit(1));

        var status = Assert.Single(github.GitHub.Statuses);
        Assert.Equal(("acme/rbac", Commit(1).ToString(), "success", "in force", "workload-proxy/DigitalOcean", github.Options.GitHubToken),
            (status.Repository, status.Sha, status.State, status.Description, status.Context, status.Token));
    }

    [Fact]
    public async Task A_status_is_set_once_a_commit_by_an_app()
    {
        var status = ByApp();
        await ReportAsync(status, Commit(1));
        await ReportAsync(status, Commit(2), "policies/ci.hcl:2:19: unknown capability");
        await ReportAsync(status, Commit(1));
        await ReportAsync(ByApp(), Commit(2), "policies/ci.hcl:2:19: unknown capability");

        Assert.Equal([(Commit(1).ToString(), "success"), (Commit(2).ToString(), "failure")], github.GitHub.Statuses.Select(set => (set.Sha, set.State)));
        // the installation and a token, for statuses and for checks; then a status and a check run a commit
        Assert.Equal(2 + 2 + 2 + 2, github.Requests.All.Count);
        Assert.All(github.GitHub.Statuses, set => Assert.StartsWith("ghs_", set.Token));
    }

    [Fact]
    public async Task A_refused_token_is_renewed_once()
    {
        var status = ByApp();
        await ReportAsync(status, Commit(1));
        github.GitHub.RevokeTokens();
        await ReportAsync(status, Commit(2));
        Assert.Equal(2, github.GitHub.Statuses.Count);
        github.Requests.Clear();

        // a token that is refused though it is new is not renewed for ever
        github.Intercept = context => Task.FromResult(context.Features.Get<IHttpRequestFeature>()!.RawTarget.Contains("/statuses/", StringComparison.Ordinal)
            && (context.Response.StatusCode = 401) == 401);
        await ReportAsync(status, Commit(3));

        Assert.Equal(2, github.Requests.All.Count(request => request.Target.Contains("/statuses/", StringComparison.Ordinal)));
        Assert.Contains("answered 401", Assert.Single(log.Lines));
    }

    [Theory]
    [InlineData(139, 139)]
    [InlineData(140, 140)]
    [InlineData(141, 140)]
    [InlineData(5000, 140)]
    public async Task A_description_has_at_most_140_characters(int length, int expected)
    {
        await ReportAsync(ByToken(), Commit(1), new string('x', length));

        var description = Assert.Single(github.GitHub.Statuses).Description;
        Assert.Equal((expected, length > 140), (description.Length, description.EndsWith('…')));
    }

    [Fact]
    public async Task A_description_is_not_cut_within_a_character()
    {
        await ReportAsync(ByToken(), Commit(1), new string('x', 138) + "😀😀");

        Assert.Equal(new string('x', 138) + "…", Assert.Single(github.GitHub.Statuses).Description);
    }

    [Fact]
    public async Task What_could_not_be_told_is_told_later()
    {
        var status = ByApp();
        github.GitHub.IsInstalledOn = _ => false;
        await ReportAsync(status, Commit(1));
        await ReportAsync(status, Commit(2), "policies/ci.hcl:2:19: unknown capability");
        github.GitHub.IsInstalledOn = _ => true;
        await status.RetryAsync(TestContext.Current.CancellationToken);
        Assert.Empty(github.GitHub.Statuses);

        time.Advance(TimeSpan.FromSeconds(61));
        await status.RetryAsync(TestContext.Current.CancellationToken);
        await status.RetryAsync(TestContext.Current.CancellationToken);

        Assert.Equal([(Commit(1).ToString(), "success"), (Commit(2).ToString(), "failure")], github.GitHub.Statuses.Select(set => (set.Sha, set.State)));
        Assert.Equal($"the status of commit {Commit(1)} of {TestProxy.DigitalOcean} could not be set: the GitHub App is not installed on `acme/rbac` (404)",
            Assert.Single(log.Lines));
    }

    [Fact]
    public async Task What_GitHub_asks_to_wait_is_waited()
    {
        var status = ByToken();
        github.Intercept = context =>
        {
            context.Response.StatusCode = 429;
            context.Response.Headers.RetryAfter = "600";
            return Task.FromResult(true);
        };
        await ReportAsync(status, Commit(1));
        github.Intercept = null;

        time.Advance(TimeSpan.FromSeconds(599));
        await ReportAsync(status, Commit(2));
        Assert.Single(github.Requests.All);
        time.Advance(TimeSpan.FromSeconds(1));
        await status.RetryAsync(TestContext.Current.CancellationToken);

        Assert.Equal([Commit(1).ToString(), Commit(2).ToString()], github.GitHub.Statuses.Select(set => set.Sha));
    }

    [Fact]
    public async Task A_GitHub_that_never_takes_it_is_given_up()
    {
        var status = ByToken();
        github.Intercept = context => Task.FromResult((context.Response.StatusCode = 404) == 404);
        await ReportAsync(status, Commit(1));
        for (var hours = 0; hours < 40; hours++)
        {
            time.Advance(TimeSpan.FromHours(1));
            await status.RetryAsync(TestContext.Current.CancellationToken);
        }

        Assert.Equal(20, github.Requests.All.Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("hunter2\nhunter2")]
    [InlineData("hunter2é")]
    public async Task A_token_that_can_not_stand_in_a_header_is_not_sent_and_not_shown(string token)
    {
        await ReportAsync(NewStatus(new CommitStatusOptions(github.Address, files.Write("token", token))), Commit(1));

        Assert.Empty(github.Requests.All);
        Assert.Contains("is empty, or holds a character that can't be in a header", Assert.Single(log.Lines));
        Assert.DoesNotContain("hunter2", log.Lines[0]);
    }

    [Fact]
    public async Task Of_an_Enterprise_server_the_address_has_a_path()
    {
        await ReportAsync(NewStatus(new CommitStatusOptions(new Uri(github.Address, "/api/v3"), files.Write("token", github.Options.GitHubToken))), Commit(1));

        Assert.Equal($"/api/v3/repos/acme/rbac/statuses/{Commit(1)}", Assert.Single(github.Requests.All).Target);
    }

    [Fact]
    public async Task A_GitHub_that_does_not_answer_holds_up_no_policy()
    {
        var silence = new TaskCompletionSource();
        github.Intercept = async _ =>
        {
            await silence.Task;
            return true;
        };
        await using var test = await RemoteTest.StartAsync((_, _, remote) =>
            Task.FromResult(remote with { Status = new CommitStatusOptions(github.Address, files.Write("token", "ghp_sandbox")) }), empty: true);
        await RemoteTest.WriteAndCommit(test.Git, test.Proxy.Sandbox);

        var pull = test.PullAsync();
        await github.Requests.First(request => request.Target.Contains("/statuses/", StringComparison.Ordinal), TestContext.Current.CancellationToken);

        Assert.Equal(System.Net.HttpStatusCode.OK, await test.AskAsync());
        silence.SetResult();
        Assert.Equal(0, (await pull).ExitCode);
    }

    [Fact]
    public async Task An_app_makes_a_check_run_with_every_diagnostic_at_its_line()
    {
        var start = new SourcePosition(40, 3, 7);
        Diagnostic[] found =
        [
            new(DiagnosticSeverity.Error, "unknown-capability", "unknown capability `raed`", "did you mean `read`?",
                new("policies/ci.hcl", start, new SourcePosition(46, 3, 13))),
            new(DiagnosticSeverity.Warning, "unused-policy", "no role names it", null, new("policies/old.hcl", new(0, 1, 1), new(9, 2, 1))),
        ];
        await ReportAsync(ByApp(), Commit(1), "policies/ci.hcl:3:7: unknown capability", found);

        var run = Assert.Single(github.GitHub.CheckRuns);
        Assert.Equal(("acme/rbac", Commit(1).ToString(), "workload-proxy/DigitalOcean", "failure"), (run.Repository, run.Sha, run.Name, run.Conclusion));
        Assert.Equal(["rbac/policies/ci.hcl:3-3:7-13 failure unknown capability `raed` [unknown-capability]\ndid you mean `read`?",
            "rbac/policies/old.hcl:1-2:- warning no role names it [unused-policy]"],
            run.Annotations.Select(one => $"{one.Path}:{one.StartLine}-{one.EndLine}:{one.StartColumn}-{one.EndColumn} {one.Level} {one.Message}"));
    }

    [Theory]
    [InlineData(50, 1)]
    [InlineData(51, 2)]
    [InlineData(120, 3)]
    [InlineData(700, 10)]
    public async Task Annotations_go_in_calls_of_50_and_500_at_most(int diagnostics, int calls)
    {
        var at = new SourceRange("policies/ci.hcl", new(0, 1, 1), new(1, 1, 2));
        await ReportAsync(ByApp(), Commit(1), "broken",
            [.. Enumerable.Range(0, diagnostics).Select(number => new Diagnostic(DiagnosticSeverity.Error, "x", $"{number}", null, at))]);

        Assert.Equal(Math.Min(diagnostics, 500), Assert.Single(github.GitHub.CheckRuns).Annotations.Count);
        Assert.Equal(calls, github.Requests.All.Count(request => request.Target.Contains("/check-runs", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task An_app_without_the_permission_for_checks_still_sets_the_status_and_says_so_once()
    {
        github.GitHub.Permissions.Remove("checks");
        var status = ByApp();
        await ReportAsync(status, Commit(1));
        await ReportAsync(status, Commit(2));

        Assert.Equal(2, github.GitHub.Statuses.Count);
        Assert.Contains("does not grant `checks:write`", Assert.Single(log.Lines));
    }

    public async ValueTask DisposeAsync()
    {
        fetch.Dispose();
        await github.DisposeAsync();
        files.Dispose();
    }

    private static ObjectId Commit(int number) => ObjectId.TryParse(number.ToString("x40"), out var id) ? id : default;

    private CommitStatus ByToken() => NewStatus(new CommitStatusOptions(github.Address, files.Write("token", github.Options.GitHubToken + "\n")));

    private CommitStatus ByApp() =>
        NewStatus(new CommitStatusOptions(github.Address, null,
            new GitHubAppOptions(github.Options.GitHubAppId, files.Write("app.pem", github.GitHub.PrivateKeyPem))));

    private CommitStatus NewStatus(CommitStatusOptions options) =>
        new(TestProxy.DigitalOcean, Url, options, "rbac", Path.Combine(files.Path, "mirror.git"), new GitHubApi(fetch, time), time, log);

    private static Task ReportAsync(CommitStatus status, ObjectId commit, string? problem = null, params IReadOnlyList<Diagnostic> diagnostics) =>
        status.ReportAsync(commit, accepted: problem is null, problem ?? "in force", diagnostics, TestContext.Current.CancellationToken);

    private sealed class LogLines : ILogger
    {
        public List<string> Lines { get; } = [];
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
        public bool IsEnabled(LogLevel logLevel) => true;
        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add(formatter(state, exception));
    }
}
