using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Tests.Compiling;

public class PolicyCompilerTests
{
    private const string Role = "role \"NAME\" {\n  iss = \"https://id.example.com\"\n  aud = \"a\"\n  sub = \"NAME\"\n  policies = [\"p\"]\n}\n";
    private const string Policy = "path \"/v2/account\" {\n  capabilities = [\"read\"]\n}\n";

    [Theory]
    [InlineData("roles/r.hcl", true)]
    [InlineData("roles/deep/er/r.hcl", true)]
    [InlineData("gha-roles/r.hcl", true)]
    [InlineData("myroles/r.hcl", true)]
    [InlineData("roles.hcl", false)]
    [InlineData("r.hcl", false)]
    [InlineData("roles/r.HCL", false)]
    [InlineData("roles/r.hcl.bak", false)]
    [InlineData("roles/.r.hcl", false)]
    [InlineData("roles/.git/r.hcl", false)]
    [InlineData(".roles/r.hcl", false)]
    [InlineData("Roles/r.hcl", false)]
    [InlineData("gha-Roles/r.hcl", false)]
    [InlineData("sub/roles/r.hcl", false)]
    [InlineData("roles-old/r.hcl", false)]
    [InlineData("docs/r.hcl", false)]
    public void Only_hcl_files_of_the_directories_for_roles_are_roles(string path, bool counts)
        => Assert.Equal(counts ? 1 : 0, Compile.Set((path, Role), ("policies/p.hcl", Policy)).Roles.Length);

    [Fact]
    public void A_policy_has_its_files_stem_for_a_name_wherever_it_lies()
        => Assert.Equal(["a.b", "p"], Compile.Set(("policies/p.hcl", Policy), ("policies/deep/a.b.hcl", Policy), ("policies/.hcl", Policy))
            .Policies.Select(policy => policy.Name));

    [Fact]
    public void Names_are_unique_over_all_files()
    {
        var result = Compile.Files(
            ("gha-roles/a.hcl", Role), ("roles/a.hcl", Role + Role), ("policies/p.hcl", Policy), ("policies/x/p.hcl", Policy));
        Assert.Equal(
        [
            "policies/x/p.hcl:1:1 error duplicate-policy: policy `p` is already defined at policies/p.hcl:1:1",
            "roles/a.hcl:1:1 error duplicate-role: role `NAME` is already defined at gha-roles/a.hcl:1:1",
            "roles/a.hcl:7:1 error duplicate-role: role `NAME` is already defined at gha-roles/a.hcl:1:1",
        ], Compile.Lines(result));
        Assert.Null(result.Set);
    }

    [Fact]
    public void A_policy_with_an_error_is_not_unknown_as_well()
    {
        var result = Compile.Files(("roles/a.hcl", Role), ("policies/p.hcl", "path \"/a\" {"));
        Assert.Null(result.Set);
        Assert.All(result.Diagnostics, diagnostic => Assert.Equal("policies/p.hcl", diagnostic.Range.File));
    }

    [Fact]
    public void An_empty_source_is_a_set_that_trusts_nobody()
    {
        var set = Compile.Set();
        Assert.False(set.TrustsIssuer("https://id.example.com"));
        Assert.Empty(set.MatchRoles(Compile.Claims("""{"iss":"https://proxy.example.com","sub":"x"}""")).RoleNames);
        Assert.Equal(64, set.ContentHash.Length);
    }

    [Fact]
    public void The_hash_tells_paths_and_contents_and_nothing_else()
    {
        var set = Compile.Set(("roles/a.hcl", Role), ("policies/p.hcl", Policy));
        Assert.Equal(set.ContentHash, Compile.Set(("policies/p.hcl", Policy), ("README.md", "x"), ("roles/a.hcl", Role)).ContentHash);
        Assert.NotEqual(set.ContentHash, Compile.Set(("roles/b.hcl", Role), ("policies/p.hcl", Policy)).ContentHash);
        Assert.NotEqual(set.ContentHash, Compile.Set(("roles/a.hcl", Role + "\n"), ("policies/p.hcl", Policy)).ContentHash);
        Assert.Matches("^[0-9a-f]{64}$", set.ContentHash);
    }

    [Fact]
    public void What_did_not_change_is_taken_over_and_bound_anew()
    {
        PolicyFile[] before = [Compile.File("roles/a.hcl", Role), Compile.File("policies/p.hcl", Policy), Compile.File("policies/q.hcl", Policy)];
        var first = Compile.Whole(PolicyCompiler.Compile(before, Compile.Options));
        PolicyFile[] after = [before[0], Compile.File("policies/p.hcl", Policy + Policy.Replace("account", "regions")), Compile.File("policies/q.hcl", Policy)];
        var second = Compile.Whole(PolicyCompiler.Compile(after, Compile.Options, first));
        Assert.Same(first.Policies[1], second.Policies[1]);
        Assert.NotSame(first.Policies[0], second.Policies[0]);
        Assert.Same(second.Policies[0], Assert.Single(second.Roles).Policies[0]);
        Assert.Same(first.Policies[0], Assert.Single(first.Roles).Policies[0]);
        Assert.Equal(Compile.Lines(PolicyCompiler.Compile(after, Compile.Options)), Compile.Lines(PolicyCompiler.Compile(after, Compile.Options, first)));
    }

    [Fact]
    public void Nothing_is_taken_over_from_another_context()
    {
        PolicyFile[] files = [Compile.File("roles/a.hcl", "role \"a\" {\n aud = \"{actx}\"\n sub = \"actx:{actx}:x\"\n policies = []\n}")];
        var first = Compile.Whole(PolicyCompiler.Compile(files, Compile.Options));
        var second = Compile.Whole(PolicyCompiler.Compile(files, new CompileOptions(new AuthContext("DigitalOcean", "other"), Compile.OwnIssuer), first));
        var claims = Compile.Claims("""{"iss":"https://proxy.example.com","aud":"other","sub":"actx:other:x","actx_source":"api://DigitalOcean?actx=other"}""");
        Assert.Empty(first.MatchRoles(claims).RoleNames);
        Assert.Equal(["a"], second.MatchRoles(claims).RoleNames);
    }

    [Fact]
    public void Thirty_two_issuers_are_enough_for_a_context()
    {
        static string Roles(int count) =>
            string.Concat(Enumerable.Range(0, count).Select(i => Role.Replace("NAME", $"r{i}").Replace("id.example", $"id{i}.example")));
        Compile.Set(("roles/a.hcl", Roles(32)), ("policies/p.hcl", Policy));
        Assert.Equal(["roles/a.hcl:194:9 error too-many-issuers: more than 32 issuers in one context"],
            Compile.Lines(Compile.Files(("roles/a.hcl", Roles(33)), ("policies/p.hcl", Policy))));
    }

    [Fact]
    public void A_hundred_thousand_files_are_enough_for_a_context()
    {
        var empty = new PolicyFile[100_001];
        for (var i = 0; i < empty.Length; i++) empty[i] = new PolicyFile($"roles/{i:d6}.hcl", default);
        Assert.Equal(["roles/100000.hcl:1:1 error too-many-files: 100001 files, expected at most 100000"],
            Compile.Lines(PolicyCompiler.Compile(empty, Compile.Options)));
    }

    [Fact]
    public void A_file_of_garbage_costs_no_more_than_its_first_hundred_errors()
    {
        var result = Compile.Files(("roles/a.hcl", "role \"a\" {\n" + string.Concat(Enumerable.Range(0, 10_000).Select(i => $"  polices{i} = []\n")) + "}\n"));
        Assert.Null(result.Set);
        Assert.Equal(100, result.Diagnostics.Length);
    }

    [Fact]
    public void No_number_of_warnings_hides_an_error()
    {
        var warnings = string.Concat(Enumerable.Range(0, 500)
            .Select(i => $"role \"r{i}\" {{\n  aud = \"a\"\n  sub = \"actx:{{actx}}:x\"\n  policies = []\n}}\n"));
        var result = Compile.Files(("roles/a.hcl", warnings + "x = 1\n"));
        Assert.Null(result.Set);
        Assert.Contains("roles/a.hcl:2501:1 error unknown-attribute: unknown attribute `x` outside of a `role` block", Compile.Lines(result));
    }

    [Fact]
    public void A_list_of_issuers_without_end_is_one_error()
    {
        var issuers = string.Join(", ", Enumerable.Range(0, 50_000).Select(i => $"\"https://id{i}.example\""));
        Assert.Equal(["too-many-issuers"],
            Compile.Files(("roles/a.hcl", $"role \"r\" {{\n  iss = [{issuers}]\n  aud = \"a\"\n  sub = \"s\"\n  policies = []\n}}")).Diagnostics
            .Where(diagnostic => diagnostic.Severity == WorkloadProxy.Hcl.DiagnosticSeverity.Error).Select(diagnostic => diagnostic.Code));
    }

    [Theory]
    [InlineData("roles/a.hcl")]
    [InlineData("policies/p.hcl")]
    [InlineData("roles/new.hcl")]
    public void A_set_compiled_on_top_of_another_is_the_same_as_one_compiled_alone(string changed)
    {
        PolicyFile[] before = [Compile.File("roles/a.hcl", Role.Replace("NAME", "a")), Compile.File("roles/b.hcl", Role.Replace("NAME", "b")),
            Compile.File("policies/p.hcl", Policy)];
        var first = Compile.Whole(PolicyCompiler.Compile(before, Compile.Options));
        var text = changed switch
            { "roles/a.hcl" => Role.Replace("\"NAME\"", "\"c\""), "roles/new.hcl" => Role.Replace("NAME", "new"), _ => Policy.Replace("account", "regions") };
        PolicyFile[] after = [.. before.Where(file => file.Path != changed), Compile.File(changed, text)];
        var alone = PolicyCompiler.Compile(after, Compile.Options);
        var onTop = PolicyCompiler.Compile(after, Compile.Options, first);
        Assert.Equal(Compile.Lines(alone), Compile.Lines(onTop));
        Assert.Equal(alone.Set!.ContentHash, onTop.Set!.ContentHash);
        foreach (var subject in (string[])["a", "b", "c", "new"])
        {
            var claims = Compile.Claims($$"""{"iss":"https://id.example.com","aud":"a","sub":"{{subject}}"}""");
            Assert.Equal(alone.Set.MatchRoles(claims).RoleNames, onTop.Set.MatchRoles(claims).RoleNames);
        }
    }

    [Fact]
    public void Files_that_are_no_text_are_diagnostics()
    {
        var result = PolicyCompiler.Compile([new PolicyFile("roles/a.hcl", new byte[] { 0xff, 0xfe, 0 }),
            new PolicyFile("policies/p.hcl", new byte[5 * 1024 * 1024])], Compile.Options);
        Assert.Null(result.Set);
        Assert.Equal(["policies/p.hcl", "roles/a.hcl"], result.Diagnostics.Select(diagnostic => diagnostic.Range.File).Distinct());
    }
}
