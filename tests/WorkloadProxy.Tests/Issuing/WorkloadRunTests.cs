using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using WorkloadProxy.Authentication;
using WorkloadProxy.Configuration;
using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Policies;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Issuing;

/// <summary>Which tokens are of one run of a workload.</summary>
public sealed class WorkloadRunTests
{
    private static readonly WorkloadRuns runs = new(new ProxyOptions
    {
        PublicUrl = IssuingTest.Issuer,
        DataDirectory = "data",
        Issuers = [new IssuerOptions("https://listed.example", null, null, []) { Run = ["task", "attempt"] }],
    });

    [Theory]
    // the same job, asked twice
    [InlineData("https://a.example", """{"run_id":"1","run_attempt":"2","jti":"x"}""", """{"run_id":"1","run_attempt":"2","jti":"y"}""", true)]
    [InlineData("https://a.example", """{"run_id":"1","run_attempt":"2"}""", """{"run_id":"1","run_attempt":"3"}""", false)]
    [InlineData("https://a.example", """{"run_id":"1","run_attempt":"23"}""", """{"run_id":"12","run_attempt":"3"}""", false)]
    [InlineData("https://a.example", """{"job_id":"7"}""", """{"job_id":"7","ref":"main"}""", true)]
    [InlineData("https://a.example", """{"cloud_agent_id":"7"}""", """{"job_id":"7"}""", false)]
    [InlineData("https://a.example", """{"kubernetes.io":{"pod":{"uid":"u"}}}""", """{"kubernetes.io":{"pod":{"uid":"u","name":"n"}}}""", true)]
    // another's claims are believed as far as its issuer goes, and only where they are plain values
    [InlineData("https://a.example", """{"job_id":["7"]}""", """{"job_id":["7"]}""", false)]
    [InlineData("https://a.example", """{"run":"r"}""", """{"run":"r"}""", false)]
    [InlineData("https://a.example", """{"droplet_id":"7"}""", """{"droplet_id":"7"}""", false)]
    // what the operator chose, in place of what is usual
    [InlineData("https://listed.example", """{"task":7,"attempt":true,"job_id":"1"}""", """{"task":7,"attempt":true,"job_id":"2"}""", true)]
    [InlineData("https://listed.example", """{"job_id":"1"}""", """{"job_id":"1"}""", false)]
    public void Tokens_of_one_run_share_its_name(string issuer, string one, string two, bool same)
        => Assert.Equal(same, Of(issuer, one, "sha256:1") == Of(issuer, two, "sha256:2"));

    [Fact]
    public void Issuers_share_no_runs() =>
        Assert.NotEqual(Of("https://a.example", """{"job_id":"7"}""", "1"), Of("https://b.example", """{"job_id":"7"}""", "1"));

    [Fact]
    public void A_machine_is_one_run() =>
        Assert.Equal(Of(IssuingTest.Issuer, """{"droplet_id":"7"}""", "a", own: true), Of(IssuingTest.Issuer, """{"droplet_id":"7"}""", "b", own: true));

    [Fact]
    public async Task An_exchanged_token_and_the_audit_name_the_run_of_the_first()
    {
        await using var proxy = await TestProxy.StartAsync(Examples.Tutorial);
        var claims = (JsonObject)Examples.Job.DeepClone();
        (claims["run_id"], claims["run_attempt"]) = ("15", "1");
        var (first, second) = (await RunOf(proxy, claims), await RunOf(proxy, claims));
        claims["run_attempt"] = "2";
        Assert.Equal(first, second);
        Assert.NotEqual(first, await RunOf(proxy, claims));
        var audit = await proxy.AuditAsync(3);
        Assert.Equal(first, audit[0].GetProperty("run").GetString());
        var refused = await proxy.PostJsonAsync("/v1/oidc/issue", proxy.IdentityToken(claims),
            $$"""{"aud":"{{TestProxy.DigitalOcean}}","sub":"actx:{{TestProxy.Team}}:role:database-and-spaces-keys-access","ttl":300,"run":"other"}""");
        Assert.False(refused.Status is System.Net.HttpStatusCode.OK);
    }

    private static async Task<string> RunOf(TestProxy proxy, JsonObject claims)
    {
        var token = await proxy.ExchangeAsync(proxy.IdentityToken(claims), "database-and-spaces-keys-access");
        return JsonElement.Parse(Microsoft.IdentityModel.Tokens.Base64UrlEncoder.DecodeBytes(token.Split('.')[1])).GetProperty("run").GetString()!;
    }

    private static string Of(string issuer, string claims, string id, bool own = false) =>
        runs.Of(issuer, own, Claims.Parse(Encoding.UTF8.GetBytes(claims.Replace("{\"", "{\"iss\":\"x\",\"", StringComparison.Ordinal))), id);
}
