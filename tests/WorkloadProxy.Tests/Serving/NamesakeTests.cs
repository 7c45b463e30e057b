using System.Net;
using WorkloadProxy.Configuration;
using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Tests.Serving;

/// <summary>Contexts of one id at two upstreams: whoever has one mints tokens with the other's subjects, and must get nothing that was meant for it.</summary>
public sealed class NamesakeTests
{
    private const string Mint = """
        path "/v1/oidc/issue" {
          capabilities       = ["create"]
          allowed_parameters = { "aud" = "api://Bank?actx=main", "sub" = "actx:{actx}:role:payer", "ttl" = any() }
        }
        """;

    [Theory]
    [InlineData("", false, false)]
    [InlineData("actx_source = \"api://GitHub?actx=acme\"", true, false)]
    [InlineData("actx_source = \"*\"", false, false)]
    public async Task A_role_for_one_of_them_is_closed_to_the_other(string source, bool opensToGitHub, bool opensToDepot)
    {
        var files = new Dictionary<string, string>
        {
            ["bank/roles/payer.hcl"] = $$"""
                role "payer" {
                  aud      = "api://Bank?actx={actx}"
                  sub      = "actx:acme:role:payer"
                  policies = ["pay"]
                  {{source}}
                }
                """,
            ["bank/policies/pay.hcl"] = "path \"/pay\" { capabilities = [\"create\"] }",
        };
        foreach (var upstream in (string[])["GitHub", "Depot"])
        {
            files[$"{upstream}/gha-roles/job.hcl"] = $$"""
                role "job" {
                  iss      = "ISSUER"
                  aud      = "api://{{upstream}}?actx={actx}"
                  sub      = "repo:org/repo:ref:refs/heads/main"
                  policies = ["mint"]
                }
                """;
            files[$"{upstream}/policies/mint.hcl"] = Mint;
        }
        await using var proxy = await TestProxy.StartAsync(files, (options, sandbox) =>
        {
            AuthContext bank = new("Bank", "main"), github = new("GitHub", "acme"), depot = new("Depot", "acme");
            PolicySourceOptions Source(AuthContext context, string folder) => new(context, Directory: Path.Combine(options.Policies[0].Directory!, folder));
            return options with
            {
                Upstreams = new[] { "Bank", "GitHub", "Depot" }
                    .ToDictionary(name => name, name => new UpstreamOptions { Name = name, Kind = UpstreamKind.Http, Address = sandbox.Address }),
                Policies = [Source(bank, "bank"), Source(github, "GitHub"), Source(depot, "Depot")],
                Credentials = [options.Credentials[0] with { Context = bank }],
            };
        });

        Assert.Equal((opensToGitHub, opensToDepot), (await PaysAsync(proxy, "GitHub"), await PaysAsync(proxy, "Depot")));
    }

    /// <summary>Exchanges a job's token of the upstream for the bank's, which every context may, and pays with that.</summary>
    private static async Task<bool> PaysAsync(TestProxy proxy, string upstream)
    {
        var identity = proxy.Sandbox.Issuer.Token($"api://{upstream}?actx=acme", Examples.Job);
        var minted = await proxy.PostJsonAsync("/v1/oidc/issue", identity, """{"aud":"api://Bank?actx=main","sub":"actx:acme:role:payer","ttl":60}""");
        Assert.True(minted.Status == HttpStatusCode.OK, minted.Body);
        var before = proxy.Sandbox.Requests.All.Count;
        var paid = await proxy.PostJsonAsync("/pay", minted.Json.GetProperty("token").GetString(), "{}");
        Assert.Equal(paid.Status != HttpStatusCode.Forbidden, proxy.Sandbox.Requests.All.Count > before);
        return paid.Status != HttpStatusCode.Forbidden;
    }
}
