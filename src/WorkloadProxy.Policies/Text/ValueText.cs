using System.Text;
using System.Text.Json;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Text;

/// <summary>Values in words and in JSON, for messages and for what is made of them.</summary>
internal static class ValueText
{
    /// <summary>In JSON, for people.</summary>
    public static string Of(HclValue value) => Encoding.UTF8.GetString(Json(value));

    /// <summary>In JSON, UTF-8.</summary>
    public static byte[] Json(HclValue value)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, HclJson.WriterOptions)) HclJson.WriteValue(writer, value);
        return stream.ToArray();
    }

    /// <summary><c>a string</c>, <c>an object</c>: for "is …, expected …".</summary>
    public static string Kind(HclValue value) => value.Kind switch
    {
        HclValueKind.Null => "null",
        HclValueKind.Bool => "a bool",
        HclValueKind.Number => "a number",
        HclValueKind.String => "a string",
        HclValueKind.Tuple => "a list",
        HclValueKind.Object => "an object",
        _ => "a constraint of `allowed_parameters`",
    };
}
