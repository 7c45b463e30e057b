using System.Text;
using System.Text.RegularExpressions;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Tests;

/// <summary><c>docs/errors.md</c>: it has every code, and every example prints what the page says.</summary>
public sealed partial class ErrorsPageTests
{
    private const string Errors = "errors.md";

    /// <summary>
    /// Found by whoever collects the files: the tests of the program see to directories; for commits, the texts are compared with the source.
    /// </summary>
    private const string Directories = "Directories", Commits = "Commits";

    /// <summary>What is too large to be shown.</summary>
    private static readonly Dictionary<string, Func<IEnumerable<PolicyFile>>> Large = new()
    {
        ["file-too-large"] = () => [new("policies/deploy.hcl", Encoding.UTF8.GetBytes(new string('#', (4 * 1024 * 1024) + 1)))],
        ["invalid-encoding"] = () => [new("policies/deploy.hcl", Encoding.Latin1.GetBytes("# f\u00fcr alle\n"))],
        ["nul-character"] = () => [new("policies/deploy.hcl", Encoding.Unicode.GetBytes("# utf-16\n"))],
        ["nesting-too-deep"] = () => [Some.File("policies/deploy.hcl", $"a = {new string('[', 600)}")],
        ["too-many-issuers"] = () =>
            [Some.File("roles/ci.hcl", $"role \"deploy\" {{\n  iss      = [for n in [{string.Join(",", Enumerable.Range(1, 33))}]: "
                + $"\"https://dex-${{n}}.example.com\"]\n  aud      = \"api://DigitalOcean?actx={{actx}}\"\n  sub      = \"deploy\"\n  policies = []\n}}\n")],
        ["bad-token"] = () =>
        [Some.File("tests/deploy.hcl", $"test \"deep\" {{\n  token   = {{ a = {new string('[', 100)}{new string(']', 100)} }}\n  request = {{ path = "
            + $"\"/v2/account\" }}\n  expect  = \"deny\"\n}}\n")],
        ["too-many-files"] = () => Enumerable.Range(0, 100_001).Select(n => Some.File($"policies/p{n:D6}.hcl", "")),
    };

    // what the configuration or a catalog says is not in the files
    public static TheoryData<string> Examples =>
        [.. Page.Sections(Errors).Where(section => section.Under is not (Directories or Commits) && section.Title is not ("unknown-server" or "not-in-catalog")
            && section.Of("text").Any()).Select(section => section.Title)];

    [Theory]
    [MemberData(nameof(Examples))]
    public void An_example_prints_what_the_page_says(string code)
    {
        var section = Page.Sections(Errors).Single(section => section.Title == code);
        var files = Large.TryGetValue(code, out var make) ? [.. make()] : Example.Files(section);

        var result = PolicyCompiler.Compile(files, Some.Options with
        {
            Contexts = ContextRegistry.Of([Some.Context, new("GitHub", "acme"), new("Depot", "acme")]),
            AnyAudienceIssuers = ["https://dex.example.com/dex"],
            PassThroughIssuers = ["https://kubernetes.default.svc"],
            ExternalAudiences = ["sts.amazonaws.com"],
        });

        Assert.Contains(result.Diagnostics, diagnostic => diagnostic.Code == code);
        Page.Expect(Errors, code, 0, "text", Large.ContainsKey(code) ? Cut(Example.Render(result, files)) : Example.Render(result, files));
    }

    [Fact]
    public void Every_code_in_the_source_is_on_the_page()
    {
        var codes = Directory.EnumerateFiles(Path.Combine(Page.Top, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .SelectMany(file => Code().Matches(File.ReadAllText(file))).Select(match => match.Groups[1].Value)
            .SelectMany(code => code == "duplicate-{block}" ? (string[])["duplicate-role", "duplicate-policy", "duplicate-test", "duplicate-local"] : [code])
            .ToHashSet();

        var described = Page.Sections(Errors).Where(section => section.Of("text").Any()).Select(section => section.Title).ToHashSet();

        Assert.True(codes.Count > 100, "the codes are written differently now: this test must learn it");
        Assert.Equal(codes.Order(), described.Order());
    }

    [Fact]
    public void What_is_said_of_a_commit_stands_in_the_source()
    {
        var source = string.Concat(((string[])["PolicyDelivery/Publishing/PolicyTreeReader.cs", "Cli/Input/RevisionTree.cs"])
            .Select(file => File.ReadAllText(Path.Combine(Page.Top, "src/WorkloadProxy", file))));
        foreach (var section in Page.Sections(Errors).Where(section => section.Under == Commits && section.Of("text").Any()))
        {
            var lines = Assert.Single(section.Of("text")).Text.Split('\n');
            var summary = Interpolated().Replace(lines[0][(lines[0].IndexOf(": ", StringComparison.Ordinal) + 2)..], "§").Split('§')
                .MaxBy(part => part.Length)!.Trim();
            Assert.Contains(summary, source, StringComparison.Ordinal);
            if (lines is [.., var last] && last.StartsWith("  = help: ", StringComparison.Ordinal))
                Assert.Contains(last["  = help: ".Length..], source, StringComparison.Ordinal);
        }
    }

    // a diagnostic about a large file shows a large line
    private static string Cut(string text) => string.Join('\n', text.Split('\n').Select(line => line.Length <= 100 ? line : line[..99] + "…"));

    [GeneratedRegex("`[^`]*`")]
    private static partial Regex Interpolated();

    [GeneratedRegex("""(?:\b(?:Error|Warning|Problem|Report|Refuse)\(\s*|DiagnosticSeverity\.\w+,\s*)\$?"([a-z]+(?:-[a-z{}]+)*)"\s*,""")]
    private static partial Regex Code();
}
