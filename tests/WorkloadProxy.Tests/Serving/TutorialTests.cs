using System.Net;
using WorkloadProxy.Cli;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Tests.Serving;

public sealed class TutorialTests
{
    [Fact]
    public async Task The_job_exchanges_its_token_and_reads_databases()
    {
        await using var proxy = await TestProxy.StartAsync(Examples.Tutorial);
        var token = await proxy.ExchangeAsync(proxy.IdentityToken(), "database-and-spaces-keys-access");

        var byId = await proxy.GetAsync("/v2/databases/9cc10173-e9ea-4176-9dbc-a4cee4c4ff30", token);
        Assert.Equal(HttpStatusCode.OK, byId.Status);
        Assert.StartsWith("postgresql://", byId.Json.GetProperty("database").GetProperty("connection").GetProperty("uri").GetString());

        var byTag = await proxy.GetAsync("/v2/databases?tag_name=my-tag", token);
        Assert.Equal(HttpStatusCode.OK, byTag.Status);
        Assert.NotEmpty(byTag.Json.GetProperty("databases").EnumerateArray());
    }

    [Fact]
    public async Task A_key_for_bucket_111_is_made_and_one_for_222_never_reaches_the_upstream()
    {
        await using var proxy = await TestProxy.StartAsync(Examples.Tutorial);
        var token = await proxy.ExchangeAsync(proxy.IdentityToken(), "database-and-spaces-keys-access");
        static string Key(string bucket) => $$"""{"name":"bucket-111-read-token-droplet","grants":[{"bucket":"{{bucket}}","permission":"read"}]}""";

        Assert.Equal(HttpStatusCode.Created, (await proxy.PostJsonAsync("/v2/spaces/keys", token, Key("111"))).Status);
        var refused = await proxy.PostJsonAsync("/v2/spaces/keys", token, Key("222"));

        Assert.Equal(HttpStatusCode.Forbidden, refused.Status);
        Assert.Equal("forbidden", refused.ErrorId);
        Assert.Contains("grants", refused.Json.GetProperty("message").GetString());
        Assert.Contains("policies/database-and-spaces-keys-access.hcl:", refused.Json.GetProperty("message").GetString());
        // Only the message: the ids beside it are random and may hold any digits.
        Assert.DoesNotContain("111", refused.Json.GetProperty("message").GetString());
        Assert.Equal(1, proxy.Sandbox.Requests.All.Count(request => request.Method == "POST"));
    }

    [Fact]
    public async Task An_identity_token_itself_may_only_be_exchanged()
    {
        await using var proxy = await TestProxy.StartAsync(Examples.Tutorial);

        var refused = await proxy.GetAsync("/v2/databases?tag_name=my-tag", proxy.IdentityToken());

        Assert.Equal(HttpStatusCode.Forbidden, refused.Status);
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task A_token_of_another_branch_matches_no_role_and_learns_only_that()
    {
        await using var proxy = await TestProxy.StartAsync(Examples.Tutorial);
        var job = Examples.Job;
        job["sub"] = "repo:org/repo:ref:refs/heads/feature";

        var refused = await proxy.GetAsync("/v2/databases", proxy.IdentityToken(job));

        Assert.Equal(HttpStatusCode.Forbidden, refused.Status);
        Assert.Equal("no role matches this token", refused.Json.GetProperty("message").GetString());
    }
}
