using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies;

/// <summary>HCL values as JSON: numbers exactly, members in the order of their names.</summary>
internal static class HclJson
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void Write(Utf8JsonWriter writer, HclValue value)
    {
        switch (value.Kind)
        {
            case HclValueKind.Bool: writer.WriteBooleanValue(value.AsBool); break;
            case HclValueKind.Number: writer.WriteRawValue(value.AsNumber.ToString()); break;
            case HclValueKind.String: writer.WriteStringValue(value.AsString); break;
            case HclValueKind.Tuple:
                writer.WriteStartArray();
                foreach (var item in value.Items) Write(writer, item);
                writer.WriteEndArray();
                break;
            case HclValueKind.Object:
                writer.WriteStartObject();
                foreach (var (name, member) in value.Members)
                {
                    writer.WritePropertyName(name);
                    Write(writer, member);
                }
                writer.WriteEndObject();
                break;
            default: writer.WriteNullValue(); break;
        }
    }

    public static byte[] Bytes(HclValue value)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Plain)) Write(writer, value);
        return stream.ToArray();
    }

    /// <summary>For people.</summary>
    public static string Text(HclValue value) => Encoding.UTF8.GetString(Bytes(value));

    /// <summary><c>a string</c>, <c>an object</c>: for "found … , expected …".</summary>
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
