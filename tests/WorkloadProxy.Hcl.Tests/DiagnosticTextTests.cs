using System.Text;

namespace WorkloadProxy.Hcl.Tests;

public sealed class DiagnosticTextTests
{
    private static string Render(string text)
    {
        var file = Samples.Parse(text);
        return string.Join('\n', Samples.AllErrors(file).Select(diagnostic => DiagnosticText.Render(diagnostic, file.Source.Span)));
    }

    [Fact]
    public void The_place_is_underlined() => Assert.Equal(
        """
        error[missing-newline]: found a comma after the attribute's value, where a newline is expected
         --> test.hcl:2:16
          |
        2 |   a = "a value", b = "b value"
          |                ^
          = help: attributes are separated by newlines; remove the comma

        """,
        Render("x {\n  a = \"a value\", b = \"b value\"\n}\n"));

    [Theory]
    [InlineData("\ta =\t]", "1 | \ta =\t]\n  | \t   \t^\n")]
    [InlineData("a = \"日本\" ]", "1 | a = \"日本\" ]\n  |            ^\n")]
    [InlineData("a = nope.x", "1 | a = nope.x\n  |     ^^^^\n")]
    [InlineData("a = [1, 2", "1 | a = [1, 2\n  |     ^\n")]
    [InlineData("a = ", "1 | a = \n  |     ^\n")]
    [InlineData("a = (\"x\ny\")", "1 | a = (\"x\n  |        ^\n")]
    [InlineData("a = ]\r\n", "1 | a = ]\n  |     ^\n")]
    public void Tabs_wide_characters_and_line_ends_keep_the_caret_in_its_place(string text, string expected) => Assert.Contains(expected, Render(text));

    [Fact]
    public void A_long_line_is_cut_around_the_place()
    {
        var lines = Render($"a = [{string.Concat(Enumerable.Repeat("\"xxxx\", ", 1000))} @, {string.Concat(Enumerable.Repeat("1, ", 1000))}]\n").Split('\n');
        Assert.InRange(lines[3].Length, 100, 130);
        Assert.StartsWith("1 | …", lines[3]);
        Assert.EndsWith("…", lines[3]);
        Assert.Equal('@', lines[3][lines[4].IndexOf('^', StringComparison.Ordinal)]);
    }

    [Fact]
    public void Control_characters_do_not_reach_the_terminal()
    {
        var text = Render("a = \"\u001b[31m\u202e\" ]\n");
        Assert.DoesNotContain('\u001b', text);
        Assert.DoesNotContain('\u202e', text);
        var named = new Diagnostic(DiagnosticSeverity.Warning, "x", "found `\u001b[2J`", "help\u0007",
            new SourceRange("a\u001bb.hcl", new(0, 1, 1), new(0, 1, 1)));
        Assert.Equal("warning[x]: found `\uFFFD[2J`\n --> a\uFFFDb.hcl:1:1\n  = help: help\uFFFD\n", DiagnosticText.Render(named, default));
    }

    [Fact]
    public void The_JSON_form_has_every_field()
    {
        var file = Samples.Parse("é = [\"x\"] 1\nb = wrds\n");
        Assert.Equal(
            """{"diagnostics":[{"severity":"error","code":"missing-newline","summary":"expected a newline after the attribute's value","help":"put what follows on its own line","file":"test.hcl","line":1,"column":11,"length":1}]}""",
            Samples.Json(writer => Assert.False(HclJson.Write(writer, file, Samples.Context()))));
    }

    [Fact]
    public void An_error_of_evaluation_is_JSON_too()
    {
        var file = Samples.Parse("b {\n  c = wrds\n}\n");
        Assert.Equal(
            """{"diagnostics":[{"severity":"error","code":"unknown-variable","summary":"there is no variable `wrds`","help":"did you mean `words`?","file":"test.hcl","line":2,"column":7,"length":4}]}""",
            Samples.Json(writer => Assert.False(HclJson.Write(writer, file, Samples.Context()))));
    }

    [Fact]
    public void The_length_is_that_of_the_first_line()
    {
        var file = Samples.Parse("a = [\n  1\n] + 1\n");
        var diagnostic = Assert.Single(Samples.AllErrors(file));
        Assert.Equal("invalid-operand", diagnostic.Code);
        Assert.Equal(1, diagnostic.Range.FirstLineLength(file.Source.Span));
    }
}
