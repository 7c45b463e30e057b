using System.Text;

namespace WorkloadProxy.Policies.Tests.Roles;

/// <summary>Contexts with one id at two upstreams: whoever has the one mints tokens of the other's subjects.</summary>
public sealed class NamesakeTests
{
    private static readonly AuthContext Bank = new("Bank", "main"), GitHub = new("GitHub", "acme"), Depot = new("Depot", "acme");
    private static readonly CompileOptions Options = new(Bank, "https://proxy.example.com") { Contexts = ContextRegistry.Of([Bank, GitHub, Depot]) };

    [Theory]
    [InlineData("api://GitHub?actx=acme")]
    [InlineData("api://Depot?actx=acme")]
    public void A_role_that_does_not_say_which_namesake_it_means_matches_neither(string source)
    {
        var result = Compile("", Options);
        Assert.Contains(result.Diagnostics, diagnostic => diagnostic.Code == "namesake-context");
        Assert.Empty(result.Set!.MatchRoles(Token("actx:acme:role:payer", source)).RoleNames);
    }

    [Fact]
    public void With_actx_source_a_role_matches_that_namesake_alone()
    {
        var result = Compile("actx_source = \"api://GitHub?actx=acme\"", Options);
        Assert.DoesNotContain(result.Diagnostics, diagnostic => diagnostic.Code == "namesake-context");
        Assert.Equal(["payer"], result.Set!.MatchRoles(Token("actx:acme:role:payer", GitHub.ToString())).RoleNames);
        Assert.Empty(result.Set!.MatchRoles(Token("actx:acme:role:payer", Depot.ToString())).RoleNames);
    }

    [Fact]
    public void A_bare_wildcard_says_nothing() =>
        Assert.Contains(Compile("actx_source = \"*\"", Options).Diagnostics, diagnostic => diagnostic.Code == "namesake-context");

    [Fact]
    public void An_id_that_one_context_has_needs_no_source()
    {
        var result = Compile("", Options with { Contexts = ContextRegistry.Of([Bank, GitHub]) });
        Assert.DoesNotContain(result.Diagnostics, diagnostic => diagnostic.Code == "namesake-context");
        Assert.Equal(["payer"], result.Set!.MatchRoles(Token("actx:acme:role:payer", GitHub.ToString())).RoleNames);
    }

    [Fact]
    public void An_explanation_says_that_the_source_is_missing()
    {
        var explained = Compile("", Options).Set!.Roles[0].Explain(Token("actx:acme:role:payer", Depot.ToString()), Some.Now);
        Assert.False(explained.Matched);
        Assert.Contains("several contexts have the id `acme`", explained.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("actx:arn:*", false)]
    [InlineData("actx:arn:aws:*", false)]
    [InlineData("actx:arn:aws:iam::1:*", true)]
    [InlineData("actx:arn:aws:iam::1:role:x", true)]
    [InlineData("actx:spiffe:*", false)]
    [InlineData("actx:a:*", false)]
    [InlineData("actx:a:b:*", true)]
    [InlineData("actx:acme:*", true)]
    [InlineData("actx:unknown:*", true)]
    public void Only_the_whole_of_an_id_with_colons_pins(string subject, bool compiles)
    {
        var options = Options with { Contexts = ContextRegistry.Of([Bank, GitHub, new("AWS", "arn:aws:iam::1"), new("X", "a:b")]) };
        var result = PolicyCompiler.Compile([Some.File("roles/r.hcl", $"role \"r\" {{\n  aud = \"api://Bank?actx={{actx}}\"\n  sub = \"{subject}\"\n  "
            + $"policies = []\n}}")], options);
        Assert.Equal(!compiles, result.Diagnostics.Any(diagnostic => diagnostic.Code == "unpinned-tenant"));
    }

    private static CompileResult Compile(string further, CompileOptions options)
        => PolicyCompiler.Compile([Some.File("roles/r.hcl", $"role \"payer\" {{\n  aud = \"api://Bank?actx={{actx}}\"\n  sub = \"actx:acme:role:payer\"\n  "
            + $"policies = []\n  {further}\n}}")], options);

    private static Claims Token(string subject, string source)
        => Claims.Parse(Encoding.UTF8
            .GetBytes($$"""{"iss":"https://proxy.example.com","aud":"api://Bank?actx=main","sub":"{{subject}}","actx_source":"{{source}}"}"""));
}
