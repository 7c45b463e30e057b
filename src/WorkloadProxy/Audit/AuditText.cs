using System.Buffers;
using System.Text.Json;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.Stages;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Audit;

/// <summary>A request's line in the audit, as it follows from what is known of the request.</summary>
internal static class AuditText
{
    /// <summary>Line ends and controls are escaped, and what a person looks for is found as it is.</summary>
    public static JsonWriterOptions Json { get; } = new() { Encoder = ReadableJson.Encoder, SkipValidation = true };

    /// <summary>
    /// One JSON object and a line feed. <paramref name="duration"/> is null for a request that has not ended: what is left of one, should the process end
    /// first.
    /// </summary>
    public static void Write(RequestRecord record, Utf8JsonWriter json, IBufferWriter<byte> output, TimeSpan? duration, AuditDetail detail)
    {
        var whole = detail <= AuditDetail.Untrusted;
        json.WriteStartObject();
        json.WriteString("time"u8, record.Time);
        if (record.RequestId is not null) json.WriteString("request_id"u8, record.RequestId);
        if (record.TraceId is not null) json.WriteString("trace_id"u8, record.TraceId);
        if (record.Client is not null) json.WriteString("client"u8, record.Client);
        if (detail < AuditDetail.Least && (record.Caller?.Token ?? record.Revoked) is { } token) WriteIdentity(json, token, detail);
        else if ((record.Context ?? record.NamedContext) is { } context) json.WriteString("context"u8, Cut(context, detail));
        if (whole && record.Caller is { } caller) WriteGrants(json, caller);
        else if (record.Commit is not null) json.WriteString("commit"u8, record.Commit);
        if (whole && record.CredentialSha256 is not null) WriteAccount(json, record);
        if (record.Upstream is { } upstream) json.WriteString("upstream"u8, Cut(upstream, detail));
        if (record.Method is { } method) json.WriteString("method"u8, CutUntrusted(method, detail));
        if (record.Path is { } path) json.WriteString("path"u8, Cut(CutUntrusted(path, detail), detail));
        if (whole && record.QueryNames is { Count: > 0 } names && (detail == AuditDetail.Full || AreFew(names))) WriteNames(json, names);
        if (whole && record.Mcp is { } mcp) WriteMcp(json, mcp);
        json.WriteString("decision"u8, record.OutcomeText);
        if (whole && record.Rule is { } rule) WriteRule(json, record.Policy, rule);
        if (duration is null) json.WriteString("reason"u8, "process ended"u8);
        else if (record.Reason is not null) json.WriteString("reason"u8, record.Reason);
        if (whole && record.Nearest is not null) WriteNearest(json, record.Nearest);
        if (record.Error is not null) json.WriteString("error"u8, record.Error);
        if (record.Status is { } status) json.WriteNumber("status"u8, status);
        if (duration is { } elapsed) json.WriteNumber("duration"u8, Math.Round(elapsed.TotalSeconds, 6));
        if (record.Bytes is { } bytes) json.WriteNumber("bytes"u8, bytes);
        if (record.TokenSha256 is not null) json.WriteString("token_sha256"u8, record.TokenSha256);
        json.WriteEndObject();
        json.Flush();
        output.Write("\n"u8);
    }

    private static void WriteIdentity(Utf8JsonWriter json, VerifiedToken token, AuditDetail detail)
    {
        var whole = detail <= AuditDetail.Untrusted;
        json.WriteString("context"u8, Cut(token.ContextText, detail));
        json.WriteString("iss"u8, Cut(token.Issuer, detail));
        json.WriteString("sub"u8, Cut(token.Subject, detail));
        if (whole && token.Actor is { } actor)
        {
            json.WritePropertyName("act"u8);
            actor.WriteTo(json);
        }
        if (token.Id is not null) json.WriteString("jti"u8, Cut(token.Id, detail));
        if (whole && token.Run.Length > 0) json.WriteString("run"u8, token.Run);
    }

    private static void WriteGrants(Utf8JsonWriter json, Caller caller)
    {
        json.WriteStartArray("roles"u8);
        foreach (var role in caller.Grants.RoleNames) json.WriteStringValue(role);
        json.WriteEndArray();
        json.WriteString("commit"u8, caller.PolicyVersion);
    }

    private static void WriteAccount(Utf8JsonWriter json, RequestRecord record)
    {
        json.WriteStartObject("account"u8);
        if (record.AccountUuid is not null) json.WriteString("uuid"u8, record.AccountUuid);
        if (record.AccountEmail is not null) json.WriteString("email"u8, record.AccountEmail);
        json.WriteEndObject();
        json.WriteString("credential_sha256"u8, record.CredentialSha256);
    }

    private static void WriteNames(Utf8JsonWriter json, IReadOnlyList<string> names)
    {
        json.WriteStartArray("query"u8);
        for (var i = 0; i < names.Count; i++) json.WriteStringValue(names[i]);
        json.WriteEndArray();
    }

    private static void WriteMcp(Utf8JsonWriter json, McpFacts mcp)
    {
        json.WriteStartObject("mcp"u8);
        mcp.WriteMembers(json);
        json.WriteEndObject();
        if (mcp.Filtered > 0) json.WriteNumber("filtered"u8, mcp.Filtered);
    }

    private static void WriteRule(Utf8JsonWriter json, string? policy, SourceRange rule)
    {
        json.WriteStartObject("rule"u8);
        json.WriteString("policy"u8, policy);
        json.WriteString("file"u8, rule.File);
        json.WriteNumber("line"u8, rule.Start.Line);
        json.WriteEndObject();
    }

    private static void WriteNearest(Utf8JsonWriter json, NearestRole nearest)
    {
        json.WriteStartObject("nearest"u8);
        json.WriteString("role"u8, nearest.Name);
        json.WriteStartArray("failed"u8);
        foreach (var claim in nearest.Failed) json.WriteStringValue(claim);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static string Cut(string text, AuditDetail detail) => CutTo(text, detail switch
    {
        AuditDetail.Full or AuditDetail.Untrusted => int.MaxValue,
        AuditDetail.Brief => 96,
        _ => 24,
    });

    /// <summary>What the caller chose, where nobody authenticated for it.</summary>
    private static string CutUntrusted(string text, AuditDetail detail) => detail == AuditDetail.Untrusted ? CutTo(text, UnauthenticatedLimit.MaxPath) : text;

    private static string CutTo(string text, int most) => text.Length <= most ? text : $"{text.AsSpan(0, most)}…";

    private static bool AreFew(IReadOnlyList<string> names) => names.Sum(name => name.Length + 3) <= UnauthenticatedLimit.MaxPath;
}
