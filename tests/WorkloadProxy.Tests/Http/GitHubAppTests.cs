using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Sandbox;
using WorkloadProxy.Configuration;
using WorkloadProxy.Hcl;
using WorkloadProxy.Outbound;
using WorkloadProxy.Requests;
using WorkloadProxy.Secrets;
using WorkloadProxy.Tests.Authentication;
using WorkloadProxy.Upstreams.GitHub;

namespace WorkloadProxy.Tests.Http;

public sealed class GitHubAppTests : IAsyncLifetime
{
    private static readonly GitHubTokenScope scope = new("acme", "rbac", "statuses:write");
    private readonly ManualTime time = new();
    private readonly TemporaryDirectory files = new();
    private SandboxServer sandbox = null!;
    private BoundedFetch fetch = null!;
    private string keyFile = null!;

    public async ValueTask InitializeAsync()
    {
        sandbox = await SandboxServer.StartAsync(cancellation: TestContext.Current.CancellationToken);
        sandbox.GitHub.Time = time;
        // the tests' clock is for the waits between attempts: it runs faster than the wall's, and a slow answer would be one that never came
        fetch = new BoundedFetch(TimeProvider.System);
        keyFile = files.Write("app.pem", sandbox.GitHub.PrivateKeyPem);
    }

    [Fact]
    public async Task A_token_is_for_one_repository_and_the_permissions_that_are_needed()
    {
        await TokenAsync(App());

        Assert.Equal(["GET /repos/acme/rbac/installation", $"POST /app/installations/{sandbox.GitHub.InstallationId}/access_tokens"],
            sandbox.Requests.All.Select(request => $"{request.Method} {request.Target}"));
        Assert.Equal("""{"repositories":["rbac"],"permissions":{"statuses":"write"}}""", sandbox.Requests.All[1].Body);
    }

    [Fact]
    public async Task The_apps_JWT_lives_ten_minutes_and_begins_a_minute_ago()
    {
        await TokenAsync(App());

        var parts = sandbox.Requests.All[0].Header("Authorization")!["Bearer ".Length..].Split('.');
        Assert.Equal("""{"alg":"RS256","typ":"JWT"}""", Text(parts[0]));
        var now = time.GetUtcNow().ToUnixTimeSeconds();
        Assert.Equal($$"""{"iat":{{now - 60}},"exp":{{now + 540}},"iss":"123456"}""", Text(parts[1]));

        static string Text(string part) => System.Text.Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(part));
    }

    [Fact]
    public async Task A_client_id_a_PKCS_8_key_a_known_installation_and_an_Enterprise_server_will_do()
    {
        using var key = RSA.Create();
        key.ImportFromPem(sandbox.GitHub.PrivateKeyPem);
        await File.WriteAllTextAsync(keyFile, key.ExportPkcs8PrivateKeyPem(), TestContext.Current.CancellationToken);

        await TokenAsync(App(new GitHubAppOptions(sandbox.Options.GitHubClientId, keyFile, sandbox.GitHub.InstallationId), "/api/v3/"));

        Assert.Equal([$"/api/v3/app/installations/{sandbox.GitHub.InstallationId}/access_tokens"], sandbox.Requests.All.Select(request => request.Target));
    }

    [Fact]
    public async Task A_token_is_kept_until_shortly_before_it_ends()
    {
        var app = App();
        var first = await TokenAsync(app);
        time.Advance(TimeSpan.FromMinutes(57));
        Assert.Same(first, await TokenAsync(app));
        time.Advance(TimeSpan.FromMinutes(1));

        Assert.NotEqual(first.Reveal(), (await TokenAsync(app)).Reveal());
    }

    [Fact]
    public async Task Many_callers_share_one_request()
    {
        var app = App();
        var answering = new TaskCompletionSource();
        sandbox.Intercept = async _ =>
        {
            await answering.Task;
            return false;
        };

        var tokens = Enumerable.Range(0, 50).Select(_ => TokenAsync(app)).ToList();
        answering.SetResult();

        Assert.Single((await Task.WhenAll(tokens)).Distinct());
        Assert.Equal(2, sandbox.Requests.All.Count);
    }

    [Fact]
    public async Task Each_scope_has_a_token_of_its_own()
    {
        var app = App();

        var one = await TokenAsync(app);
        var other = await TokenAsync(app, scope with { Permissions = "contents:read,statuses:write" });

        Assert.NotEqual(one.Reveal(), other.Reveal());
        Assert.EndsWith("""{"contents":"read","statuses":"write"}}""", sandbox.Requests.All[^1].Body);
    }

    [Fact]
    public async Task A_discarded_token_is_not_handed_out_again_and_its_successor_is_not_discarded_for_it()
    {
        var app = App();
        var first = await TokenAsync(app);
        app.Discard(scope, first);
        var second = await TokenAsync(app);
        app.Discard(scope, first);

        Assert.NotSame(first, second);
        Assert.Same(second, await TokenAsync(app));
    }

    [Fact]
    public async Task A_new_key_file_counts_at_once()
    {
        var app = App();
        sandbox.GitHub.RotateKey();
        Assert.Contains("answered 401: `AppId` and `PrivateKeyFile` are not of one GitHub App, or the clock is wrong", await FailureAsync(app));

        await File.WriteAllTextAsync(keyFile, sandbox.GitHub.PrivateKeyPem, TestContext.Current.CancellationToken);

        await TokenAsync(app);
    }

    [Fact]
    public async Task A_clock_that_is_wrong_is_refused_and_said()
    {
        sandbox.GitHub.Time = new ManualTime(time.GetUtcNow() - TimeSpan.FromMinutes(5));

        Assert.Contains("or the clock is wrong", await FailureAsync(App()));
    }

    [Fact]
    public async Task Where_the_app_is_not_installed_there_is_no_token()
    {
        sandbox.GitHub.IsInstalledOn = _ => false;
        Assert.Equal("the GitHub App is not installed on `acme/rbac` (404)", await FailureAsync(App()));
        Assert.Equal("the GitHub App has no installation 5 (404)", await FailureAsync(App(new GitHubAppOptions("123456", keyFile, 5))));
    }

    [Fact]
    public async Task A_permission_that_is_not_granted_is_named()
    {
        sandbox.GitHub.Permissions.Remove("statuses");

        Assert.Equal("the GitHub App's installation does not grant `statuses:write` on `acme/rbac` (422)", await FailureAsync(App()));
    }

    public static TheoryData<string, string> Keys
    {
        get
        {
            using var rsa = RSA.Create(2048);
            using var small = RSA.Create(1024);
            using var elliptic = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            const string Unusable = "holds no RSA private key in PEM without a passphrase (`-----BEGIN RSA PRIVATE KEY-----` or `-----BEGIN PRIVATE KEY-----`)";
            return new()
            {
                { "", Unusable },
                { "hunter2", Unusable },
                { "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n", Unusable },
                { rsa.ExportSubjectPublicKeyInfoPem(), Unusable },
                { rsa.ExportEncryptedPkcs8PrivateKeyPem("hunter2", new PbeParameters(PbeEncryptionAlgorithm.Aes128Cbc, HashAlgorithmName.SHA256, 1)),
                    Unusable },
                { elliptic.ExportPkcs8PrivateKeyPem(), Unusable },
                { rsa.ExportRSAPrivateKeyPem() + "\n" + rsa.ExportRSAPrivateKeyPem(), Unusable },
                { small.ExportRSAPrivateKeyPem(), "holds an RSA key of 1024 bits, expected 2048 or more" },
            };
        }
    }

    [Theory]
    [MemberData(nameof(Keys), DisableDiscoveryEnumeration = true)]
    public async Task A_file_that_is_no_key_is_said_without_what_it_holds(string content, string expected)
    {
        await File.WriteAllTextAsync(keyFile, content, TestContext.Current.CancellationToken);

        Assert.Equal($"private key file `{keyFile}` {expected}", await FailureAsync(App()));
        Assert.Empty(sandbox.Requests.All);
    }

    [Fact]
    public async Task A_key_file_that_is_gone_is_said()
    {
        File.Delete(keyFile);

        Assert.StartsWith($"private key file `{keyFile}` can't be read: ", await FailureAsync(App()));
    }

    [Theory]
    [InlineData("{}", "answered without a token that is valid in a header")]
    [InlineData("""{"token":"a b","expires_at":"2026-03-01T13:00:00Z"}""", "answered without a token that is valid in a header")]
    [InlineData("""{"token":"a\nb","expires_at":"2026-03-01T13:00:00Z"}""", "answered without a token that is valid in a header")]
    [InlineData("""{"token":"t"}""", "answered with a token that has ended already, or has no end: is the clock right?")]
    [InlineData("""{"token":"t","expires_at":"2026-03-01T11:59:00Z"}""", "answered with a token that has ended already, or has no end: is the clock right?")]
    [InlineData("""{"token":"t","token":"u","expires_at":"2026-03-01T13:00:00Z"}""", "answered 201 without a JSON object")]
    [InlineData("nonsense", "answered 201 without a JSON object")]
    public async Task An_answer_that_is_no_token_is_refused(string answer, string expected)
    {
        InterceptTokens(context =>
        {
            context.Response.StatusCode = 201;
            return context.Response.WriteAsync(answer);
        });

        Assert.EndsWith(expected, await FailureAsync(App()));
    }

    [Theory]
    [InlineData("{}", "answered 200 without an installation's id")]
    [InlineData("""{"id":"seven"}""", "answered 200 without an installation's id")]
    [InlineData("""{"id":-7}""", "answered 200 without an installation's id")]
    [InlineData("[7]", "answered 200 without a JSON object")]
    public async Task An_answer_that_is_no_installation_is_refused(string answer, string expected)
    {
        sandbox.Intercept = async context =>
        {
            await context.Response.WriteAsync(answer);
            return true;
        };

        Assert.EndsWith(expected, await FailureAsync(App()));
    }

    [Fact]
    public async Task An_answer_without_end_is_not_read()
    {
        InterceptTokens(context =>
        {
            context.Response.StatusCode = 201;
            return context.Response.Body.WriteAsync(new byte[BoundedFetch.MaxBytes + 1]).AsTask();
        });

        Assert.EndsWith($"holds more than {BoundedFetch.MaxBytes} bytes", await FailureAsync(App()));
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        InterceptTokens(context =>
        {
            context.Response.Redirect("/anything", permanent: false, preserveMethod: true);
            return Task.CompletedTask;
        });

        Assert.EndsWith("answered 307", await FailureAsync(App()));
        Assert.DoesNotContain(sandbox.Requests.All, request => request.Target == "/anything");
    }

    [Theory]
    [InlineData(500, null)]
    [InlineData(429, "1")]
    [InlineData(403, "1")]
    public async Task What_may_pass_is_tried_again(int status, string? retryAfter)
    {
        var failures = 2;
        InterceptTokens(context =>
        {
            if (failures-- <= 0) return null;
            context.Response.StatusCode = status;
            if (retryAfter is not null) context.Response.Headers.RetryAfter = retryAfter;
            return Task.CompletedTask;
        });

        var token = await time.AdvanceUntilAsync(TokenAsync(App()), TimeSpan.FromMilliseconds(20), TimeSpan.FromMinutes(2));

        Assert.StartsWith("ghs_", token.Reveal());
    }

    [Theory]
    [InlineData("Retry-After", "60")]
    [InlineData("Retry-After", "Sun, 01 Mar 2026 12:01:00 GMT")]
    [InlineData("x-ratelimit-reset", "1772366460")]
    public async Task Who_is_told_to_come_back_later_does_not_wait_for_it(string header, string value)
    {
        InterceptTokens(context =>
        {
            context.Response.StatusCode = 403;
            context.Response.Headers["x-ratelimit-remaining"] = "0";
            context.Response.Headers[header] = value;
            return Task.CompletedTask;
        });

        var result = await App().TokenAsync(scope, TestContext.Current.CancellationToken);

        Assert.Equal(TimeSpan.FromMinutes(1), result.Failure!.RetryAfter);
        Assert.EndsWith("answered 403", result.Failure.Message);
        Assert.Equal(2, sandbox.Requests.All.Count);
    }

    [Fact]
    public async Task A_caller_that_goes_away_does_not_take_the_request_with_it()
    {
        var app = App();
        var answering = new TaskCompletionSource();
        sandbox.Intercept = async _ =>
        {
            await answering.Task;
            return false;
        };
        using var gone = new CancellationTokenSource();
        var first = app.TokenAsync(scope, gone.Token);
        var second = TokenAsync(app);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        answering.SetResult();

        await second;

        Assert.Equal(2, sandbox.Requests.All.Count);
    }

    [Fact]
    public async Task Plain_http_off_loopback_is_not_spoken()
    {
        var app = new GitHubApp(new Uri("http://api.example.com"), new GitHubAppOptions("123456", keyFile), new GitHubApi(fetch, time), time);

        Assert.Contains("is refused: expected https",
            await time.AdvanceUntilAsync(FailureAsync(app), TimeSpan.FromMilliseconds(20), TimeSpan.FromMinutes(2)));
    }

    public async ValueTask DisposeAsync()
    {
        fetch.Dispose();
        await sandbox.DisposeAsync();
        files.Dispose();
    }

    private GitHubApp App(GitHubAppOptions? options = null, string below = "") =>
        new(new Uri(sandbox.Address, below), options ?? new GitHubAppOptions(sandbox.Options.GitHubAppId, keyFile), new GitHubApi(fetch, time), time);

    private static async Task<Secret> TokenAsync(GitHubApp app, GitHubTokenScope? other = null)
    {
        var result = await app.TokenAsync(other ?? scope, TestContext.Current.CancellationToken);
        Assert.True(result.Succeeded(out var token, out var failure), failure?.Message);
        return token;
    }

    private async Task<string> FailureAsync(GitHubApp app)
    {
        var failure = (await app.TokenAsync(scope, TestContext.Current.CancellationToken)).Failure;
        Assert.Equal(ErrorId.CredentialUnavailable, failure?.Id);
        Assert.DoesNotContain("hunter2", failure!.Message);
        return failure.Message;
    }

    /// <summary>Another answer to the request for a token; none (null): the sandbox's own.</summary>
    private void InterceptTokens(Func<HttpContext, Task?> answer) => sandbox.Intercept = async context =>
    {
        if (!context.Features.Get<IHttpRequestFeature>()!.RawTarget.EndsWith("/access_tokens", StringComparison.Ordinal)
            || answer(context) is not { } answering)
            return false;
        await answering;
        return true;
    };
}
