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
        json.WriteString(Member.Time, record.Time);
        if (record.RequestId is not null) json.WriteString(Member.RequestId, record.RequestId);
        if (record.TraceId is not null) json.WriteString(Member.TraceId, record.TraceId);
        if (record.Client is not null) json.WriteString(Member.Client, record.Client);
        if (detail < AuditDetail.Least && (record.Caller?.Token ?? record.Revoked) is { } token) WriteIdentity(json, token, detail);
        else if ((record.Context ?? record.NamedContext) is { } context) json.WriteString(Member.Context, Cut(context, detail));
        if (whole && record.Caller is { } caller) WriteGrants(json, caller);
        else if (record.Commit is not null) json.WriteString(Member.Commit, record.Commit);
        if (whole && record.CredentialSha256 is not null) WriteAccount(json, record);
        if (record.Upstream is { } upstream) json.WriteString(Member.Upstream, Cut(upstream, detail));
        if (record.Method is { } method) json.WriteString(Member.Method, CutUntrusted(method, detail));
        if (record.Path is { } path) json.WriteString(Member.Path, Cut(CutUntrusted(path, detail), detail));
        if (whole && record.QueryNames is { Count: > 0 } names && (detail == AuditDetail.Full || AreFew(names))) WriteNames(json, names);
        if (whole && record.Mcp is { } mcp) WriteMcp(json, mcp);
        json.WriteString(Member.Decision, record.OutcomeText);
        if (whole && record.Rule is { } rule) WriteRule(json, record.Policy, rule);
        if (duration is null) json.WriteString(Member.Reason, "process ended"u8);
        else if (record.Reason is not null) json.WriteString(Member.Reason, record.Reason);
        if (whole && record.Nearest is not null) WriteNearest(json, record.Nearest);
        if (record.Error is not null) json.WriteString(Member.Error, record.Error);
        if (record.Status is { } status) json.WriteNumber(Member.Status, status);
        if (duration is { } elapsed) json.WriteNumber(Member.Duration, Math.Round(elapsed.TotalSeconds, 6));
        if (record.Bytes is { } bytes) json.WriteNumber(Member.Bytes, bytes);
        if (record.TokenSha256 is not null) json.WriteString(Member.TokenSha256, record.TokenSha256);
        json.WriteEndObject();
        json.Flush();
        output.Write("\n"u8);
    }

    private static void WriteIdentity(Utf8JsonWriter json, VerifiedToken token, AuditDetail detail)
    {
        var whole = detail <= AuditDetail.Untrusted;
        json.WriteString(Member.Context, Cut(token.ContextText, detail));
        json.WriteString(Member.Iss, Cut(token.Issuer, detail));
        json.WriteString(Member.Sub, Cut(token.Subject, detail));
        if (whole && token.Actor is { } actor)
        {
            json.WritePropertyName(Member.Act);
            actor.WriteTo(json);
        }
        if (token.Id is not null) json.WriteString(Member.Jti, Cut(token.Id, detail));
        if (whole && token.Run.Length > 0) json.WriteString(Member.Run, token.Run);
    }

    private static void WriteGrants(Utf8JsonWriter json, Caller caller)
    {
        json.WriteStartArray(Member.Roles);
        foreach (var role in caller.Grants.RoleNames) json.WriteStringValue(role);
        json.WriteEndArray();
        json.WriteString(Member.Commit, caller.PolicyVersion);
    }

    private static void WriteAccount(Utf8JsonWriter json, RequestRecord record)
    {
        json.WriteStartObject(Member.Account);
        if (record.AccountUuid is not null) json.WriteString(Member.Uuid, record.AccountUuid);
        if (record.AccountEmail is not null) json.WriteString(Member.Email, record.AccountEmail);
        json.WriteEndObject();
        json.WriteString(Member.CredentialSha256, record.CredentialSha256);
    }

    private static void WriteNames(Utf8JsonWriter json, IReadOnlyList<string> names)
    {
        json.WriteStartArray(Member.Query);
        for (var i = 0; i < names.Count; i++) json.WriteStringValue(names[i]);
        json.WriteEndArray();
    }

    private static void WriteMcp(Utf8JsonWriter json, McpFacts mcp)
    {
        json.WriteStartObject(Member.Mcp);
        mcp.WriteMembers(json);
        json.WriteEndObject();
        if (mcp.Filtered > 0) json.WriteNumber(Member.Filtered, mcp.Filtered);
    }

    private static void WriteRule(Utf8JsonWriter json, string? policy, SourceRange rule)
    {
        json.WriteStartObject(Member.Rule);
        json.WriteString(Member.Policy, policy);
        json.WriteString(Member.File, rule.File);
        json.WriteNumber(Member.Line, rule.Start.Line);
        json.WriteEndObject();
    }

    private static void WriteNearest(Utf8JsonWriter json, NearestRole nearest)
    {
        json.WriteStartObject(Member.Nearest);
        json.WriteString(Member.Role, nearest.Name);
        json.WriteStartArray(Member.Failed);
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

    private static string CutTo(string text, int most) => text.Length <= most ? text : $"{text.AsSpan(0, most - 1)}…";

    private static bool AreFew(IReadOnlyList<string> names) => names.Sum(name => name.Length + 3) <= UnauthenticatedLimit.MaxPath;

    /// <summary>The names of a line's members, encoded once: each is written twice a request.</summary>
    private static class Member
    {
        public static readonly JsonEncodedText Time = Of("time"), RequestId = Of("request_id"), TraceId = Of("trace_id"), Client = Of("client"),
            Context = Of("context"), Commit = Of("commit"), Upstream = Of("upstream"), Method = Of("method"), Path = Of("path"),
            Decision = Of("decision"), Reason = Of("reason"), Error = Of("error"), Status = Of("status"), Duration = Of("duration"),
            Bytes = Of("bytes"), TokenSha256 = Of("token_sha256"), Iss = Of("iss"), Sub = Of("sub"), Act = Of("act"), Jti = Of("jti"),
            Run = Of("run"), Roles = Of("roles"), Account = Of("account"), Uuid = Of("uuid"), Email = Of("email"),
            CredentialSha256 = Of("credential_sha256"), Query = Of("query"), Mcp = Of("mcp"), Filtered = Of("filtered"), Rule = Of("rule"),
            Policy = Of("policy"), File = Of("file"), Line = Of("line"), Nearest = Of("nearest"), Role = Of("role"), Failed = Of("failed");

        private static JsonEncodedText Of(string name) => JsonEncodedText.Encode(name);
    }
}
