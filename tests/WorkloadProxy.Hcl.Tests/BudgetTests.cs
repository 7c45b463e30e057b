namespace WorkloadProxy.Hcl.Tests;

public sealed class BudgetTests
{
    private static string List(int length) => $"[{string.Join(',', Enumerable.Range(0, length))}]";

    private static string Repeat(string text, int count) => string.Concat(Enumerable.Repeat(text, count));

    public static TheoryData<string> Hungry() => new(
        $"[for a in {List(1000)}: [for b in {List(1000)}: [for c in {List(1000)}: c]]]",
        "[for s in [\"xxxxxxxx\"]: " + Repeat("[for s in [\"${s}${s}\"]: ", 60) + "s" + Repeat("]", 61),
        $"[for a in [{List(1000)}]: [for b in [[for i in a: a]]: [for j in a: b]]]",
        $"\"%{{for a in {List(3000)}}}%{{for b in {List(3000)}}}0123456789%{{endfor}}%{{endfor}}\"",
        $"[for a in {List(20000)}: {List(500)} == {List(500)}]",
        $"[{Repeat("1/7,", 100_000)}]",
        $"[{Repeat("1e900 + 1e-900,", 100_000)}]",
        $"[for a in {List(2000)}: [for b in {List(1000)}: true ? [a, b, \"x\"] : []]]");

    [Theory]
    [MemberData(nameof(Hungry))]
    public void Evaluation_ends_with_its_budget(string expression) => Assert.Contains("evaluation-budget", Samples.Errors(expression, Samples.Context()));

    [Fact]
    public void A_budget_is_spent_over_all_expressions_of_a_context()
    {
        var context = new EvaluationContext { Variables = Samples.Context().Variables, StepsLeft = 5 };
        Assert.Empty(Samples.Errors("n + n", context));
        Assert.Equal(2, context.StepsLeft);
        Assert.Equal(["evaluation-budget"], Samples.Errors("n + n + n", context));
        Assert.Equal(["evaluation-budget"], Samples.Errors("n", context));
    }

    [Fact]
    public void An_error_of_the_budget_is_not_dropped_with_the_branch_that_is_not_taken()
    {
        var context = new EvaluationContext { Variables = Samples.Context().Variables, StepsLeft = 2000 };
        Assert.Contains("evaluation-budget", Samples.Errors($"t ? 1 : [for a in {List(100)}: [for b in {List(100)}: a + b]]", context));
        context = new EvaluationContext { Variables = Samples.Context().Variables, StepsLeft = 2000 };
        Assert.Contains("evaluation-budget", Samples.Errors($"t || [for a in {List(100)}: [for b in {List(100)}: a + b]] == []", context));
    }

    [Fact]
    public void Bytes_are_counted()
    {
        var context = new EvaluationContext { Variables = Samples.Context().Variables, BytesLeft = 100 };
        Assert.Contains("evaluation-budget", Samples.Errors($"\"{new string('x', 60)}${{bar}}\"", context));
    }

    [Fact]
    public void A_value_is_not_nested_deeper_than_a_text_could_be()
    {
        var expression = "[for v in [1]: " + Repeat($"[for v in [{new string('[', 100)}v{new string(']', 100)}]: ", 100) + "v" + Repeat("]", 101);
        Assert.Contains("nesting-too-deep", Samples.Errors(expression, Samples.Context()));
    }

    [Theory]
    [InlineData("1e1001")]
    [InlineData("1e-1001")]
    [InlineData("1e999999999999999999999")]
    public void A_literal_out_of_range_is_an_error(string number) =>
        Assert.Equal("number-out-of-range", Assert.Single(Samples.Parse($"a = {number}\n").Diagnostics).Code);

    [Fact]
    public void A_product_out_of_range_is_an_error() =>
        Assert.Equal(["number-out-of-range"], Samples.Errors(string.Join(" * ", Enumerable.Repeat("1e999", 10)), Samples.Context()));
}
