using System.Text.Encodings.Web;
using System.Text.Json;

namespace WorkloadProxy.Cli.Output;

/// <summary>JSON for programs that read a command's output.</summary>
internal static class JsonOutput
{
    private static readonly JsonWriterOptions indented = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void WriteJson(this Terminal terminal, Action<Utf8JsonWriter> write)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, indented)) write(json);
        terminal.WriteJson(bytes.ToArray());
    }
}
