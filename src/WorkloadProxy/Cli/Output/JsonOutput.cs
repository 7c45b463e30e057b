using System.Text.Json;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Cli.Output;

/// <summary>JSON for programs that read a command's output.</summary>
internal static class JsonOutput
{
    private static readonly JsonWriterOptions indented = new() { Indented = true, Encoder = ReadableJson.Encoder };

    public static void WriteJson(this Terminal terminal, Action<Utf8JsonWriter> write)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, indented)) write(json);
        terminal.WriteJson(bytes.ToArray());
    }

    /// <summary>What a program that reads the output gets in place of it: <c>{"error": …}</c>.</summary>
    public static void WriteJsonError(this Terminal terminal, string message) => terminal.WriteJson(json =>
    {
        json.WriteStartObject();
        json.WriteString("error", message);
        json.WriteEndObject();
    });
}
