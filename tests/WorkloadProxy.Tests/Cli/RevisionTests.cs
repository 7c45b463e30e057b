using System.Text.Json;
using LibGit2Sharp;

namespace WorkloadProxy.Tests.Cli;

/// <summary>Policy sets as they stand in revisions of real repositories.</summary>
public sealed class RevisionTests : IDisposable
{
    private const string Policy = "path \"/v2/databases\" {\n  capabilities = [\"read\"]\n}\n";
    private const string WiderPolicy = "path \"/v2/databases\" {\n  capabilities = [\"read\", \"delete\"]\n}\n";
    private const string Role =
        "role \"ci\" {\n  aud      = \"api://DigitalOcean?actx={actx}\"\n  sub      = \"actx:{actx}:role:ci\"\n  policies = [\"ci\"]\n}\n";
    private readonly TemporaryDirectory directory = new();
    private readonly Repository repository;

    public RevisionTests()
    {
        Repository.Init(directory.Path);
        repository = new Repository(directory.Path);
        directory.Write("policies/ci.hcl", Policy);
        directory.Write("roles/ci.hcl", Role);
        Commit("first");
        repository.ApplyTag("v1");
    }

    public void Dispose()
    {
        repository.Dispose();
        foreach (var file in Directory.EnumerateFiles(directory.Path, "*", SearchOption.AllDirectories)) File.SetAttributes(file, FileAttributes.Normal);
        directory.Dispose();
    }

    [Theory]
    [InlineData("HEAD~1")]
    [InlineData("v1")]
    [InlineData("v1^{tree}")]
    public async Task A_revision_is_checked_as_it_was_whatever_the_working_tree_says(string revision)
    {
        directory.Write("policies/ci.hcl", "path {");
        Commit("broken");
        Assert.Equal((1, true), await CheckAsync());
        Assert.Equal((0, false), await CheckAsync("--rev", revision));
        // nothing was checked out
        Assert.Equal("path {", File.ReadAllText(Path.Combine(directory.Path, "policies/ci.hcl")));
    }

    [Fact]
    public async Task Test_show_and_explain_read_a_revision_too()
    {
        directory.Write("tests/ci.hcl",
            "test \"t\" {\n  token = { sub = \"actx:{actx}:role:ci\" }\n  request = { method = \"GET\", path = \"/v2/databases\" }\n  expect = \"allow\"\n}\n");
        directory.Write("claims.json", """{ "sub": "actx:x:role:ci" }""");
        Commit("tested");
        foreach (var folder in (string[])["policies", "roles", "tests"]) Directory.Delete(Path.Combine(directory.Path, folder), recursive: true);
        Assert.Equal(0, (await RunAsync("policy", "test", "--rev", "HEAD")).ExitCode);
        Assert.Contains("\"name\": \"ci\"", (await RunAsync("policy", "show", ".", "--rev=HEAD", "--actx", "x")).Output);
        Assert.Equal(0, (await RunAsync("policy", "explain", "--rev", "HEAD", "--actx", "x", "--claims", "claims.json", "--method", "GET", "--path",
            "/v2/databases")).ExitCode);
        Assert.Equal(3, (await RunAsync("policy", "explain", "--rev", "HEAD", "--actx", "x", "--claims", "claims.json", "--method", "DELETE", "--path",
            "/v2/databases")).ExitCode);
    }

    [Fact]
    public async Task The_file_of_the_whole_set_is_read_too()
    {
        directory.Write("set.hcl", "when = claims.sub == \"nobody\"\n");
        Commit("closed");
        directory.Write("claims.json", """{ "sub": "actx:x:role:ci" }""");
        string[] explain = ["policy", "explain", "--actx", "x", "--claims", "claims.json", "--method", "GET", "--path", "/v2/databases", "--rev"];
        Assert.Equal(3, (await RunAsync([.. explain, "HEAD"])).ExitCode);
        Assert.Equal(0, (await RunAsync([.. explain, "v1"])).ExitCode);
    }

    [Fact]
    public async Task The_set_may_lie_in_a_subdirectory_that_is_gone_by_now()
    {
        directory.Write("deep/rbac/policies/ci.hcl", Policy);
        directory.Write("deep/rbac/roles/ci.hcl", Role);
        Commit("deep");
        Directory.Delete(Path.Combine(directory.Path, "deep"), recursive: true);
        Assert.Equal((0, "2 files, 0 errors, 0 warnings, 0 tests\n", ""), await OutcomeAsync("policy", "check", "deep/rbac", "--rev", "HEAD", "--actx", "x"));
        Assert.Equal((1, "", "workload-proxy: revision `v1` has no directory `deep/rbac`\n"),
            await OutcomeAsync("policy", "check", "deep/rbac", "--rev", "v1"));
    }

    [Fact]
    public async Task A_bare_repository_and_a_worktree_will_do()
    {
        using var other = new TemporaryDirectory();
        var bare = Path.Combine(other.Path, "bare.git");
        Repository.Clone(directory.Path, bare, new CloneOptions { IsBare = true });
        Assert.Equal(0, (await CommandRun.RunAsync(other.Path, "policy", "check", bare, "--rev", "HEAD")).ExitCode);
        repository.Worktrees.Add("second", Path.Combine(other.Path, "second"), isLocked: false);
        Assert.Equal(0, (await CommandRun.RunAsync(Path.Combine(other.Path, "second", "policies"), "policy", "check", "..", "--rev", "HEAD")).ExitCode);
    }

    [Theory]
    [InlineData("no-such-branch")]
    [InlineData("HEAD~7")]
    [InlineData("^{/nothing like it}")]
    [InlineData("--all")]
    [InlineData("a..b")]
    [InlineData("0123456789012345678901234567890123456789")]
    public async Task A_revision_that_is_none_is_said_so(string revision) =>
        Assert.Equal((1, "", $"workload-proxy: no such revision: `{revision}`\n"), await OutcomeAsync("policy", "check", $"--rev={revision}"));

    [Fact]
    public async Task What_is_no_commit_and_what_is_no_repository_are_said_so()
    {
        Assert.Equal((1, "", "workload-proxy: `HEAD:roles/ci.hcl` is not a commit\n"), await OutcomeAsync("policy", "check", "--rev", "HEAD:roles/ci.hcl"));
        using var other = new TemporaryDirectory();
        var run = await CommandRun.RunAsync(other.Path, "policy", "check", "--rev", "HEAD");
        Assert.Equal((1, "workload-proxy: `.` is not in a git repository\n"), (run.ExitCode, run.Error));
        Repository.Init(other.Path);
        run = await CommandRun.RunAsync(other.Path, "policy", "check", "--rev", "HEAD");
        Assert.Equal((1, "workload-proxy: no such revision: `HEAD`\n"), (run.ExitCode, run.Error));
    }

    [Fact]
    public async Task Links_inside_the_revision_are_followed_and_one_that_leads_out_is_an_error()
    {
        directory.Write("common/inner.hcl", WiderPolicy);
        Link("policies/linked", "../common");
        Link("policies/again.hcl", "linked/../policies/ci.hcl");
        Commit("links");
        Assert.Contains("4 files, 0 errors", (await RunAsync("policy", "check", "--rev", "HEAD", "--actx", "x")).Output);

        File.Delete(Path.Combine(directory.Path, "policies/again.hcl"));
        Link("policies/out.hcl", "../../passwd.hcl");
        Link("roles/gone.hcl", "nowhere.hcl");
        Link("policies/loop", "..");
        Commit("bad links");
        var run = await RunAsync("policy", "check", "--rev", "HEAD", "--format", "json");
        Assert.Equal(["link-loop policies/loop", "link-leaves-directory policies/out.hcl", "broken-link roles/gone.hcl"], Codes(run.Output));
    }

    [Fact]
    public async Task A_submodule_among_the_policies_is_an_error_and_elsewhere_nothing()
    {
        var tree = TreeDefinition.From(repository.Head.Tip);
        tree.AddGitLink("elsewhere", repository.Head.Tip.Id);
        Commit("beside", tree);
        Assert.Equal(0, (await RunAsync("policy", "check", "--rev", "HEAD")).ExitCode);
        tree.AddGitLink("policies/team", repository.Head.Tip.Id);
        Commit("inside", tree);
        var run = await RunAsync("policy", "check", "--rev", "HEAD", "--format", "json");
        Assert.Equal((1, "submodule policies/team"), (run.ExitCode, Codes(run.Output).Single()));
    }

    [Fact]
    public async Task A_file_over_4_MiB_is_not_read()
    {
        directory.Write("policies/big.hcl", new string('#', 4 * 1024 * 1024 + 1));
        Commit("big");
        var run = await RunAsync("policy", "check", "--rev", "HEAD", "--format", "json");
        Assert.Equal((1, "file-too-large policies/big.hcl"), (run.ExitCode, Codes(run.Output).Single()));
    }

    [Theory]
    [InlineData("v1..HEAD", null, null)]
    [InlineData("v1..", null, null)]
    [InlineData("v1...HEAD", ".", null)]
    [InlineData(null, null, "v1")]
    [InlineData(".", null, "v1")]
    public async Task Diff_compares_revisions_and_the_working_tree(string? first, string? second, string? revision)
    {
        directory.Write("policies/ci.hcl", WiderPolicy);
        Commit("wider");
        string[] arguments = [.. new[] { first, second }.OfType<string>(), .. revision is null ? [] : (string[])["--rev", revision]];
        Assert.Equal((0, "DELETE /v2/databases"), Access(await RunAsync(["policy", "diff", .. arguments])));
        Assert.Equal((1, "DELETE /v2/databases"), Access(await RunAsync(["policy", "diff", .. arguments, "--exit-code"])));
        var json = await RunAsync(["policy", "diff", .. arguments, "--format", "json"]);
        using var document = JsonDocument.Parse(json.Output);
        Assert.True(document.RootElement.GetProperty("widened").GetBoolean());
        Assert.Equal("widened", document.RootElement.GetProperty("changes")[0].GetProperty("kind").GetString());
        var github = await RunAsync(["policy", "diff", .. arguments, "--format", "github"]);
        Assert.StartsWith("::warning::access widened: role `ci`", github.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_diff_that_only_narrows_or_changes_nothing_ends_with_0()
    {
        directory.Write("policies/ci.hcl", WiderPolicy);
        Commit("wider");
        Assert.Equal(0, (await RunAsync("policy", "diff", "HEAD..v1", "--exit-code")).ExitCode);
        Assert.Equal((0, "no access changes\n", ""), await OutcomeAsync("policy", "diff", "--rev", "HEAD", "--exit-code"));
    }

    [Theory]
    [InlineData("", "expected two directories, two revisions `A..B`, or `--rev BASE`")]
    [InlineData(".", "expected a second directory after `.`, two revisions `A..B`, or `--rev BASE`")]
    [InlineData(". . --rev v1", "with `--rev`, expected one directory at most")]
    [InlineData("v1..gone", "no such revision: `gone`")]
    [InlineData("v1...gone", "no such revision: `gone`")]
    public async Task A_diff_of_what_can_not_be_compared_says_why(string arguments, string expected)
    {
        var run = await RunAsync(["policy", "diff", .. arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        Assert.Equal((1, $"workload-proxy: {expected}\n"), (run.ExitCode, run.Error));
    }

    private static (int, string) Access(CommandRun.Outcome run) =>
        (run.ExitCode, run.Output.Contains("DELETE /v2/databases", StringComparison.Ordinal) ? "DELETE /v2/databases" : run.Output + run.Error);

    private static List<string> Codes(string json)
    {
        using var document = JsonDocument.Parse(json);
        return [.. document.RootElement.GetProperty("diagnostics").EnumerateArray()
            .Where(diagnostic => diagnostic.GetProperty("severity").GetString() == "error")
            .Select(diagnostic => $"{diagnostic.GetProperty("code").GetString()} {diagnostic.GetProperty("file").GetString()}")];
    }

    private async Task<(int, bool)> CheckAsync(params string[] arguments)
    {
        var run = await RunAsync(["policy", "check", .. arguments]);
        return (run.ExitCode, run.Output.Contains("policies/ci.hcl:1:", StringComparison.Ordinal));
    }

    private async Task<(int, string, string)> OutcomeAsync(params string[] arguments)
    {
        var run = await RunAsync(arguments);
        return (run.ExitCode, run.Output, run.Error);
    }

    private Task<CommandRun.Outcome> RunAsync(params string[] arguments) => CommandRun.RunAsync(directory.Path, arguments);

    private void Link(string name, string target) => File.CreateSymbolicLink(Path.Combine(directory.Path, name), target);

    private void Commit(string message, TreeDefinition? tree = null)
    {
        var author = new Signature("Ada", "ada@example.com", DateTimeOffset.UnixEpoch);
        if (tree is null)
        {
            Commands.Stage(repository, "*");
            repository.Commit(message, author, author);
            return;
        }
        var commit = repository.ObjectDatabase.CreateCommit(author, author, message, repository.ObjectDatabase.CreateTree(tree), [repository.Head.Tip],
            prettifyMessage: false);
        repository.Refs.UpdateTarget(repository.Refs.Head.ResolveToDirectReference(), commit.Id);
    }
}
