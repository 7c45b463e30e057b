using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using WorkloadProxy.Configuration;
using WorkloadProxy.Configuration.Sources;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.RoleCredentials;

public sealed class ExchangeCredentialTests
{
    private const string Create = "/depot.core.v1.ProjectService/CreateToken", Delete = "/depot.core.v1.ProjectService/DeleteToken";

    [Fact]
    public async Task A_caller_s_requests_go_out_with_a_credential_of_its_own_made_once_for_its_roles_project()
    {
        await using var proxy = await DepotProxy.StartAsync();
        var token = DepotProxy.Token(proxy);

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => DepotProxy.BuildAsync(proxy, token)));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
        var created = Assert.Single(Requests(proxy, Create));
        Assert.Equal("""{"projectId":"proj-a","description":"workload-proxy 1"}""", created.Body);
        Assert.Equal("Bearer " + proxy.Sandbox.Options.DepotToken, created.Header("Authorization"));
        Assert.All(Requests(proxy, DepotProxy.CreateBuild), request => Assert.StartsWith("Bearer depot_project_", request.Header("Authorization")));
        // of the other project it knows nothing
        Assert.Equal(HttpStatusCode.Forbidden, (await DepotProxy.BuildAsync(proxy, token, "proj-b")).Status);
        // another token has another one, and a role of the other project that project's
        Assert.Equal(HttpStatusCode.OK, (await DepotProxy.BuildAsync(proxy, DepotProxy.Token(proxy, id: "2"))).Status);
        Assert.Equal(HttpStatusCode.OK, (await DepotProxy.BuildAsync(proxy, DepotProxy.Token(proxy, "api"), "proj-b")).Status);
        Assert.Equal(3, proxy.Sandbox.Depot.ProjectTokens.Count);
    }

    [Fact]
    public async Task It_is_deleted_when_the_callers_token_ends()
    {
        var time = new ShiftedTime();
        await using var proxy = await DepotProxy.StartAsync(time: time);
        var deleted = DeletedAsync(proxy);
        Assert.Equal(HttpStatusCode.OK, (await DepotProxy.BuildAsync(proxy, DepotProxy.Token(proxy))).Status);

        time.Shift(TimeSpan.FromMinutes(7));

        await deleted;

        Assert.Empty(proxy.Sandbox.Depot.ProjectTokens);
    }

    [Fact]
    public async Task It_is_deleted_when_the_callers_token_is_revoked()
    {
        await using var proxy = await DepotProxy.StartAsync();
        var (first, second) = (DepotProxy.Token(proxy), DepotProxy.Token(proxy, id: "2"));
        await DepotProxy.BuildAsync(proxy, first);
        await DepotProxy.BuildAsync(proxy, second);
        var deleted = DeletedAsync(proxy);

        using var revocation = new FormUrlEncodedContent([new("token", first)]);
        Assert.Equal(HttpStatusCode.OK, (await proxy.SendAsync(HttpMethod.Post, "/v1/oidc/revoke", null, revocation)).Status);

        await deleted;
        Assert.Single(proxy.Sandbox.Depot.ProjectTokens);
        Assert.Equal(HttpStatusCode.Unauthorized, (await DepotProxy.BuildAsync(proxy, first)).Status);
        Assert.Equal(HttpStatusCode.OK, (await DepotProxy.BuildAsync(proxy, second)).Status);
    }

    [Fact]
    public async Task What_a_former_process_left_is_deleted_at_the_next_start()
    {
        await using var proxy = await DepotProxy.StartAsync();
        await DepotProxy.BuildAsync(proxy, DepotProxy.Token(proxy));
        var store = await File.ReadAllBytesAsync(Path.Combine(proxy.Options.DataDirectory, DataFile(proxy)), TestContext.Current.CancellationToken);
        Assert.True(store.AsSpan().IndexOf("depot_project_"u8) < 0);
        await proxy.StopServerAsync();
        Assert.Single(proxy.Sandbox.Depot.ProjectTokens);
        var deleted = DeletedAsync(proxy);

        await proxy.StartServerAsync();

        await deleted;
        Assert.Empty(proxy.Sandbox.Depot.ProjectTokens);
    }

    [Theory]
    [InlineData(403, "{}")]
    [InlineData(200, "{}")]
    [InlineData(200, "no JSON")]
    [InlineData(200, """{"secret":"a b","tokenId":"1"}""")]
    [InlineData(200, """{"secret":"a"}""")]
    [InlineData(200, """{"secret":"a","secret":"b","tokenId":"1"}""")]
    public async Task A_create_that_fails_is_502_and_nothing_is_sent(int status, string body)
    {
        await using var proxy = await DepotProxy.StartAsync();
        proxy.Sandbox.Intercept = context => AnswerAsync(context, Create, status, body);

        var answer = await DepotProxy.BuildAsync(proxy, DepotProxy.Token(proxy));

        Assert.Equal((HttpStatusCode.BadGateway, "credential_unavailable"), (answer.Status, answer.ErrorId));
        Assert.DoesNotContain("Create", answer.Body, StringComparison.Ordinal);
        Assert.Empty(Requests(proxy, DepotProxy.CreateBuild));
        // the next request asks anew
        proxy.Sandbox.Intercept = null;
        Assert.Equal(HttpStatusCode.OK, (await DepotProxy.BuildAsync(proxy, DepotProxy.Token(proxy))).Status);
    }

    [Theory]
    [InlineData("..")]
    [InlineData(".")]
    public async Task A_token_s_id_does_not_lead_to_another_path(string id)
    {
        const string Service = "/depot.core.v1.ProjectService";
        await using var proxy = await DepotProxy.StartAsync(configure: options => options with
            { Credentials = [WithPath(options.Credentials[0], Service + "/{jti}/CreateToken")] });

        var answer = await DepotProxy.BuildAsync(proxy, DepotProxy.Token(proxy, id: id));

        Assert.Equal((HttpStatusCode.BadGateway, "credential_unavailable"), (answer.Status, answer.ErrorId));
        Assert.Empty(proxy.Sandbox.Requests.All);
        // any other id is a segment
        await DepotProxy.BuildAsync(proxy, DepotProxy.Token(proxy, id: "a/../b"));
        Assert.Equal(Service + "/a%2F..%2Fb/CreateToken", Assert.Single(proxy.Sandbox.Requests.All).Target);
    }

    [Fact]
    public async Task A_delete_that_fails_is_tried_again()
    {
        await using var proxy = await DepotProxy.StartAsync();
        await DepotProxy.BuildAsync(proxy, DepotProxy.Token(proxy));
        var failed = 0;
        proxy.Sandbox.Intercept = async context => Target(context) == Delete && Interlocked.Increment(ref failed) == 1
            && await AnswerAsync(context, Delete, 500, "{}");
        await proxy.StopServerAsync();
        var deleted = DeletedAsync(proxy);

        await proxy.StartServerAsync();

        await deleted;
        Assert.Equal(2, Requests(proxy, Delete).Count);
    }

    [Fact]
    public async Task A_role_that_names_no_project_has_no_credential()
    {
        await using var proxy = await DepotProxy.StartAsync();

        var answer = await DepotProxy.BuildAsync(proxy, DepotProxy.Token(proxy, "none"));

        Assert.Equal((HttpStatusCode.BadGateway, "credential_unavailable"), (answer.Status, answer.ErrorId));
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task For_picks_the_entry_and_one_that_knows_nothing_of_what_a_role_names_does_not_fit()
    {
        var policies = DepotProxy.Policies();
        policies["roles/more.hcl"] = DepotProxy.RoleOf("other", "proj-c");
        await using var proxy = await DepotProxy.StartAsync(policies, options =>
        {
            CredentialOptions Of(string text, string? project)
            {
                var file = Path.Combine(Path.GetDirectoryName(options.Credentials[0].File)!, $"token-{text}");
                File.WriteAllText(file, text);
                return new CredentialOptions { Context = DepotProxy.Context, Kind = CredentialKind.Bearer, File = file, For = project is null
                    ? new Dictionary<string, string>() : new Dictionary<string, string> { ["project"] = project } };
            }
            return options with { Credentials = [Of("all", null), Of("token-a", "proj-a"), Of("token-b", "proj-b")] };
        });

        await DepotProxy.BuildAsync(proxy, DepotProxy.Token(proxy));
        await DepotProxy.BuildAsync(proxy, DepotProxy.Token(proxy, "api"));
        await DepotProxy.BuildAsync(proxy, DepotProxy.Token(proxy, "none"));
        var unfit = await DepotProxy.BuildAsync(proxy, DepotProxy.Token(proxy, "other"));

        Assert.Equal(["Bearer token-a", "Bearer token-b", "Bearer all"], proxy.Sandbox.Requests.All.Select(request => request.Header("Authorization")));
        Assert.Equal((HttpStatusCode.BadGateway, "credential_unavailable"), (unfit.Status, unfit.ErrorId));
    }

    private static List<Sandbox.Recording.RecordedRequest> Requests(TestProxy proxy, string target) =>
        [.. proxy.Sandbox.Requests.All.Where(request => request.Target == target)];

    /// <summary>Ends when a project token has been deleted from now on.</summary>
    private static Task DeletedAsync(TestProxy proxy)
    {
        var deleted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        proxy.Sandbox.Depot.TokenDeleted += _ => deleted.TrySetResult();
        return deleted.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    private static CredentialOptions WithPath(CredentialOptions entry, string path) =>
        entry with { Exchange = entry.Exchange! with { Create = entry.Exchange.Create with { Path = TemplateText.TryParse(path)! } } };

    private static string DataFile(TestProxy proxy) => Path.GetFileName(Directory.GetFiles(proxy.Options.DataDirectory, "*.db").Single());

    private static string Target(HttpContext context) => context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;

    private static async Task<bool> AnswerAsync(HttpContext context, string target, int status, string body)
    {
        if (Target(context) != target) return false;
        context.Response.StatusCode = status;
        await context.Response.WriteAsync(body);
        return true;
    }
}
