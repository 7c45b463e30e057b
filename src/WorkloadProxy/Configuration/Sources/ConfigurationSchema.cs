using System.Text.Json;

namespace WorkloadProxy.Configuration.Sources;

/// <summary>The JSON schema of a configuration file, from the table of its keys.</summary>
internal static class ConfigurationSchema
{
    // What a value of few may be. A test holds each of these against the reading of it.
    internal static readonly IReadOnlyDictionary<string, string[]> Choices = new Dictionary<string, string[]>(StringComparer.Ordinal)
    {
        ["Upstreams:*:Kind"] = ["http", "digitalocean", "atproto", "mcp"],
        ["Upstreams:*:Version"] = ["1.1", "2"],
        ["Upstreams:*:HostHeader"] = ["public"],
        ["Tokens:Algorithm"] = ["RS256", "ES256"],
        ["Health:Details"] = ["loopback", "never"],
        ["Policies:#:Hosted:ObjectFormat"] = ["sha1", "sha256"],
    };

    public static void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("$schema", "https://json-schema.org/draft/2020-12/schema");
        json.WriteString("title", "WorkloadProxy configuration");
        json.WriteString("type", "object");
        json.WriteStartObject("properties");
        json.WriteStartObject(ConfigurationKeys.SchemaKey);
        json.WriteString("type", "string");
        json.WriteEndObject();
        foreach (var (name, node) in KestrelKeys.Root.Children) WriteMember(json, name, node, name);
        foreach (var section in ConfigurationKeys.Framework.Where(section => section != KestrelKeys.Section))
        {
            json.WriteStartObject(section);
            json.WriteString("description", "ASP.NET Core's own section.");
            json.WriteEndObject();
        }
        foreach (var (name, node) in ConfigurationKeys.Root.Children) WriteMember(json, name, node, name);
        json.WriteEndObject();
        json.WriteBoolean("additionalProperties", false);
        json.WriteEndObject();
    }

    private static void WriteMember(Utf8JsonWriter json, string name, ConfigurationKeys.Node node, string key)
    {
        json.WriteStartObject(name);
        WriteNode(json, node, key);
        json.WriteEndObject();
    }

    private static void WriteNode(Utf8JsonWriter json, ConfigurationKeys.Node node, string key)
    {
        if (node is { IsList: true, Any: { } item })
        {
            WriteType(json, "array");
            WriteMember(json, "items", item, key + ":#");
            WriteExample(json, node.Example);
        }
        else if (node.Any is { } any)
        {
            WriteType(json, "object");
            WriteMember(json, "additionalProperties", any, key + ":*");
        }
        else if (node.Children.Count > 0)
        {
            WriteType(json, "object");
            json.WriteStartObject("properties");
            foreach (var (name, child) in node.Children) WriteMember(json, name, child, $"{key}:{name}");
            json.WriteEndObject();
            json.WriteBoolean("additionalProperties", false);
        }
        else
        {
            WriteValue(json, node.Example, key);
        }
    }

    private static void WriteValue(Utf8JsonWriter json, string? example, string key)
    {
        if (Choices.TryGetValue(key, out var choices))
        {
            json.WriteStartArray("enum");
            foreach (var choice in choices) json.WriteStringValue(choice);
            json.WriteNullValue();
            json.WriteEndArray();
        }
        else
        {
            WriteType(json, example switch { "true" or "false" => "boolean", ['{', ..] => "object", { Length: > 0 } number when char.IsAsciiDigit(number[0]) => "integer", _ => "string" });
        }
        WriteExample(json, example);
    }

    // null stands for absent wherever a value may stand
    private static void WriteType(Utf8JsonWriter json, string type)
    {
        json.WriteStartArray("type");
        json.WriteStringValue(type);
        json.WriteStringValue("null");
        json.WriteEndArray();
    }

    private static void WriteExample(Utf8JsonWriter json, string? example)
    {
        if (example is null) return;
        json.WriteStartArray("examples");
        json.WriteRawValue(example);
        json.WriteEndArray();
    }
}
