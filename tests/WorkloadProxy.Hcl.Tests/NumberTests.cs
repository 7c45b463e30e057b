namespace WorkloadProxy.Hcl.Tests;

public sealed class NumberTests
{
    private static HclNumber Number(string text) => HclNumber.TryParse(text, out var number) ? number : throw new FormatException(text);

    [Theory]
    [InlineData("0", "0")]
    [InlineData("-0", "0")]
    [InlineData("-1.50", "-1.5")]
    [InlineData("1e3", "1000")]
    [InlineData("1E+3", "1000")]
    [InlineData("120e-3", "0.12")]
    [InlineData("9007199254740993", "9007199254740993")]
    [InlineData("123456789012345678901234567890.10", "123456789012345678901234567890.1")]
    [InlineData("-0.001", "-0.001")]
    public void A_number_is_read_and_written(string text, string expected)
    {
        Assert.Equal(expected, Number(text).ToString());
        Assert.True(HclNumber.TryParse(System.Text.Encoding.UTF8.GetBytes(text), out var fromBytes));
        Assert.Equal(Number(text), fromBytes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData("+1")]
    [InlineData("1.")]
    [InlineData(".5")]
    [InlineData("1.e3")]
    [InlineData("1e")]
    [InlineData("1e+")]
    [InlineData("1 ")]
    [InlineData(" 1")]
    [InlineData("1.2.3")]
    [InlineData("0x10")]
    [InlineData("Infinity")]
    [InlineData("NaN")]
    [InlineData("1_000")]
    [InlineData("١")]
    [InlineData("1e401")]
    [InlineData("1e-401")]
    [InlineData("1e99999999999999999999")]
    public void Other_text_is_refused(string text) => Assert.False(HclNumber.TryParse(text, out _));

    [Fact]
    public void A_number_of_over_100_digits_is_refused()
    {
        Assert.True(HclNumber.TryParse(new string('1', 100), out _));
        Assert.False(HclNumber.TryParse(new string('1', 101), out _));
        Assert.False(HclNumber.TryParse("0." + new string('0', 100), out _));
    }

    [Fact]
    public void Numbers_compare_by_value()
    {
        Assert.Equal(Number("1.0"), Number("1"));
        Assert.Equal(Number("100"), Number("1e2"));
        Assert.Equal(Number("1e2").GetHashCode(), Number("100.0").GetHashCode());
        Assert.NotEqual(Number("9007199254740993"), Number("9007199254740992"));
        string[] ordered = ["-1e3", "-2", "-0.1", "0", "1e-300", "0.5", "1", "1.5", "2", "10", "1e300"];
        Assert.Equal(ordered, ordered.Reverse().OrderBy(Number).ToArray());
    }

    [Theory]
    [InlineData("9223372036854775807", true)]
    [InlineData("-9223372036854775808", true)]
    [InlineData("9223372036854775808", false)]
    [InlineData("1.5", false)]
    [InlineData("1e18", true)]
    [InlineData("1e400", false)]
    public void A_number_is_an_integer_if_it_fits(string text, bool fits)
    {
        Assert.Equal(fits, Number(text).TryGetInt64(out var value));
        if (fits)
            Assert.Equal(Number(text), (HclNumber)value);
    }

    [Theory]
    [InlineData("1 / 3", "0.333333333333333333")]
    [InlineData("1 / 7", "0.142857142857142857")]
    [InlineData("1e300 / 3", "33333333333333333333")]
    [InlineData("2e-300 / 3", "0.000")]
    public void A_quotient_has_about_154_digits(string expression, string start)
    {
        var text = Samples.Value(expression).AsNumber.ToString();
        Assert.StartsWith(start, text);
        Assert.InRange(text.Trim('0', '.').Length, 153, 302);
    }

    [Theory]
    [InlineData("1 / 0")]
    [InlineData("0 / 0")]
    [InlineData("1 % 0")]
    public void Division_by_zero_is_an_error(string expression) => Assert.Equal(["division-by-zero"], Samples.Errors(expression, new EvaluationContext()));
}
