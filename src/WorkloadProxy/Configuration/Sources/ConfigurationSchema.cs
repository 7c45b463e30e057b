using System.Globalization;
using System.Text.Json;
using WorkloadProxy.Configuration.Keys;

namespace WorkloadProxy.Configuration.Sources;

/// <summary>The JSON schema of a configuration file, from the table of its keys.</summary>
internal static class ConfigurationSchema
{
    public static void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("$schema", "https://json-schema.org/draft/2020-12/schema");
        json.WriteString("title", "WorkloadProxy configuration");
        json.WriteString("type", "object");
        json.WriteStartObject("properties");
        json.WriteStartObject(ConfigurationKeys.SchemaKey);
        json.WriteString("type", "string");
        json.WriteString("description", "Where editors find this schema; the server ignores it.");
        json.WriteEndObject();
        foreach (var (name, node) in ConfigurationKeys.Kestrel.Children) WriteMember(json, name, node);
        foreach (var section in ConfigurationKeys.Framework.Where(section => section != KestrelKeys.Section))
        {
            json.WriteStartObject(section);
            json.WriteString("description", "ASP.NET Core's own section.");
            json.WriteEndObject();
        }
        foreach (var (name, node) in ConfigurationKeys.Root.Children) WriteMember(json, name, node);
        json.WriteEndObject();
        json.WriteBoolean("additionalProperties", false);
        json.WriteEndObject();
    }

    private static void WriteMember(Utf8JsonWriter json, string name, ConfigurationKeys.Node node)
    {
        json.WriteStartObject(name);
        WriteNode(json, node);
        json.WriteEndObject();
    }

    private static void WriteNode(Utf8JsonWriter json, ConfigurationKeys.Node node)
    {
        if (node is { IsList: true, Any: { } item })
        {
            WriteType(json, "array");
            if (node.Row is { } list)
            {
                WriteDescription(json, list);
                json.WriteStartArray("examples");
                json.WriteRawValue(list.Example);
                json.WriteEndArray();
            }
            WriteMember(json, "items", item);
        }
        else if (node.Any is { } any)
        {
            WriteType(json, "object");
            WriteMember(json, "additionalProperties", any);
        }
        else if (node.Children.Count > 0)
        {
            WriteType(json, "object");
            json.WriteStartObject("properties");
            foreach (var (name, child) in node.Children) WriteMember(json, name, child);
            json.WriteEndObject();
            json.WriteBoolean("additionalProperties", false);
        }
        else if (node.Row is { } row)
        {
            WriteValue(json, row);
        }
    }

    private static void WriteValue(Utf8JsonWriter json, ConfigurationKey row)
    {
        if (row.Choices.Count > 0)
        {
            json.WriteStartArray("enum");
            if (row.Type == KeyType.Flag) json.WriteBooleanValue(true);
            if (row.Type == KeyType.Flag) json.WriteBooleanValue(false);
            foreach (var choice in row.Choices) json.WriteStringValue(choice);
            json.WriteNullValue();
            json.WriteEndArray();
        }
        else
        {
            WriteType(json, row.Type switch { KeyType.Flag => "boolean", KeyType.Json => "object", KeyType.Number
                or KeyType.Size => "integer", _ => "string" });
        }
        if (row.Type is KeyType.Number or KeyType.Size)
        {
            json.WriteNumber("minimum", long.Parse(row.Least!, CultureInfo.InvariantCulture));
            json.WriteNumber("maximum", long.Parse(row.Most!, CultureInfo.InvariantCulture));
        }
        if (row.Type == KeyType.Duration) json.WriteString("pattern", """^(\d+\.)?\d{1,2}:\d{2}:\d{2}(\.\d{1,7})?$""");
        // the list says it already
        if (row.IsList) return;
        WriteDescription(json, row);
        if (row.Default is { } value)
        {
            json.WritePropertyName("default");
            json.WriteRawValue(row.Json(value));
        }
        json.WriteStartArray("examples");
        json.WriteRawValue(row.Example);
        json.WriteEndArray();
    }

    private static void WriteDescription(Utf8JsonWriter json, ConfigurationKey row) => json.WriteString("description", row.Meaning);

    // null means absent wherever there may be a value
    private static void WriteType(Utf8JsonWriter json, string type)
    {
        json.WriteStartArray("type");
        json.WriteStringValue(type);
        json.WriteStringValue("null");
        json.WriteEndArray();
    }
}
