using System.Text.Json;

namespace WorkloadProxy.Hcl.Tests;

/// <summary>
/// The tables under <c>Cases/</c>. Values and ranges are those of HashiCorp's library, except for what is different on purpose: numbers are exact decimals; the
/// errors of later attributes are told though an earlier one was broken; an index without its <c>]</c> is reported where the bracket is missed, not where
/// parsing goes on.
/// </summary>
public sealed class CaseTests
{
    private const string Arrow = "  ==>  ";

    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Cases");

    public static TheoryData<string, string> Expressions()
    {
        var data = new TheoryData<string, string>();
        foreach (var line in File.ReadLines(Path.Combine(Folder, "expressions.txt")))
        {
            var arrow = line.IndexOf(Arrow, StringComparison.Ordinal);
            if (arrow >= 0)
                data.Add(line[..arrow], line[(arrow + Arrow.Length)..]);
        }
        return data;
    }

    public static TheoryData<string, string, string> Files()
    {
        var data = new TheoryData<string, string, string>();
        foreach (var section in File.ReadAllText(Path.Combine(Folder, "files.txt")).Split("\n=== ").Skip(1))
        {
            var name = section[..section.IndexOf('\n', StringComparison.Ordinal)];
            var dashes = section.IndexOf("\n---\n", StringComparison.Ordinal);
            data.Add(name, Unescape(section[(name.Length + 1)..(dashes + 1)]), section[(dashes + 5)..].TrimEnd('\n'));
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Expressions))]
    public void An_expression_has_its_value_or_its_errors(string expression, string expected)
    {
        var file = Samples.Parse($"a = {expression}\n");
        if (expected.StartsWith("! ", StringComparison.Ordinal))
        {
            Assert.Equal(expected[2..], string.Join(", ", Samples.AllErrors(file).Select(Samples.Short)));
            return;
        }
        var json = Samples.Json(writer => Assert.True(HclJson.Write(writer, file, Samples.Context())));
        AssertJson($$$"""{"body":{"attributes":{"a":{{{expected}}}},"blocks":[]}}""", json);
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void A_file_has_its_content_or_its_errors(string name, string text, string expected)
    {
        var file = Samples.Parse(text);
        if (!expected.StartsWith('{'))
        {
            Assert.Equal(expected, string.Join('\n', Samples.AllErrors(file).Select(Samples.Short)));
            return;
        }
        var json = Samples.Json(writer => Assert.True(HclJson.Write(writer, file, Samples.Context()), name));
        AssertJson(expected, json);
    }

    private static void AssertJson(string expected, string actual)
    {
        using var expectedDocument = JsonDocument.Parse(expected);
        using var actualDocument = JsonDocument.Parse(actual);
        Assert.True(JsonElement.DeepEquals(expectedDocument.RootElement, actualDocument.RootElement), $"expected {expected}\nbut got  {actual}");
    }

    private static string Unescape(string text) =>
        text.Replace("\\\\", "\0").Replace("\\\n", "").Replace("\\r", "\r").Replace("\\t", "\t").Replace("\\ufeff", "\uFEFF").Replace("\\u2003", "\u2003")
            .Replace('\0', '\\');
}
