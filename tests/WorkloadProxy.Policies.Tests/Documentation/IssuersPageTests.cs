namespace WorkloadProxy.Policies.Tests;

/// <summary>
/// <c>docs/issuers.md</c>: every role compiles without a warning, and every test of it passes; both what it takes and what it refuses is shown.
/// </summary>
public sealed class IssuersPageTests
{
    private const string Issuers = "issuers.md";

    public static TheoryData<string> Sections => [.. Page.Sections(Issuers).Where(section => section.Of("hcl").Any()).Select(section => section.Title)];

    [Theory]
    [MemberData(nameof(Sections))]
    public void A_role_takes_its_pipeline_and_nobody_else(string title)
    {
        var files = Example.Files(Page.Sections(Issuers).Single(section => section.Title == title));
        var compiled = PolicyCompiler.Compile(files, Some.Options);
        Assert.Equal("", Example.Render(compiled, files));
        var tests = PolicyTestRunner.Run(compiled.Set!, Some.Now);
        Assert.All(tests.Results, test => Assert.True(test.Passed, $"test `{test.Name}`: {test.Reason}"));
        Assert.True(tests.Results.Length >= 2);
    }

    /// <summary>What the table says pins a tenant is what the compiler's table has, and an issuer that belongs to one organization is not in it.</summary>
    [Fact]
    public void The_table_has_every_section()
    {
        var text = File.ReadAllLines(Path.Combine(Page.Top, "docs", Issuers));
        var rows = text.Where(line => line.StartsWith("| [", StringComparison.Ordinal)).Select(line => line[3..line.IndexOf(']', StringComparison.Ordinal)]);
        Assert.Equal(Page.Sections(Issuers).Where(section => section.Of("hcl").Any()).Select(section => section.Title), rows);
    }
}
