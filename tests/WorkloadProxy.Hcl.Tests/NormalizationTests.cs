namespace WorkloadProxy.Hcl.Tests;

public sealed class NormalizationTests
{
    [Theory]
    [InlineData("abc", "abc")]
    [InlineData("n\u0303", "\u00F1")]
    [InlineData("e\u0323\u0302", "\u1EC7")]
    [InlineData("e\u0302\u0323", "\u1EC7")] // marks are put in order first
    [InlineData("\u212B", "\u00C5")] // the angstrom sign is a letter
    [InlineData("\u0958", "\u0915\u093C")] // excluded from composition
    [InlineData("\u1112\u1161\u11AB", "\uD55C")]
    [InlineData("\uD558\u11AB", "\uD55C")]
    [InlineData("\u0301", "\u0301")]
    [InlineData("a\u0301\u0301", "\u00E1\u0301")]
    [InlineData("a\u0300\u0301", "\u00E0\u0301")]
    [InlineData("\U0001F600", "\U0001F600")]
    [InlineData("\u1100\uAC00\u11A8", "\u1100\uAC01")]
    public void Text_is_composed(string text, string expected) => Assert.Equal(expected, Normalization.Compose(text));

    [Fact]
    public void A_long_run_of_marks_is_put_in_order_quickly()
    {
        var composed = Normalization.Compose("a" + string.Concat(Enumerable.Repeat("\u0301\u0323", 100_000)));
        Assert.StartsWith("\u1EA1\u0323", composed);
    }

    [Fact]
    public void Equal_strings_are_equal_however_they_are_written() => Assert.Equal(HclValue.True, Samples.Value("\"an\u0303o\" == \"a\u00F1o\""));
}
