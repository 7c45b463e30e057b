using System.Diagnostics;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Tests.Compiling;

/// <summary>
/// A few kilobytes that somebody pushes must not take the proxy's processor or memory from all others, however many names its author gives to them.
/// </summary>
public sealed class SetBudgetTests
{
    private static readonly string Items = $"[{string.Join(",", Enumerable.Range(0, 1000))}]";

    [Fact]
    public void One_content_under_many_names_is_compiled_once()
    {
        var hcl = $"path \"/v2/x\" {{\n  capabilities = [\"create\"]\n  allowed_parameters = {{ \"a\" = [for a in {Items} : [for b in "
            + $"{Items[..60]}0] : b][0]] }}\n}}";
        var watch = Stopwatch.StartNew();
        var result = PolicyCompiler.Compile([.. Enumerable.Range(0, 1500).Select(i => Some.File($"policies/p{i:D4}.hcl", hcl))], Some.Options);
        Assert.NotNull(result.Set);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 60);
        Assert.Equal(1500, result.Set.Policies.Length);
        var last = result.Set.Policies[^1];
        Assert.Equal(("p1499", "policies/p1499.hcl"), (last.Name, last.File));
        Assert.Equal(("p1499", "policies/p1499.hcl"), (last.Rules[0].Policy, last.Rules[0].Range.File));
    }

    [Fact]
    public void A_mistake_in_one_content_is_told_for_each_of_its_names()
    {
        var result = PolicyCompiler.Compile([Some.File("policies/a.hcl", "path \"x\" {}"), Some.File("policies/b.hcl", "path \"x\" {}")], Some.Options);
        Assert.Null(result.Set);
        Assert.Equal(["policies/a.hcl", "policies/b.hcl"], result.Diagnostics.Where(diagnostic => diagnostic.Code == "bad-path")
            .Select(diagnostic => diagnostic.Range.File));
    }

    [Fact]
    public void All_files_of_a_set_share_one_budget()
    {
        var files = Enumerable.Range(0, 200).Select(i => Some.File($"roles/r{i}.hcl", $$"""
            # {{i}}
            role "r{{i}}" {
              aud      = "api://DigitalOcean?actx={actx}"
              sub      = [for a in {{Items}} : "actx:{actx}:role:${a}{{new string('y', 2000)}}"]
              policies = []
            }
            """));
        var result = PolicyCompiler.Compile([.. files], Some.Options);
        Assert.Null(result.Set);
        Assert.Contains(result.Diagnostics, diagnostic => diagnostic.Code == "evaluation-budget");
    }

    [Fact]
    public void More_files_than_the_options_say_are_an_error()
    {
        PolicyFile[] files = [.. Enumerable.Range(0, 11).Select(i => Some.File($"policies/p{i}.hcl", ""))];
        Assert.NotNull(PolicyCompiler.Compile(files, Some.Options).Set);
        Assert.Contains(PolicyCompiler.Compile(files, Some.Options with { MaxFiles = 10 }).Diagnostics, diagnostic => diagnostic.Code == "too-many-files");
    }

    [Fact]
    public void Compiling_and_testing_end_when_they_are_cancelled()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        PolicyFile[] files =
            [Some.File("policies/p.hcl", $"path \"/x\" {{\n  capabilities = [\"create\"]\n  allowed_parameters = {{ \"a\" = [for a in {Items} : a] }}\n}}"),
            Some.File("tests/t.hcl", "test \"t\" {\n  token = {}\n  request = { path = \"/x\" }\n  expect = \"deny\"\n}")];
        Assert.ThrowsAny<OperationCanceledException>(() => PolicyCompiler.Compile(files, Some.Options, null, cancelled.Token));
        var set = Some.Set(PolicyCompiler.Compile(files, Some.Options));
        Assert.ThrowsAny<OperationCanceledException>(() => PolicyTestRunner.Run(set, Some.Now, cancelled.Token));
    }

    [Fact]
    public async Task A_compilation_under_way_ends_when_it_is_cancelled()
    {
        using var cancelled = new CancellationTokenSource();
        var files = Enumerable.Range(0, 2000)
            .Select(i => Some.File($"policies/p{i}.hcl",
                $"# {i}\npath \"/x\" {{\n  capabilities = [\"create\"]\n  allowed_parameters = {{ \"a\" = regex(\"[a-z]{{900}}{i}\") }}\n}}")).ToArray();
        var compiling = Task.Run(() => PolicyCompiler.Compile(files, Some.Options, null, cancelled.Token), TestContext.Current.CancellationToken);
        cancelled.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => compiling.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
    }
}
