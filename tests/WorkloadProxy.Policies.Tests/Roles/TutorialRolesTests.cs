using WorkloadProxy.Policies.Tests.Compiling;

namespace WorkloadProxy.Policies.Tests.Roles;

public class TutorialRolesTests
{
    private const string Gha = """
        role "ex-gha-readwrite" {
          iss = "https://token.actions.githubusercontent.com"
          aud = "api://DigitalOcean?actx={actx}"
          sub = "repo:org/repo:ref:refs/heads/main"
          policies = ["ex-gha-readwrite"]
          job_workflow_ref = "org/repo/.github/workflows/do-wid.yml@refs/heads/main"
        }
        """;
    private const string Droplet = """
        role "ex-database-and-spaces-keys-access" {
          aud = "api://DigitalOcean?actx={actx}"
          sub = "actx:{actx}:role:ex-database-and-spaces-keys-access"
          policies = ["ex-database-and-spaces-keys-access", "ex-atproto"]
        }
        """;
    private const string AtProto = """
        role "atproto-write" {
        aud = "api://ATProto?actx={actx}"
        sub = "actx:f81d4fae-7dec-11d0-a765-00a0c91e6bf6:role:atproto-write"
        policies = ["atproto-write"]
        }
        """;
    private const string Policy = "path \"/v2/account\" {\n  capabilities = [\"read\"]\n}\n";

    private static readonly PolicySet Set = Compile.Set(
        ("gha-roles/ex-gha-readwrite.hcl", Gha), ("droplet-roles/ex-database-and-spaces-keys-access.hcl", Droplet),
        ("policies/ex-gha-readwrite.hcl", Policy), ("policies/ex-database-and-spaces-keys-access.hcl", Policy), ("policies/ex-atproto.hcl", Policy));

    private static Grants Match(string claims) => Set.MatchRoles(Compile.Claims(claims));

    [Fact]
    public void The_workflow_of_the_tutorial_matches_its_role_alone()
    {
        var grants = Match("""
            {"iss":"https://token.actions.githubusercontent.com","aud":"api://DigitalOcean?actx=f81d4fae-7dec-11d0-a765-00a0c91e6bf6","sub":"repo:org/repo:ref:refs/heads/main",
             "job_workflow_ref":"org/repo/.github/workflows/do-wid.yml@refs/heads/main","repository":"org/repo","run_id":"1"}
            """);
        Assert.Equal(["ex-gha-readwrite"], grants.RoleNames);
        Assert.Same(Set, grants.Set);
    }

    [Theory]
    [InlineData("job_workflow_ref", "org/repo/.github/workflows/other.yml@refs/heads/main")]
    [InlineData("sub", "repo:org/repo:ref:refs/heads/evil")]
    [InlineData("sub", "repo:org/repo:ref:refs/heads/main2")]
    [InlineData("sub", "REPO:org/repo:ref:refs/heads/main")]
    [InlineData("aud", "api://DigitalOcean?actx=other")]
    [InlineData("iss", "https://token.actions.githubusercontent.com/")]
    [InlineData("iss", "https://proxy.example.com")]
    public void Another_value_in_any_claim_does_not_match(string claim, string value)
    {
        var claims = new Dictionary<string, string>
        {
            ["iss"] = Compile.GitHub, ["aud"] = $"api://DigitalOcean?actx={Compile.Team}", ["sub"] = "repo:org/repo:ref:refs/heads/main",
            ["job_workflow_ref"] = "org/repo/.github/workflows/do-wid.yml@refs/heads/main",
        };
        Assert.Single(Match(System.Text.Json.JsonSerializer.Serialize(claims)).RoleNames);
        claims[claim] = value;
        Assert.Empty(Match(System.Text.Json.JsonSerializer.Serialize(claims)).RoleNames);
    }

    [Theory]
    [InlineData("iss")]
    [InlineData("aud")]
    [InlineData("sub")]
    [InlineData("job_workflow_ref")]
    public void A_role_without_one_of_its_claims_does_not_match(string claim)
    {
        var claims = new Dictionary<string, string>
        {
            ["iss"] = Compile.GitHub, ["aud"] = $"api://DigitalOcean?actx={Compile.Team}", ["sub"] = "repo:org/repo:ref:refs/heads/main",
            ["job_workflow_ref"] = "org/repo/.github/workflows/do-wid.yml@refs/heads/main",
        };
        claims.Remove(claim);
        Assert.Empty(Match(System.Text.Json.JsonSerializer.Serialize(claims)).RoleNames);
    }

    [Fact]
    public void A_droplets_token_matches_its_role()
    {
        Assert.Equal(["ex-database-and-spaces-keys-access"], Match($$"""
            {"iss":"https://proxy.example.com","aud":"api://DigitalOcean?actx={{Compile.Team}}","sub":"actx:{{Compile.Team}}:role:ex-database-and-spaces-keys-access",
             "actx_source":"api://DigitalOcean?actx={{Compile.Team}}","droplet_id":"123"}
            """).RoleNames);
    }

    [Fact]
    public void The_other_organizations_token_matches_where_its_id_is_written_out()
    {
        var options = new CompileOptions(new AuthContext("ATProto", "did:plc:ewvi7nxzyoun6zhxrhs64oiz"), Compile.OwnIssuer);
        var set = Compile.Whole(PolicyCompiler.Compile([Compile.File("roles/atproto-write.hcl", AtProto), Compile.File("policies/atproto-write.hcl", Policy)],
            options));
        Assert.Equal(["atproto-write"], set.MatchRoles(Compile.Claims($$"""
            {"iss":"https://proxy.example.com","aud":"api://ATProto?actx=did:plc:ewvi7nxzyoun6zhxrhs64oiz","sub":"actx:{{Compile.Team}}:role:atproto-write",
             "actx_source":"api://DigitalOcean?actx={{Compile.Team}}"}
            """)).RoleNames);
    }

    [Fact]
    public void Only_the_issuers_that_roles_name_are_trusted()
    {
        Assert.True(Set.TrustsIssuer(Compile.GitHub));
        Assert.False(Set.TrustsIssuer(Compile.GitHub + "/"));
        Assert.False(Set.TrustsIssuer(Compile.GitHub.ToUpperInvariant()));
        Assert.False(Set.TrustsIssuer("https://gitlab.com"));
        Assert.False(Set.TrustsIssuer(Compile.OwnIssuer));
    }
}
