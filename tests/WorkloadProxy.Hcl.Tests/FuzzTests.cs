using System.Text;

namespace WorkloadProxy.Hcl.Tests;

/// <summary>Seeded, so that what fails once fails again; the seed is part of the message.</summary>
public sealed class FuzzTests
{
    private static readonly string[] Tokens =
    [
        "a", "b", "x", "n", "obj", "words", "=", "=", "{", "}", "[", "]", "(", ")", "\"", "\"", "\n", "\n", ",", ".", "..", "...", "*", "+", "-", "/", "%", "!",
        "?", ":", "::", "=>",
        "==", "!=", "<", "<=", ">", ">=", "&&", "||", "1", "0", "2.5", "1e3", "${", "%{", "~}", "${~", "$", "$$", "$${", "%%{", "\\n", "\\", "\\u00e9", "\\q",
        "# c\n", "// d\n", "/* e */",
        "<<E\n", "E\n", "\nE\n", "<<-E\n", "  ", "\t", "true", "null", "for", "in", "if", "else", "endif", "endfor", "é", "e\u0301", "👩‍👩‍👧‍👦", "\r\n", "\r",
            "“", ";", "`", "'", "&", "~", "@",
        "\"abc\"", "block \"l\" {\n", "a = ", "b = ", "\uFEFF", "\u0915\u094D\u0937",
    ];

    private const string Valid = """
        # a policy
        path "/v2/{actx}/*" {
          capabilities = ["read", true ? "list" : nope]
          allowed_parameters = { "?" = { tag_name = "my-${n + 1}" }, (bar) = [for i, w in words: w if i > 0] }
          note = <<-EOT
            %{ for w in words ~}
            * ${w}
            %{~ endfor }
            EOT
        }
        b "l" m { c = objs[*].a[0].b.*.d }
        d = -(1 + 2.5e3 % 7) >= 4 || !t && f(x, y...) == obj["a"].l.0
        é = "👩‍👩‍👧‍👦 \u00e9 $${x}"
        """;

    private static void Check(byte[] source, string what)
    {
        try
        {
            var file = HclParser.Parse("f", source);
            foreach (var diagnostic in file.Diagnostics)
            {
                AssertWithin(diagnostic.Range, 0, source.Length, what);
                Assert.NotEmpty(DiagnosticText.Render(diagnostic, source));
                Assert.True(diagnostic.Range.FirstLineLength(source) >= 0);
            }
            Body(file.Body, file.HasErrors, source.Length, what);
            Samples.Json(writer => HclJson.Write(writer, file, Samples.Context()));
        }
        catch (Exception exception) when (exception is not Xunit.Sdk.IAssertionException)
        {
            Assert.Fail($"{what}: {exception}\n{Convert.ToBase64String(source)}");
        }
    }

    private static void Body(HclBody body, bool hasErrors, int length, string what)
    {
        AssertWithin(body.Range, 0, length, what);
        Assert.Equal(body.Attributes.Length, body.Attributes.Select(attribute => attribute.Name).Distinct().Count());
        foreach (var attribute in body.Attributes)
        {
            AssertWithin(attribute.Range, 0, length, what);
            if (!hasErrors)
            {
                AssertWithin(attribute.Range, body.Range.Start.Offset, body.Range.End.Offset, what);
                AssertWithin(attribute.Expression.Range, attribute.NameRange.End.Offset, attribute.Range.End.Offset, what);
                foreach (var reference in attribute.Expression.References())
                    AssertWithin(reference.Range, attribute.Expression.Range.Start.Offset, attribute.Expression.Range.End.Offset, what);
                var diagnostics = new List<Diagnostic>();
                var value = attribute.Expression.Evaluate(Samples.Context(), diagnostics);
                Assert.Equal(value is null, diagnostics.Count > 0);
                foreach (var diagnostic in diagnostics)
                    AssertWithin(diagnostic.Range, attribute.Expression.Range.Start.Offset, attribute.Expression.Range.End.Offset, what);
            }
        }
        foreach (var block in body.Blocks)
        {
            AssertWithin(block.Range, 0, length, what);
            Body(block.Body, hasErrors, length, what);
        }
    }

    private static void AssertWithin(SourceRange range, int start, int end, string what)
    {
        Assert.True(range.Start.Offset >= start && range.Start.Offset <= range.End.Offset && range.End.Offset <= end,
            $"{what}: {range.Start.Offset}..{range.End.Offset} is not within {start}..{end}");
        Assert.True(range.Start.Line >= 1 && range.Start.Column >= 1
            && (range.End.Line, range.End.Column).CompareTo((range.Start.Line, range.Start.Column)) >= 0, what);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Random_bytes_are_read(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < 2000; i++)
        {
            var bytes = new byte[random.Next(60)];
            random.NextBytes(bytes);
            if (i % 2 == 0)
                bytes = [.. bytes.Select(b => (byte)(b % 95 + 32))];
            Check(bytes, $"seed {seed}, file {i}");
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    public void Random_tokens_are_read(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < 3000; i++)
        {
            var text = new StringBuilder(i % 2 == 0 ? "a = " : "");
            for (var count = random.Next(1, 30); count > 0; count--)
                text.Append(Tokens[random.Next(Tokens.Length)]).Append(random.Next(3) == 0 ? " " : "");
            Check(Encoding.UTF8.GetBytes(text.ToString()), $"seed {seed}, file {i}");
        }
    }

    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    public void A_valid_file_with_random_changes_is_read(int seed)
    {
        Assert.Empty(Samples.Parse(Valid).Diagnostics);
        var random = new Random(seed);
        for (var i = 0; i < 2000; i++)
        {
            var text = new StringBuilder(Valid);
            for (var count = random.Next(1, 4); count > 0; count--)
            {
                var at = random.Next(text.Length);
                if (random.Next(2) == 0)
                    text.Insert(at, Tokens[random.Next(Tokens.Length)]);
                else
                    text.Remove(at, Math.Min(random.Next(1, 8), text.Length - at));
            }
            Check(Encoding.UTF8.GetBytes(text.ToString()), $"seed {seed}, file {i}");
        }
    }

    [Fact]
    public void A_literal_that_is_written_out_is_read_back()
    {
        var random = new Random(7);
        for (var i = 0; i < 500; i++)
        {
            var value = Generate(random, 4);
            Assert.Equal(value, Samples.Value(Write(value)));
        }
    }

    private static HclValue Generate(Random random, int depth) => random.Next(depth > 0 ? 7 : 5) switch
    {
        0 => HclValue.Null,
        1 => HclValue.FromBool(random.Next(2) == 0),
        2 => HclValue.FromNumber(random.NextInt64()),
        3 => HclNumber.TryParse($"{random.Next()}.{random.Next()}e{random.Next(-300, 300)}", out var number) ? HclValue.FromNumber(number) : HclValue.Null,
        4 => HclValue.FromString(Text(random)),
        5 => HclValue.FromItems([.. Enumerable.Range(0, random.Next(4)).Select(_ => Generate(random, depth - 1))]),
        _ => HclValue.FromMembers(Enumerable.Range(0, random.Next(4)).Select(_ => KeyValuePair.Create(Text(random), Generate(random, depth - 1)))),
    };

    private static string Text(Random random) =>
        Normalization.Compose(string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => Tokens[random.Next(Tokens.Length)])));

    private static string Write(HclValue value) => value.Kind switch
    {
        HclValueKind.Null => "null",
        HclValueKind.Bool => value.AsBool ? "true" : "false",
        HclValueKind.Number => value.AsNumber.ToString(),
        HclValueKind.String => Quote(value.AsString),
        HclValueKind.Tuple => $"[{string.Join(", ", value.Items.Select(Write))}]",
        _ => $"{{{string.Join(", ", value.Members.Select(member => $"{Quote(member.Key)} = {Write(member.Value)}"))}}}",
    };

    private static string Quote(string text) =>
        $"\"{text.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n").Replace("\r", "\\r").Replace("\t", "\\t").Replace("${", "$${").Replace("%{", "%%{")}\"";
}
