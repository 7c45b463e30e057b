using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Conditions;
using WorkloadProxy.Policies.Deciding;
using WorkloadProxy.Policies.Protobuf;
using WorkloadProxy.Policies.Requests;

namespace WorkloadProxy.Policies;

/// <summary>A body that was read whole and found to be unambiguous JSON, a form or a protobuf message, or absent.</summary>
public sealed class RequestBody
{
    /// <summary>The longest body that is inspected, in bytes; a longer one is 413.</summary>
    public const int MaxLength = 1024 * 1024;

    /// <summary>The deepest nesting of arrays and objects.</summary>
    public const int MaxDepth = 64;

    /// <summary>What a caller is told whose body no rule can read.</summary>
    internal const string NeitherJsonNorForm = "the body is neither JSON nor a form in UTF-8, and a rule must read it";

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = MaxDepth, AllowDuplicateProperties = false };
    /// <summary>One level more, so that the first one too deep is told from text that is not JSON.</summary>
    private static readonly JsonReaderOptions StrictReader = new() { MaxDepth = MaxDepth + 1 };
    private static readonly JsonElement EmptyObject = JsonDocument.Parse("{}").RootElement;

    /// <summary>How an inspection ended.</summary>
    public enum Problem
    {
        /// <summary>It is fine.</summary>
        None,
        /// <summary>400.</summary>
        Malformed,
        /// <summary>415.</summary>
        UnsupportedMediaType,
    }

    private HclValue? value;

    private RequestBody(JsonElement json, QueryParameters? form, bool isAbsent)
    {
        if (!isAbsent) Steps = new StepBudget();
        Json = json;
        Form = form;
        IsAbsent = isAbsent;
    }

    /// <summary>No body at all, which counts as an empty object.</summary>
    public static RequestBody Absent { get; } = new(EmptyObject, null, isAbsent: true);

    /// <summary>Of JSON that was found unambiguous already.</summary>
    internal static RequestBody Of(JsonElement json) => new(json, null, isAbsent: false);

    /// <summary>The JSON object or value, for the exchange; undefined for a form.</summary>
    public JsonElement Json { get; }

    /// <summary>Whether there are no bytes.</summary>
    public bool IsAbsent { get; }

    /// <summary>The form's fields, null when the body is none.</summary>
    internal QueryParameters? Form { get; }

    /// <summary>The message of a protobuf or gRPC body; null when the body is none.</summary>
    internal ReadOnlyMemory<byte>? Protobuf { get; private init; }

    /// <summary>What a decision on it may cost; null for <see cref="Absent"/>, which costs nothing. Kept here so that a decision allocates nothing.</summary>
    internal StepBudget? Steps { get; }

    /// <summary>
    /// As expressions see it, made once: of a megabyte that takes some 100 ms, and a request may meet many conditions. The values of a form are strings.
    /// </summary>
    internal HclValue AsValue() =>
        value ??= Form is { } form ? HclValue.FromMembers(form.Select(field => new KeyValuePair<string, HclValue>(field.Key, HclValue.FromString(field.Value))))
        : ConditionValues.FromJson(Json);

    /// <summary>The body of an exchange.</summary>
    internal static RequestBody OfExchange(string audience, string subject, long? lifetime)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("aud", audience);
            json.WriteString("sub", subject);
            if (lifetime is { } seconds) json.WriteNumber("ttl", seconds);
            json.WriteEndObject();
        }
        return new RequestBody(JsonDocument.Parse(buffer.WrittenMemory).RootElement, null, isAbsent: false);
    }

    /// <summary>A JSON object's copy with one more member.</summary>
    internal RequestBody WithNumber(string name, int value)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            foreach (var member in Json.EnumerateObject()) member.WriteTo(json);
            json.WriteNumber(name, value);
            json.WriteEndObject();
        }
        return new RequestBody(JsonDocument.Parse(buffer.WrittenMemory).RootElement, null, isAbsent: false);
    }

    /// <summary>
    /// Inspects <paramref name="bytes"/> under the request's <c>Content-Type</c> values and <c>Content-Encoding</c>; an empty body is an empty object whatever
    /// its type. False with the kind of problem and a text for the caller.
    /// </summary>
    public static bool TryParse(ReadOnlyMemory<byte> bytes, IReadOnlyList<string> contentTypes, string? contentEncoding,
        [NotNullWhen(true)] out RequestBody? body, out Problem problem, out string? error)
    {
        body = null;
        problem = Problem.None;
        error = null;
        if (bytes.IsEmpty)
        {
            body = Absent;
            return true;
        }
        var media = BodyMediaType.Unsupported;
        if (!string.IsNullOrEmpty(contentEncoding)) error = "the body has a `Content-Encoding`, and a rule must read it";
        else if (contentTypes.Count != 1)
            error = contentTypes.Count == 0 ? "the body has no `Content-Type`, and a rule must read it" : "the request has two `Content-Type` headers";
        else if ((media = BodyMediaTypes.Parse(contentTypes[0])) == BodyMediaType.Unsupported) error = NeitherJsonNorForm;
        if (error is not null)
        {
            problem = Problem.UnsupportedMediaType;
            return false;
        }
        if (media is BodyMediaType.Protobuf or BodyMediaType.Grpc)
            return TryParseProtobuf(bytes, media == BodyMediaType.Grpc, out body, out problem, out error);
        if (media == BodyMediaType.Json ? TryParseJson(bytes, out body, out error) : TryParseForm(bytes.Span, out body, out error)) return true;
        problem = Problem.Malformed;
        return false;
    }

    /// <summary>Inspects JSON whatever the content type says, as <c>/v1/oidc/issue</c> takes it.</summary>
    public static bool TryParseJson(ReadOnlyMemory<byte> bytes, [NotNullWhen(true)] out RequestBody? body, out string? error)
    {
        body = null;
        if (bytes.IsEmpty)
        {
            body = Absent;
            error = null;
            return true;
        }
        error = JsonFault(bytes.Span);
        if (error is not null) return false;
        try
        {
            // a copy of its own, none of it rented: nobody would give it back
            body = new RequestBody(JsonElement.Parse(bytes.Span, Strict), null, isAbsent: false);
            return true;
        }
        catch (JsonException)
        {
            // The first pass read it all, so what is left to object to is a name given twice.
            error = "the body holds an object with a name given twice";
            return false;
        }
    }

    private static bool TryParseProtobuf(ReadOnlyMemory<byte> bytes, bool isFramed, [NotNullWhen(true)] out RequestBody? body, out Problem problem,
        out string? error)
    {
        (body, problem, error) = (null, Problem.None, null);
        var message = bytes;
        if (isFramed && !ProtobufFrame.TryOpen(bytes, out message, out problem, out error)) return false;
        if (ProtobufReader.FaultOf(message.Span) is { } fault)
        {
            (problem, error) = (Problem.Malformed, $"the body is not a protobuf message: {fault}");
            return false;
        }
        body = new RequestBody(default, null, isAbsent: false) { Protobuf = message };
        return true;
    }

    private static bool TryParseForm(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out RequestBody? body, out string? error)
    {
        body = null;
        error = FormFault(bytes);
        if (error is not null) return false;
        var form = QueryParameters.Parse(Encoding.UTF8.GetString(bytes));
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, value) in form)
        {
            // Percent-encoded bytes that are not UTF-8 decode to the replacement character; so does an honest U+FFFD, which nobody needs.
            if (name.Contains('\ufffd') || value.Contains('\ufffd')) error = "the form is not UTF-8 when decoded";
            else if (name.Contains('\0') || value.Contains('\0')) error = "the form holds a NUL";
            else if (!names.Add(name)) error = "the form holds a name given twice";
            if (error is not null) return false;
        }
        body = new RequestBody(default, form, isAbsent: false);
        return true;
    }

    private static string? FormFault(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith(Encoding.UTF8.Preamble)) return "the form begins with a byte-order mark";
        if (!Utf8.IsValid(bytes)) return "the form is not UTF-8";
        for (var i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] == '%' && PercentEncoding.ByteAt(bytes, i) < 0) return "the form holds an invalid percent-encoding";
        }
        return null;
    }

    private static string? JsonFault(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith(Encoding.UTF8.Preamble)) return "the body begins with a byte-order mark";
        if (!Utf8.IsValid(bytes)) return "the body is not UTF-8";
        var reader = new Utf8JsonReader(bytes, StrictReader);
        try
        {
            while (reader.Read())
            {
                var fault = reader.TokenType switch
                {
                    JsonTokenType.StartObject or JsonTokenType.StartArray when reader.CurrentDepth >= MaxDepth => $"the body is nested deeper than {MaxDepth}",
                    JsonTokenType.Number
                        when !HclNumber.TryParse(reader.ValueSpan, out _) => "the body holds a number of over 100 digits or with an exponent beyond ±400",
                    JsonTokenType.String or JsonTokenType.PropertyName
                        when reader.ValueIsEscaped => EscapeFault(reader.ValueSpan, reader.TokenType == JsonTokenType.PropertyName),
                    _ => null,
                };
                if (fault is not null) return fault;
            }
            return null;
        }
        catch (JsonException)
        {
            return "the body is not JSON";
        }
    }

    private static string? EscapeFault(ReadOnlySpan<byte> raw, bool isName) =>
        JsonEscapes.HasLoneSurrogate(raw, out var hasNul) ? "the body holds half a surrogate pair" : hasNul
        && isName ? "the body holds a name with a NUL" : null;
}
