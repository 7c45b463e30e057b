using System.Diagnostics;
using System.Text;

namespace WorkloadProxy.Hcl.Tests;

public sealed class LimitTests
{
    private static string Repeat(string text, int count) => new StringBuilder(text.Length * count).Insert(0, text, count).ToString();

    private static string Fill(string text) => Repeat(text, HclParser.MaxFileSize / Encoding.UTF8.GetByteCount(text));

    private static Diagnostic OnlyError(ReadOnlyMemory<byte> source) => Assert.Single(HclParser.Parse("test.hcl", source).Diagnostics);

    [Fact]
    public void A_file_over_4_MiB_is_refused()
    {
        Assert.Empty(HclParser.Parse("test.hcl", Encoding.UTF8.GetBytes(Fill("\n"))).Diagnostics);
        Assert.Equal("file-too-large", OnlyError(new byte[HclParser.MaxFileSize + 1]).Code);
    }

    [Theory]
    [InlineData("a = 1\n\xff", 2, 1)]
    [InlineData("a = \"\xc3\xa9\xc3\"\n", 1, 7)]
    [InlineData("# \xed\xa0\x80\n", 1, 3)]
    [InlineData("\xfe\xff", 1, 1)]
    public void A_file_that_is_not_UTF8_is_refused_at_the_first_wrong_byte(string latin1, int line, int column)
    {
        var error = OnlyError(Encoding.Latin1.GetBytes(latin1));
        Assert.Equal(("invalid-encoding", line, column), (error.Code, error.Range.Start.Line, error.Range.Start.Column));
    }

    [Theory]
    [InlineData("a = 1\n\0")]
    [InlineData("a = \"\0\"\n")]
    [InlineData("# \0\n")]
    public void A_file_with_NUL_is_refused(string text) => Assert.Equal("nul-character", OnlyError(Encoding.UTF8.GetBytes(text)).Code);

    [Theory]
    [InlineData("[", "]")]
    [InlineData("(", ")")]
    [InlineData("{a=", "}")]
    [InlineData("-", "")]
    [InlineData("[for x in n: ", "]")]
    [InlineData("\"${", "}\"")]
    [InlineData("f(", ")")]
    [InlineData("x[", "]")]
    [InlineData("t ? ", " : 0")]
    [InlineData("(1 + ", ")")]
    public void Five_hundred_levels_are_read_and_one_more_is_refused(string open, string close)
    {
        Assert.Empty(Samples.Parse($"a = {Repeat(open, 500)}n{Repeat(close, 500)}\n").Diagnostics);
        Assert.Equal("nesting-too-deep", Assert.Single(Samples.Parse($"a = {Repeat(open, 501)}n{Repeat(close, 501)}\n").Diagnostics).Code);
    }

    [Fact]
    public void Blocks_count_as_levels()
    {
        Assert.Empty(Samples.Parse(Repeat("a {\n", 499) + "b = [1]\n" + Repeat("}\n", 499)).Diagnostics);
        Assert.Equal("nesting-too-deep", Assert.Single(Samples.Parse(Repeat("a {\n", 499) + "b = [[1]]\n" + Repeat("}\n", 499)).Diagnostics).Code);
    }

    [Theory]
    [InlineData("[*]")]
    [InlineData("[n]")]
    public void A_chain_that_nests_is_refused_when_it_is_too_long(string step)
    {
        Assert.Empty(Samples.Parse($"a = x{Repeat(step, 500)}\n").Diagnostics);
        Assert.Equal("nesting-too-deep", Assert.Single(Samples.Parse($"a = x{Repeat(step, 501)}\n").Diagnostics).Code);
    }

    [Fact]
    public void Directives_count_as_levels() =>
        Assert.Equal("nesting-too-deep", Assert.Single(Samples.Parse($"a = \"{Repeat("%{if t}", 501)}{Repeat("%{endif}", 501)}\"\n").Diagnostics).Code);

    [Fact]
    public void A_long_chain_of_operators_or_attributes_does_not_nest()
    {
        Assert.Equal(Samples.Value("100001"), Samples.Value("1" + Repeat(" + 1", 100_000)));
        Assert.Equal(Samples.Value("true"), Samples.Value("true" + Repeat(" && true || false", 50_000)));
        Assert.Empty(Samples.Parse("a = x" + Repeat(".y", 100_000) + "\n").Diagnostics);
    }

    [Fact]
    public void What_is_read_is_evaluated_on_a_small_stack()
    {
        var texts = new[] { Repeat("[", 500) + Repeat("]", 500), Repeat("(1 + ", 500) + "1" + Repeat(")", 500), Repeat("t ? 0 + 1 * (", 249) + "1"
            + Repeat(") : 0", 249) };
        var errors = new List<Diagnostic>();
        var references = 0;
        var thread = new Thread(() =>
        {
            foreach (var text in texts)
            {
                var file = Samples.Parse($"a = {text}\n");
                errors.AddRange(file.Diagnostics);
                file.Body.Attributes[0].Expression.Evaluate(Samples.Context(), errors);
                references += file.Body.Attributes[0].Expression.References().Count();
            }
        }, 1536 * 1024); // .NET's own for a thread of the pool
        thread.Start();
        thread.Join();
        Assert.Empty(errors);
        Assert.Equal(249, references);
    }

    [Theory]
    [InlineData("a=\n")]
    [InlineData("a=1\n")]
    [InlineData("@")]
    [InlineData("}\n")]
    [InlineData("a = \"\\q\"\n")]
    public void A_file_of_errors_has_a_hundred_diagnostics(string line) => Assert.InRange(Samples.Parse(Fill(line)).Diagnostics.Length, 1, 100);

    // Quadratic work on any of these would take minutes; the bound only tells the two apart.
    [Theory]
    [InlineData("a = ", "[")]
    [InlineData("", "/*")]
    [InlineData("a = ", "1.")]
    [InlineData("a = ", "\"${")]
    [InlineData("a = ", "x[")]
    [InlineData("a = ", "-")]
    [InlineData("a = <<-E\n", " \n")]
    [InlineData("a = \"", "$")]
    [InlineData("a = \"", "\u0301")]
    [InlineData("a = ", "\u00e9 ")]
    [InlineData("", "a \"b\" ")]
    [InlineData("a = [", "\n")]
    public void Four_MiB_of_anything_are_read_in_linear_time(string start, string text)
    {
        var source = Encoding.UTF8.GetBytes((start + Fill(text))[..(HclParser.MaxFileSize / 3)]);
        var watch = Stopwatch.StartNew();
        HclParser.Parse("test.hcl", source);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(60));
    }

    [Fact]
    public void Half_a_million_attributes_are_read()
    {
        var text = new StringBuilder();
        for (var i = 0; i < 400_000; i++)
            text.Append('a').Append(i.ToString("x")).Append("=1\n");
        var file = Samples.Parse(text.ToString());
        Assert.Empty(file.Diagnostics);
        Assert.Equal(400_000, file.Body.Attributes.Length);
    }
}
