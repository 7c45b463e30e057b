using System.Text.Json;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Publishing;

namespace WorkloadProxy.Health;

/// <summary>The answer of <c>/health/ready</c>: status code and JSON. Pure.</summary>
internal sealed record HealthReport(int StatusCode, byte[] Json)
{
    private const int MostDiagnostics = 20;

    /// <summary>The process answers: more is not asked of liveness, or a slow disk would have it killed.</summary>
    public static HealthReport Live { get; } = new(200, """{"status":"ok"}"""u8.ToArray());

    /// <summary>By component; contexts, sources, versions and errors only with <paramref name="details"/>.</summary>
    public static HealthReport Ready(HealthFacts facts, bool details)
    {
        var policySets = facts.PolicySources.Select(Status).DefaultIfEmpty(HealthStatus.Ok).Max();
        var whole = facts.Components.Select(component => component.Status).Append(policySets).Max();
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, ReadableJson.Options))
        {
            json.WriteStartObject();
            json.WriteString("status", Name(whole));
            json.WriteStartObject("components");
            foreach (var component in facts.Components)
            {
                json.WriteStartObject(component.Name);
                json.WriteString("status", Name(component.Status));
                if (details && component.Detail is not null) json.WriteString("detail", component.Detail);
                json.WriteEndObject();
            }
            json.WriteStartObject("policy_sets");
            json.WriteString("status", Name(policySets));
            if (details) WriteContexts(json, facts.PolicySources);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return new(whole == HealthStatus.Unavailable ? 503 : 200, bytes.ToArray());
    }

    private static void WriteContexts(Utf8JsonWriter json, IReadOnlyList<PolicySourceStatus> sources)
    {
        json.WriteStartArray("contexts");
        foreach (var source in sources)
        {
            json.WriteStartObject();
            json.WriteString("context", source.Context.ToString());
            json.WriteString("status", Name(Status(source)));
            json.WriteString("source", source.Source);
            json.WriteString("version", source.Version);
            WriteTime(json, "since", source.Since);
            if (source.LastError is { } error) WriteError(json, error);
            else json.WriteNull("last_error");
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteError(Utf8JsonWriter json, PolicySourceError error)
    {
        json.WriteStartObject("last_error");
        WriteTime(json, "time", error.Time);
        json.WriteString("message", error.Message);
        json.WriteStartArray("diagnostics");
        foreach (var diagnostic in error.Diagnostics.OrderBy(diagnostic => diagnostic.Severity).Take(MostDiagnostics))
        {
            json.WriteStartObject();
            json.WriteString("severity", PolicyDiagnostics.Severity(diagnostic));
            json.WriteString("code", diagnostic.Code);
            json.WriteString("summary", diagnostic.Summary);
            json.WriteString("help", diagnostic.Help);
            json.WriteString("file", diagnostic.Range.File);
            json.WriteNumber("line", diagnostic.Range.Start.Line);
            json.WriteNumber("column", diagnostic.Range.Start.Column);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteTime(Utf8JsonWriter json, string name, DateTimeOffset? time)
    {
        if (time is { } value) json.WriteString(name, Rfc3339.Text(value));
        else json.WriteNull(name);
    }

    /// <summary>While a last good set serves, a broken source is no reason to take the server out of service.</summary>
    private static HealthStatus Status(PolicySourceStatus source) => source switch
    {
        { Version: null } => HealthStatus.Unavailable,
        { LastError: not null } => HealthStatus.Degraded,
        _ => HealthStatus.Ok,
    };

    private static string Name(HealthStatus status) => status switch
    {
        HealthStatus.Ok => "ok",
        HealthStatus.Degraded => "degraded",
        _ => "unavailable",
    };
}
