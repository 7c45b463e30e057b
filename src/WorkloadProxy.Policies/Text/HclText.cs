using System.Text;
using System.Text.Json;
using WorkloadProxy.Policies.Parameters;

namespace WorkloadProxy.Policies.Text;

/// <summary>Values as HCL source, for what is shown to an author to be pasted.</summary>
internal static class HclText
{
    public static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            quoted.Append(c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                '$' or '%' when i + 1 < text.Length && text[i + 1] == '{' => $"{c}{c}",
                _ when char.IsControl(c) => $"\\u{(int)c:x4}",
                _ => c.ToString(),
            });
        }
        return quoted.Append('"').ToString();
    }

    public static string Object(IEnumerable<(string Name, string Value)> members)
    {
        var text = string.Join(", ", members.Select(member => $"{Quote(member.Name)} = {member.Value}"));
        return text.Length == 0 ? "{}" : $"{{ {text} }}";
    }

    /// <summary>The constraint that this value of a request alone meets; <paramref name="value"/> is text for a query or a form.</summary>
    public static string Literal(in ParameterValue value)
    {
        if (value.AsString is { } text) return text.Contains('*') ? $"exact({Quote(text)})" : Quote(text);
        if (value.IsObject) return Object(value.Members.Select(member => (member.Name, Literal(member.Value))));
        if (!value.IsArray) return value.ScalarText ?? "any()";
        var items = new List<string>();
        foreach (var element in value.Items)
        {
            items.Add(element.ValueKind is JsonValueKind.Array ? "any()" : Literal(ParameterValue.Of(element)));
        }
        return items.Count == 0 ? "any()" : $"[{string.Join(", ", items.Distinct())}]";
    }
}
