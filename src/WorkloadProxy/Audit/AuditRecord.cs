using System.Buffers;
using System.Text.Json;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Audit;

/// <summary>
/// The one record of a request: begun before anything is decided, filled in as the request goes its way, written on every exit. Identities come
/// from verified tokens alone; there is no member that could hold a token, a body, a query value or a credential.
/// </summary>
internal sealed class AuditRecord
{
    public required DateTimeOffset Time { get; init; }
    /// <summary><c>TimeProvider.GetTimestamp()</c> at the beginning.</summary>
    public required long Started { get; init; }
    public string? RequestId { get; init; }
    public string? TraceId { get; set; }
    public string? Client { get; set; }
    public string? Method { get; set; }
    public string? Path { get; set; }
    public IReadOnlyList<string>? QueryNames { get; set; }
    public string? Upstream { get; set; }
    public Caller? Caller { get; set; }
    /// <summary>The context and its policy set's commit, where an API token led to them and no caller names them.</summary>
    public string? Context { get; set; }
    /// <summary>The context that somebody named who has not proved to be of it. Written as <see cref="Context"/> is, but it takes the request from no limit.</summary>
    public string? NamedContext { get; set; }
    public string? Commit { get; set; }
    /// <summary>Whose API token it was, where one led to the context, and the token's SHA-256: who pushed a policy.</summary>
    public string? AccountUuid { get; set; }
    public string? AccountEmail { get; set; }
    public string? CredentialSha256 { get; set; }
    /// <summary>The token that was revoked; a request has either this or a caller.</summary>
    public VerifiedToken? Revoked { get; set; }
    public AuditDecision Decision { get; set; } = AuditDecision.Deny;
    public string? Policy { get; set; }
    public SourceRange? Rule { get; set; }
    public string? Reason { get; set; }
    /// <summary>Of a denial for want of a role: which one came nearest, and the names of the claims that failed. The caller is never told.</summary>
    public NearestRole? Nearest { get; set; }
    /// <summary>The <c>error</c> id that the caller was told.</summary>
    public string? Error { get; set; }
    public int? Status { get; set; }
    /// <summary>Bytes of the response's body, where they are known.</summary>
    public long? Bytes { get; set; }
    /// <summary>The slot of the in-flight trail that holds this record, −1 for none.</summary>
    public int InFlightSlot { get; set; } = -1;
    /// <summary>The place among the requests under way that this one holds.</summary>
    public InFlightShare? Share { get; set; }
    /// <summary>Of a call of an MCP server; else null.</summary>
    public McpAudit? Mcp { get; set; }
    /// <summary>SHA-256 of a minted token, lower-case hexadecimal.</summary>
    public string? TokenSha256 { get; set; }

    /// <summary>The record is in the audit already: what was minted is not handed out before.</summary>
    public bool Written { get; set; }

    /// <summary><c>allow</c>, <c>deny</c>, <c>pass</c> or <c>public</c>.</summary>
    public string DecisionText => Decision switch { AuditDecision.Allow => "allow", AuditDecision.Pass => "pass", AuditDecision.Public => "public", _ => "deny" };

    /// <summary>How records are written: line ends and controls are escaped, and what a person looks for is found as it is.</summary>
    public static JsonWriterOptions Json { get; } = new() { Encoder = ReadableJson.Encoder, SkipValidation = true };

    /// <summary>
    /// One JSON object and a line feed. <paramref name="duration"/> is null for a request that has not ended, <paramref name="detail"/> less than full where there is little room.
    /// </summary>
    public void Write(Utf8JsonWriter json, IBufferWriter<byte> output, TimeSpan? duration, AuditDetail detail = AuditDetail.Full)
    {
        json.WriteStartObject();
        json.WriteString("time"u8, Time);
        if (RequestId is not null) json.WriteString("request_id"u8, RequestId);
        if (TraceId is not null) json.WriteString("trace_id"u8, TraceId);
        if (Client is not null) json.WriteString("client"u8, Client);
        if (detail < AuditDetail.Least && (Caller?.Token ?? Revoked) is { } token) WriteIdentity(json, token, detail);
        else if ((Context ?? NamedContext) is { } context) json.WriteString("context"u8, Cut(context, detail));
        if (detail == AuditDetail.Full && Caller is { } caller) WriteGrants(json, caller);
        else if (Commit is not null) json.WriteString("commit"u8, Commit);
        if (detail == AuditDetail.Full && CredentialSha256 is not null) WriteAccount(json);
        if (Upstream is not null) json.WriteString("upstream"u8, Cut(Upstream, detail));
        if (Method is not null) json.WriteString("method"u8, Method);
        if (Path is not null) json.WriteString("path"u8, Cut(Path, detail));
        if (detail == AuditDetail.Full && QueryNames is { Count: > 0 } names)
        {
            json.WriteStartArray("query"u8);
            for (var i = 0; i < names.Count; i++) json.WriteStringValue(names[i]);
            json.WriteEndArray();
        }
        if (detail == AuditDetail.Full && Mcp is { } mcp)
        {
            json.WriteStartObject("mcp"u8);
            mcp.WriteMembers(json);
            json.WriteEndObject();
            if (mcp.Filtered > 0) json.WriteNumber("filtered"u8, mcp.Filtered);
        }
        json.WriteString("decision"u8, DecisionText);
        if (detail == AuditDetail.Full && Rule is { } rule)
        {
            json.WriteStartObject("rule"u8);
            json.WriteString("policy"u8, Policy);
            json.WriteString("file"u8, rule.File);
            json.WriteNumber("line"u8, rule.Start.Line);
            json.WriteEndObject();
        }
        if (Reason is not null) json.WriteString("reason"u8, Reason);
        if (detail == AuditDetail.Full && Nearest is not null) WriteNearest(json, Nearest);
        if (Error is not null) json.WriteString("error"u8, Error);
        if (Status is { } status) json.WriteNumber("status"u8, status);
        if (duration is { } elapsed) json.WriteNumber("duration"u8, Math.Round(elapsed.TotalSeconds, 6));
        if (Bytes is { } bytes) json.WriteNumber("bytes"u8, bytes);
        if (TokenSha256 is not null) json.WriteString("token_sha256"u8, TokenSha256);
        json.WriteEndObject();
        json.Flush();
        output.Write("\n"u8);
    }

    private static void WriteIdentity(Utf8JsonWriter json, VerifiedToken token, AuditDetail detail)
    {
        json.WriteString("context"u8, Cut(token.ContextText, detail));
        json.WriteString("iss"u8, Cut(token.Issuer, detail));
        json.WriteString("sub"u8, Cut(token.Subject, detail));
        if (detail == AuditDetail.Full && token.Actor is { } actor)
        {
            json.WritePropertyName("act"u8);
            actor.WriteTo(json);
        }
        if (token.Id is not null) json.WriteString("jti"u8, Cut(token.Id, detail));
        if (detail == AuditDetail.Full && token.Run.Length > 0) json.WriteString("run"u8, token.Run);
    }

    /// <summary>Cuts what the caller chose to <paramref name="most"/> characters: nobody authenticated for it.</summary>
    public void CutUntrusted(int most)
    {
        if (Path?.Length > most) Path = string.Concat(Path.AsSpan(0, most), "…");
        if (Method?.Length > most) Method = string.Concat(Method.AsSpan(0, most), "…");
        if (QueryNames is { Count: > 0 } names && names.Sum(name => name.Length + 3) > most) QueryNames = null;
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

    private void WriteAccount(Utf8JsonWriter json)
    {
        json.WriteStartObject("account"u8);
        if (AccountUuid is not null) json.WriteString("uuid"u8, AccountUuid);
        if (AccountEmail is not null) json.WriteString("email"u8, AccountEmail);
        json.WriteEndObject();
        json.WriteString("credential_sha256"u8, CredentialSha256);
    }

    private static string Cut(string text, AuditDetail detail)
    {
        var most = detail switch { AuditDetail.Full => int.MaxValue, AuditDetail.Brief => 96, _ => 24 };
        return text.Length <= most ? text : $"{text.AsSpan(0, most)}…";
    }

    private static void WriteGrants(Utf8JsonWriter json, Caller caller)
    {
        json.WriteStartArray("roles"u8);
        foreach (var role in caller.Grants.RoleNames) json.WriteStringValue(role);
        json.WriteEndArray();
        json.WriteString("commit"u8, caller.PolicyVersion);
    }
}

/// <summary>How much of a record is written: what of it fits a slot of the in-flight trail is at least who asked for what, with long texts cut, or that somebody did.</summary>
internal enum AuditDetail { Full, Brief, Least }

/// <summary>How a request was decided; <c>Pass</c> is a user's own API token, passed through, <c>Public</c> a path that the operator lets anyone read.</summary>
internal enum AuditDecision { Deny, Allow, Pass, Public }
