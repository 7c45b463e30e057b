using System.Buffers;
using System.Text.Json;
using WorkloadProxy.Authentication;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Audit;

/// <summary>
/// The one record of a request: begun before anything is decided, filled in as the request goes its way, written on every exit (SPEC §16). Identities come
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
    public string? Commit { get; set; }
    /// <summary>The token that was revoked; a request has either this or a caller.</summary>
    public VerifiedToken? Revoked { get; set; }
    public AuditDecision Decision { get; set; } = AuditDecision.Deny;
    public string? Policy { get; set; }
    public SourceRange? Rule { get; set; }
    public string? Reason { get; set; }
    /// <summary>The <c>error</c> id that the caller was told.</summary>
    public string? Error { get; set; }
    public int? Status { get; set; }
    /// <summary>Bytes of the response's body, where they are known.</summary>
    public long? Bytes { get; set; }
    /// <summary>The slot of the in-flight trail that holds this record, −1 for none.</summary>
    public int InFlightSlot { get; set; } = -1;
    /// <summary>SHA-256 of a minted token, lower-case hexadecimal.</summary>
    public string? TokenSha256 { get; set; }

    /// <summary>The record is in the audit already: what was minted is not handed out before.</summary>
    public bool Written { get; set; }

    /// <summary><c>allow</c>, <c>deny</c> or <c>pass</c>.</summary>
    public string DecisionText => Decision switch { AuditDecision.Allow => "allow", AuditDecision.Pass => "pass", _ => "deny" };

    /// <summary>One JSON object and a line feed. <paramref name="duration"/> is null for a request that has not ended.</summary>
    public void Write(Utf8JsonWriter json, IBufferWriter<byte> output, TimeSpan? duration)
    {
        json.WriteStartObject();
        json.WriteString("time"u8, Time);
        if (RequestId is not null) json.WriteString("request_id"u8, RequestId);
        if (TraceId is not null) json.WriteString("trace_id"u8, TraceId);
        if (Client is not null) json.WriteString("client"u8, Client);
        if ((Caller?.Token ?? Revoked) is { } token) WriteIdentity(json, token);
        if (Caller is { } caller) WriteGrants(json, caller);
        else if (Context is not null) WriteContext(json);
        if (Upstream is not null) json.WriteString("upstream"u8, Upstream);
        if (Method is not null) json.WriteString("method"u8, Method);
        if (Path is not null) json.WriteString("path"u8, Path);
        if (QueryNames is { Count: > 0 } names)
        {
            json.WriteStartArray("query"u8);
            for (var i = 0; i < names.Count; i++) json.WriteStringValue(names[i]);
            json.WriteEndArray();
        }
        json.WriteString("decision"u8, DecisionText);
        if (Rule is { } rule)
        {
            json.WriteStartObject("rule"u8);
            json.WriteString("policy"u8, Policy);
            json.WriteString("file"u8, rule.File);
            json.WriteNumber("line"u8, rule.Start.Line);
            json.WriteEndObject();
        }
        if (Reason is not null) json.WriteString("reason"u8, Reason);
        if (Error is not null) json.WriteString("error"u8, Error);
        if (Status is { } status) json.WriteNumber("status"u8, status);
        if (duration is { } elapsed) json.WriteNumber("duration"u8, Math.Round(elapsed.TotalSeconds, 6));
        if (Bytes is { } bytes) json.WriteNumber("bytes"u8, bytes);
        if (TokenSha256 is not null) json.WriteString("token_sha256"u8, TokenSha256);
        json.WriteEndObject();
        json.Flush();
        output.Write("\n"u8);
    }

    private void WriteContext(Utf8JsonWriter json)
    {
        json.WriteString("context"u8, Context);
        if (Commit is not null) json.WriteString("commit"u8, Commit);
    }

    private static void WriteIdentity(Utf8JsonWriter json, VerifiedToken token)
    {
        json.WriteString("context"u8, token.ContextText);
        json.WriteString("iss"u8, token.Issuer);
        json.WriteString("sub"u8, token.Subject);
        if (token.Actor is { } actor)
        {
            json.WritePropertyName("act"u8);
            actor.WriteTo(json);
        }
        if (token.Id is not null) json.WriteString("jti"u8, token.Id);
    }

    private static void WriteGrants(Utf8JsonWriter json, Caller caller)
    {
        json.WriteStartArray("roles"u8);
        foreach (var role in caller.Grants.RoleNames) json.WriteStringValue(role);
        json.WriteEndArray();
        json.WriteString("commit"u8, caller.PolicyVersion);
    }
}

/// <summary>How a request was decided; <c>Pass</c> is a user's own API token, passed through.</summary>
internal enum AuditDecision { Deny, Allow, Pass }
