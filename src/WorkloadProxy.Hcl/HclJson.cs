using System.Text.Json;

namespace WorkloadProxy.Hcl;

/// <summary>
/// A file, or what is wrong with it, as JSON. The writer must be made with <see cref="WriterOptions"/>: files may be nested deeper than a writer permits on its
/// own.
/// </summary>
public static class HclJson
{
    /// <summary>Options for a writer that takes any file.</summary>
    public static JsonWriterOptions WriterOptions { get; } = new() { MaxDepth = 8 * HclParser.MaxDepth, Encoder = ReadableJson.Encoder };

    /// <summary>
    /// Writes <c>{"body":{"attributes":{…},"blocks":[{"type","labels","body"}]}}</c> with every attribute evaluated, and returns true; or, after an error in
    /// syntax or evaluation, <c>{"diagnostics":[…]}</c>, and returns false.
    /// </summary>
    public static bool Write(Utf8JsonWriter writer, HclFile file, EvaluationContext context)
    {
        var diagnostics = file.Diagnostics.ToList();
        var values = new Queue<HclValue>();
        // Evaluated in whole before the first byte is written.
        if (!file.HasErrors)
            Evaluate(file.Body, context, values, diagnostics);
        if (diagnostics.Any(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error))
        {
            WriteDiagnostics(writer, diagnostics.Take(DiagnosticList.Limit), _ => file.Source);
            return false;
        }
        writer.WriteStartObject();
        writer.WritePropertyName("body");
        WriteBody(writer, file.Body, values);
        writer.WriteEndObject();
        return true;
    }

    /// <summary>
    /// Writes <c>{"diagnostics":[{"severity","code","summary","help","file","line","column","length"}]}</c>. Lines and columns count from 1, in grapheme
    /// clusters; <c>length</c> is that of the part on the first line, for which <paramref name="source"/> gives a file's text (or an empty one, if it is not
    /// known).
    /// </summary>
    public static void WriteDiagnostics(Utf8JsonWriter writer, IEnumerable<Diagnostic> diagnostics, Func<string, ReadOnlyMemory<byte>> source)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("diagnostics");
        foreach (var diagnostic in diagnostics)
            WriteDiagnostic(writer, diagnostic, source(diagnostic.Range.File).Span);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    /// <summary>Writes one diagnostic, as <see cref="WriteDiagnostics"/> does.</summary>
    public static void WriteDiagnostic(Utf8JsonWriter writer, Diagnostic diagnostic, ReadOnlySpan<byte> source)
    {
        writer.WriteStartObject();
        WriteMembers(writer, diagnostic, source);
        writer.WriteEndObject();
    }

    /// <summary>Writes the members of one diagnostic into an object that the caller began.</summary>
    public static void WriteMembers(Utf8JsonWriter writer, Diagnostic diagnostic, ReadOnlySpan<byte> source)
    {
        writer.WriteString("severity", diagnostic.Severity == DiagnosticSeverity.Error ? "error" : "warning");
        writer.WriteString("code", diagnostic.Code);
        writer.WriteString("summary", diagnostic.Summary);
        writer.WriteString("help", diagnostic.Help);
        writer.WriteString("file", diagnostic.Range.File);
        writer.WriteNumber("line", diagnostic.Range.Start.Line);
        writer.WriteNumber("column", diagnostic.Range.Start.Column);
        writer.WriteNumber("length", diagnostic.Range.FirstLineLength(source));
    }

    /// <summary>Writes a value; its numbers exactly, in plain decimal digits. A function's own result has no form in JSON.</summary>
    public static void WriteValue(Utf8JsonWriter writer, HclValue value)
    {
        switch (value.Kind)
        {
            case HclValueKind.Null:
                writer.WriteNullValue();
                break;
            case HclValueKind.Bool:
                writer.WriteBooleanValue(value.AsBool);
                break;
            case HclValueKind.Number:
                writer.WriteRawValue(value.AsNumber.ToString(), skipInputValidation: true);
                break;
            case HclValueKind.String:
                writer.WriteStringValue(value.AsString);
                break;
            case HclValueKind.Tuple:
                writer.WriteStartArray();
                foreach (var item in value.Items)
                    WriteValue(writer, item);
                writer.WriteEndArray();
                break;
            case HclValueKind.Object:
                writer.WriteStartObject();
                foreach (var (name, member) in value.Members)
                {
                    writer.WritePropertyName(name);
                    WriteValue(writer, member);
                }
                writer.WriteEndObject();
                break;
            default:
                throw new ArgumentException("a function's result has no form in JSON", nameof(value));
        }
    }

    private static void Evaluate(HclBody body, EvaluationContext context, Queue<HclValue> values, List<Diagnostic> diagnostics)
    {
        foreach (var attribute in body.Attributes)
        {
            if (diagnostics.Count >= DiagnosticList.Limit)
                return;
            if (attribute.Expression.Evaluate(context, diagnostics) is { } value)
                values.Enqueue(value);
        }
        foreach (var block in body.Blocks)
            Evaluate(block.Body, context, values, diagnostics);
    }

    private static void WriteBody(Utf8JsonWriter writer, HclBody body, Queue<HclValue> values)
    {
        writer.WriteStartObject();
        writer.WriteStartObject("attributes");
        foreach (var attribute in body.Attributes)
        {
            writer.WritePropertyName(attribute.Name);
            WriteValue(writer, values.Dequeue());
        }
        writer.WriteEndObject();
        writer.WriteStartArray("blocks");
        foreach (var block in body.Blocks)
        {
            writer.WriteStartObject();
            writer.WriteString("type", block.Type);
            writer.WriteStartArray("labels");
            foreach (var label in block.Labels)
                writer.WriteStringValue(label.Value);
            writer.WriteEndArray();
            writer.WritePropertyName("body");
            WriteBody(writer, block.Body, values);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}
