using System.Text.RegularExpressions;

namespace WorkloadProxy.EndToEnd.Tests;

/// <summary>What the source has, the pages have: keys, error ids, metrics, audit fields, start-up failures; and links lead somewhere.</summary>
public sealed partial class DocumentationPagesTests
{
    private static readonly DocumentationPage Operations = DocumentationPage.Read("docs/operations.md");

    [Fact]
    public void Every_setting_has_its_row()
    {
        var tables = ((string[])["General", "Upstream", "Issuer", "Policy", "Credential", "Service"])
            .Select(name => Source($"Configuration/Keys/{name}Keys.cs"));
        var keys = Key().Matches(string.Concat(tables)).Select(match => match.Groups[1].Value.Replace(":*:", ":NAME:", StringComparison.Ordinal))
            .Select(key => key.EndsWith(":#", StringComparison.Ordinal) ? key[..^2] : key.EndsWith(":*", StringComparison.Ordinal) ? $"{key[..^1]}NAME" : key)
            .ToHashSet();

        var rows = Operations.FirstColumn("Configuration").SelectMany(cell => Quoted().Matches(cell)).Select(match => match.Groups[1].Value).ToHashSet();

        Assert.True(keys.Count > 50, "the keys are written differently now: this test must learn it");
        Assert.Equal(keys.Order(), rows.Order());
    }

    [Fact]
    public void Every_error_id_has_its_row()
    {
        var ids = ErrorId().Matches(Source("Requests/ErrorResponse.cs")).Select(match => match.Groups[1].Value).ToHashSet();

        Assert.Equal(16, ids.Count);
        Assert.Equal(ids.Order(), Operations.FirstColumn("Errors").Select(cell => cell.Trim('`')).Order());
    }

    [Fact]
    public void Every_metric_and_every_audit_field_and_every_health_component_has_its_row()
    {
        var sources = AllSources();
        var metrics = Metric().Matches(sources).Select(match => match.Groups[1].Value).Distinct();
        var fields = Field().Matches(Source("Audit/AuditText.cs")).Select(match => match.Groups[1].Value).Distinct().Except(["policy", "file", "line"]);

        Assert.Equal(metrics.Order(), Operations.FirstColumn("Metrics and traces").Select(cell => cell.Trim('`')).Order());
        Assert.Equal(fields.Order(), Operations.FirstColumn("Logs and audit").SelectMany(cell => Quoted().Matches(cell)).Select(match => match.Groups[1].Value)
            .Order());
        Assert.Equal(["audit", "credentials", "policy_sets", "signing_keys", "store"], Operations.FirstColumn("Health").Select(cell => cell.Trim('`')).Order());
    }

    [Fact]
    public void Every_start_up_failure_has_its_row()
    {
        var rows = Plain(string.Join('\n', Operations.FirstColumn("Start-up failures")));

        var missing = Failure().Matches(AllSources()).Select(match => Plain(Hole().Replace(match.Groups[1].Value, "…")))
            .SelectMany(text => text.Split("…").Select(part => part.Trim(' ', ':')).Where(part => part.Length > 8).Take(1))
            .Where(part => !rows.Contains(part, StringComparison.Ordinal)).ToList();

        Assert.Empty(missing);

        static string Plain(string text) => text.Replace("`", "", StringComparison.Ordinal);
    }

    [Fact]
    public void The_tests_that_the_threat_model_names_exist()
    {
        var named = TestName().Matches(DocumentationPage.Read("docs/architecture.md").Text).Select(match => match.Groups[1].Value).Distinct().ToList();
        var there = Directory.EnumerateFiles(Path.Combine(Repository.Top, "tests"), "*Tests.cs", SearchOption.AllDirectories)
            .Select(Path.GetFileNameWithoutExtension).ToHashSet();

        Assert.True(named.Count > 20);
        Assert.Equal([], named.Except(there));
    }

    [Fact]
    public void Every_link_leads_to_a_file()
    {
        var pages = Directory.EnumerateFiles(Path.Combine(Repository.Top, "docs"), "*.md", SearchOption.AllDirectories)
            .Concat(["README.md", "CONTRIBUTING.md"]);
        var broken = new List<string>();
        foreach (var page in pages.Select(page => Path.GetRelativePath(Repository.Top, Path.Combine(Repository.Top, page))))
        {
            var folder = Path.GetDirectoryName(Path.Combine(Repository.Top, page))!;
            foreach (Match link in Link().Matches(DocumentationPage.Read(page).Text))
            {
                var target = link.Groups[1].Value;
                if (target.Contains("://", StringComparison.Ordinal)) continue;
                var file = target.Split('#')[0];
                if (file.Length > 0 && !Path.Exists(Path.Combine(folder, file))) broken.Add($"{page}: {target}");
                var of = file.Length == 0 ? page : Path.GetRelativePath(Repository.Top, Path.Combine(folder, file));
                if (target.Contains('#') && of.EndsWith(".md", StringComparison.Ordinal) && File.Exists(Path.Combine(Repository.Top, of))
                    && !Anchors(of).Contains(target.Split('#')[1]))
                    broken.Add($"{page}: {target}");
            }
        }
        Assert.Empty(broken);
    }

    private static HashSet<string> Anchors(string page) =>
        [.. DocumentationPage.Read(page).Text.Split('\n').Where(line => line.StartsWith('#'))
            .Select(line => NoAnchor().Replace(line.TrimStart('#').Trim().ToLowerInvariant(), "").Replace(' ', '-'))];

    private static string Source(string file) => File.ReadAllText(Path.Combine(Repository.Top, "src/WorkloadProxy", file));

    private static string AllSources() =>
        string.Join('\n', Directory.EnumerateFiles(Path.Combine(Repository.Top, "src/WorkloadProxy"), "*.cs", SearchOption.AllDirectories)
        .Where(file => !file.Contains("/obj/", StringComparison.Ordinal)).Select(File.ReadAllText));

    [GeneratedRegex("""^\s*new\("([A-Za-z:*#]+)", KeyType\.""", RegexOptions.Multiline)]
    private static partial Regex Key();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Quoted();

    [GeneratedRegex("""new\(\d+, "([a-z_]+)", failure\)""")]
    private static partial Regex ErrorId();

    [GeneratedRegex("Create\\w+(?:<\\w+>)?\\(\"(workload_proxy\\.[a-z_.]+)\"")]
    private static partial Regex Metric();

    [GeneratedRegex("""Of\("([a-z0-9_]+)"\)""")]
    private static partial Regex Field();

    [GeneratedRegex("""new StartException\((?:\w+ \? )?\$?"((?:[^"{]|\{[^}]*\})+)"[,)]""")]
    private static partial Regex Failure();

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Hole();

    [GeneratedRegex("`([A-Za-z0-9]+Tests)`")]
    private static partial Regex TestName();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("[^a-z0-9 _-]")]
    private static partial Regex NoAnchor();
}
