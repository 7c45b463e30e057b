using System.Collections.Immutable;

namespace WorkloadProxy.Hcl.Tests;

/// <summary>What a host reads from the tree: ranges, references, functions.</summary>
public sealed class TreeTests
{
    [Fact]
    public void Ranges_are_half_open_and_count_bytes_lines_and_characters()
    {
        var file = Samples.Parse("\uFEFFé = \"👩‍👩‍👧‍👦\" # x\nblock \"l\" m {\n\tb = [\n  1]\n}\n");
        var attribute = file.Body.Attributes[0];
        Assert.Equal(new SourceRange("test.hcl", new(3, 1, 1), new(5, 1, 2)), attribute.NameRange);
        Assert.Equal(new SourceRange("test.hcl", new(8, 1, 5), new(35, 1, 8)), attribute.Expression.Range);
        Assert.Equal(new SourceRange("test.hcl", new(3, 1, 1), new(35, 1, 8)), attribute.Range);
        var block = file.Body.Blocks[0];
        Assert.Equal((2, 1, 2, 6), (block.TypeRange.Start.Line, block.TypeRange.Start.Column, block.TypeRange.End.Line, block.TypeRange.End.Column));
        Assert.Equal((7, 10), (block.Labels[0].Range.Start.Column, block.Labels[0].Range.End.Column));
        Assert.Equal((5, 2), (block.Range.End.Line, block.Range.End.Column));
        Assert.Equal((3, 6, 4, 5), (block.Body.Attributes[0].Expression.Range.Start.Line, block.Body.Attributes[0].Expression.Range.Start.Column,
            block.Body.Attributes[0].Expression.Range.End.Line, block.Body.Attributes[0].Expression.Range.End.Column));
        Assert.Equal("test.hcl:2:1", block.Range.ToString());
    }

    [Fact]
    public void A_bare_key_is_a_literal()
    {
        var expression = Assert.IsType<HclObjectExpression>(Samples.Expression("{ a = 1, \"b\" = 2, (n) = 3, true = 4 }"));
        Assert.Equal(["a", "b", "true"], expression.Items.Select(item => item.Key).OfType<HclLiteralExpression>().Select(key => key.Value.AsString));
    }

    [Theory]
    [InlineData("a.b[\"c\"].d[0].e", "a: b c d")]
    [InlineData("a[\"b\"][x].c", "a: b, x:")]
    [InlineData("[for k, v in a.b: k + v.x + c if d]", "a: b, c:, d:")]
    [InlineData("{for v in v: v => w}", "v:, w:")]
    [InlineData("a ? b.c : f(d...)", "a:, b: c, d:")]
    [InlineData("\"${a}%{if b.x}${c}%{endif}%{for y in z}${y}%{endfor}\"", "a:, b: x, c:, z:")]
    [InlineData("(a).b + -c + !d", "a:, c:, d:")]
    [InlineData("a[*].b + a.*.c", "a:, a:")]
    [InlineData("{a = b, (c) = d}", "b:, c:, d:")]
    [InlineData("[1, \"a\", true]", "")]
    public void References_are_found_but_not_bound_names(string expression, string expected) => Assert.Equal(
        expected,
        string.Join(", ", Samples.Expression(expression).References().Select(reference => $"{reference.Root}: {string.Join(' ', reference.Steps)}".TrimEnd())));

    [Fact]
    public void A_function_gets_its_arguments_and_its_result_is_the_value()
    {
        HclValue? Join(ImmutableArray<HclValue> arguments, out string? error)
        {
            error = arguments.IsEmpty ? "`join` needs an argument" : null;
            return arguments.IsEmpty ? null : HclValue.FromString(string.Join('-', arguments.Select(argument => argument.AsString)));
        }
        var context = new EvaluationContext { Variables = Samples.Context().Variables, Functions = new Dictionary<string, HclFunction> { ["join"] = Join } };
        var diagnostics = new List<Diagnostic>();
        Assert.Equal("x-Foo-Bar-Baz", Samples.Expression("join(\"x\", words...)").Evaluate(context, diagnostics)!.AsString);
        Assert.Null(Samples.Expression("join()").Evaluate(context, diagnostics));
        Assert.Null(Samples.Expression("joyn(1)").Evaluate(context, diagnostics));
        Assert.Null(Samples.Expression("join(1...)").Evaluate(context, diagnostics));
        Assert.Null(Samples.Expression("join(nope)").Evaluate(context, diagnostics));
        Assert.Equal(
            [
                ("function-failed", "`join` needs an argument", (string?)null),
                ("unknown-function", "there is no function `joyn`", "did you mean `join`?"),
                ("invalid-expansion", "only a list can be expanded by `...`, but found a number", "remove the `...`, or put the value into a list"),
                ("unknown-variable", "there is no variable `nope`",
                    "known are `bar`, `empty`, `f`, `n`, `nested`, `nil`, `obj`, `objs`, `space_bar`, `t`, `words`"),
            ],
            diagnostics.Select(diagnostic => (diagnostic.Code, diagnostic.Summary, diagnostic.Help)));
    }

    [Theory]
    [InlineData("any() == any()")]
    [InlineData("any() + 1")]
    [InlineData("\"x${any()}\"")]
    [InlineData("any().x")]
    [InlineData("any() ? 1 : 2")]
    [InlineData("!any()")]
    [InlineData("true ? any() : 1")]
    [InlineData("{(any()) = 1}")]
    [InlineData("words[any()]")]
    public void An_opaque_value_takes_part_in_no_operator(string expression)
    {
        HclValue? Any(ImmutableArray<HclValue> arguments, out string? error)
        {
            error = null;
            return HclValue.FromOpaque("secret");
        }
        var context = new EvaluationContext { Variables = Samples.Context().Variables, Functions = new Dictionary<string, HclFunction> { ["any"] = Any } };
        Assert.Single(Samples.Errors(expression, context));
        Assert.Equal("secret", Samples.Expression("[any()][0]").Evaluate(context, new List<Diagnostic>())!.Opaque);
    }

    [Fact]
    public void Members_are_ordered_by_code_points_and_the_last_of_a_name_counts()
    {
        var value = Samples.Value("{ \"\\uffee\" = 1, \"\\U0001F600\" = 2, b = 3, a = 4, B = 5, b = 6 }");
        Assert.Equal(["B", "a", "b", "\uffee", "\U0001F600"], value.Members.Keys);
        Assert.Equal(6, value.Members["b"].AsNumber);
        Assert.False(value.Members.ContainsKey("c"));
    }

    [Fact]
    public void Without_variables_a_name_is_refused_as_such() =>
        Assert.Equal(["variables-not-allowed"], Samples.Errors("foo", new EvaluationContext()));

    [Fact]
    public void A_suggestion_is_made_for_a_name_that_is_nearly_right_and_a_few_known_names_are_listed_for_another()
    {
        var diagnostics = new List<Diagnostic>();
        Samples.Expression("wrds").Evaluate(Samples.Context(), diagnostics);
        Samples.Expression("zzzzz").Evaluate(Samples.Context(), diagnostics);
        Assert.Equal(["did you mean `words`?", "known are `bar`, `empty`, `f`, `n`, `nested`, `nil`, `obj`, `objs`, `space_bar`, `t`, `words`"],
            diagnostics.Select(diagnostic => diagnostic.Help));
    }
}
