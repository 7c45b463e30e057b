using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Stages;

/// <summary>
/// What is known of a request: begun before anything is decided, filled by one stage after another as the request goes its way, and read at the one exit, where
/// the answer is written and the line of the audit is derived from it. Until a stage says otherwise it is a denial; what was decided, why, and what is answered
/// change only by the methods here. Identities come from verified tokens alone; there is no member that could hold a token, a query value or a credential.
/// </summary>
internal sealed class RequestRecord
{
    // as it came
    public required DateTimeOffset Time { get; init; }
    /// <summary><c>TimeProvider.GetTimestamp()</c> at the beginning.</summary>
    public required long Started { get; init; }
    public string? RequestId { get; init; }
    public string? TraceId { get; init; }
    public string? Client { get; init; }
    public string? Method { get; init; }

    // what it asks for
    public string? Path { get; private set; }
    public IReadOnlyList<string>? QueryNames { get; private set; }
    public string? Upstream { get; set; }
    /// <summary>Of a call of an MCP server; else null.</summary>
    public McpFacts? Mcp { get; set; }

    // for whom
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

    // what was decided
    public RequestOutcome Outcome { get; private set; }
    public string? Policy { get; private set; }
    public SourceRange? Rule { get; private set; }
    public string? Reason { get; private set; }
    /// <summary>Of a denial for want of a role: which one came nearest, and the names of the claims that failed. The caller is never told.</summary>
    public NearestRole? Nearest { get; private set; }
    /// <summary>SHA-256 of a minted token, lower-case hexadecimal.</summary>
    public string? TokenSha256 { get; private set; }

    // what it was answered
    /// <summary>The proxy's own answer, which is written at the exit; null where the upstream's was streamed, or git's.</summary>
    public Answer? Answer { get; private set; }
    /// <summary>The <c>error</c> id that the caller was told.</summary>
    public string? Error { get; private set; }
    public int? Status { get; private set; }
    /// <summary>Bytes of the response's body, where they are known.</summary>
    public long? Bytes { get; set; }

    // what it holds while it is under way
    /// <summary>The slot of the in-flight trail that holds this record, −1 for none.</summary>
    public int InFlightSlot { get; set; } = -1;
    /// <summary>The place among the requests under way that this one holds.</summary>
    public InFlightShare? Share { get; set; }
    /// <summary>Its line is in the audit already: what was minted is not handed out before.</summary>
    public bool IsAudited { get; set; }

    /// <summary><c>allow</c>, <c>deny</c>, <c>pass</c> or <c>public</c>.</summary>
    public string OutcomeText => Outcome switch
    {
        RequestOutcome.Allow => "allow",
        RequestOutcome.Pass => "pass",
        RequestOutcome.Public => "public",
        _ => "deny",
    };

    public void AskFor(RequestTarget target) => AskFor(target.Path, target.QueryNames);

    public void AskFor(string? path, IReadOnlyList<string>? queryNames = null) => (Path, QueryNames) = (path, queryNames);

    /// <summary>What a rule said, the denials with their reason; the request goes on only by <see cref="Permit(RequestOutcome)"/>.</summary>
    public void Decide(in Decision decision, NearestRole? nearest = null)
    {
        (Policy, Rule) = (decision.Policy, decision.Rule);
        if (decision.Outcome is DecisionOutcome.Allow or DecisionOutcome.BodyNeeded) return;
        Reason = decision.Reason;
        if (nearest is not null) Nearest = nearest;
    }

    public void Permit(RequestOutcome how = RequestOutcome.Allow) => Outcome = how;

    public void Permit(string reason) => (Outcome, Reason) = (RequestOutcome.Allow, reason);

    public void Deny() => Outcome = RequestOutcome.Deny;

    public void Deny(string reason) => (Outcome, Reason) = (RequestOutcome.Deny, reason);

    /// <summary>For the audit: what happened, where neither a rule nor a failure says so.</summary>
    public void Because(string reason) => Reason = reason;

    /// <summary>What the caller is told when it doesn't get what it asked for. A reason that a stage gave stays: it knew more.</summary>
    public void Fail(Failure failure)
    {
        Error = ErrorResponse.From(failure).Id;
        Reason ??= failure.Reason;
    }

    /// <summary>A token is handed out once this is in the audit.</summary>
    public void Mint(string? tokenSha256) => (Outcome, TokenSha256) = (RequestOutcome.Allow, tokenSha256);

    /// <summary>The token was not handed out.</summary>
    public void TakeBackMinted() => (Outcome, TokenSha256) = (RequestOutcome.Deny, null);

    /// <summary>What the proxy itself answers, whole; headers that belong to the endpoint alone are set on the response.</summary>
    public void Reply(int status, string? contentType, ReadOnlyMemory<byte> body)
    {
        Answer = new Answer(status, contentType, body);
        Status = status;
        Bytes = body.IsEmpty || Method == "HEAD" ? null : body.Length;
    }

    /// <summary>The same with what anyone may have.</summary>
    public void Publish(string contentType, ReadOnlyMemory<byte> body, int status = 200)
    {
        Permit("public");
        Reply(status, contentType, body);
    }

    /// <summary>The status that went out, where nothing else says which.</summary>
    public void End(int status) => Status ??= status;

    /// <summary>A failure's answer, which replaces whatever was to be answered.</summary>
    public void EndWith(int status) => Status = status;
}
