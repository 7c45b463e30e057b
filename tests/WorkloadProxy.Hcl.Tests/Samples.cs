using System.Text;
using System.Text.Json;

namespace WorkloadProxy.Hcl.Tests;

/// <summary>What the tests share: variables, and short ways to parse and evaluate.</summary>
internal static class Samples
{
    private static readonly IReadOnlyDictionary<string, HclValue> Variables = new Dictionary<string, HclValue>
    {
        ["bar"] = Value("\"Bar\""),
        ["space_bar"] = Value("\"  Bar\""),
        ["n"] = Value("3"),
        ["t"] = HclValue.True,
        ["f"] = HclValue.False,
        ["nil"] = HclValue.Null,
        ["words"] = Value("[\"Foo\", \"Bar\", \"Baz\"]"),
        ["nested"] = Value("[[1], [2, 3]]"),
        ["empty"] = Value("[]"),
        ["obj"] = Value("{a = \"A\", b = 2, l = [1, 2], o = {x = true}}"),
        ["objs"] = Value("[{a = \"1\"}, {a = \"2\"}]"),
    };

    /// <summary>A fresh context, with a fresh budget.</summary>
    public static EvaluationContext Context() => new() { Variables = Variables };

    public static HclFile Parse(string text) => HclParser.Parse("test.hcl", Encoding.UTF8.GetBytes(text));

    /// <summary>The expression of <c>a = …</c>, which must parse.</summary>
    public static HclExpression Expression(string text)
    {
        var file = Parse($"a = {text}\n");
        Assert.Empty(file.Diagnostics);
        return file.Body.Attributes.Single().Expression;
    }

    /// <summary>A value from an expression of constants.</summary>
    public static HclValue Value(string text)
    {
        var diagnostics = new List<Diagnostic>();
        var value = Expression(text).Evaluate(new EvaluationContext(), diagnostics);
        Assert.Empty(diagnostics);
        return value!;
    }

    /// <summary>The codes of the errors that evaluation gives.</summary>
    public static IEnumerable<string> Errors(string expression, EvaluationContext context)
    {
        var diagnostics = new List<Diagnostic>();
        var value = Expression(expression).Evaluate(context, diagnostics);
        Assert.Equal(value is null, diagnostics.Count > 0);
        return diagnostics.Select(diagnostic => diagnostic.Code);
    }

    public static string Json(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, HclJson.WriterOptions))
            write(writer);
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>One error as the case files write it.</summary>
    public static string Short(Diagnostic diagnostic)
    {
        var (start, end) = (diagnostic.Range.Start, diagnostic.Range.End);
        return $"{start.Line}:{start.Column}-{end.Line}:{end.Column} {diagnostic.Code}";
    }

    public static IEnumerable<Diagnostic> AllErrors(HclFile file)
    {
        var diagnostics = file.Diagnostics.ToList();
        if (!file.HasErrors)
            Evaluate(file.Body, Context(), diagnostics);
        return diagnostics.OrderBy(diagnostic => diagnostic.Range.Start.Offset);
    }

    private static void Evaluate(HclBody body, EvaluationContext context, List<Diagnostic> diagnostics)
    {
        foreach (var attribute in body.Attributes)
            attribute.Expression.Evaluate(context, diagnostics);
        foreach (var block in body.Blocks)
            Evaluate(block.Body, context, diagnostics);
    }
}
