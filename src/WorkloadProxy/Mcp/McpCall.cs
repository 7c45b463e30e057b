using WorkloadProxy.Mcp.Protocol;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Mcp;

/// <summary>One request to an MCP endpoint on its way: who calls, what was asked, and what the answers are judged by.</summary>
internal sealed class McpCall(McpServer server, McpSeal seal, RequestRecord record, TimeProvider time)
{
    private Caller? first;
    private byte[]? binding;
    private long answerBy;

    public McpServer Server => server;
    public McpSeal Seal => seal;
    public RequestRecord Record => record;
    public McpFacts Audit { get; } = record.Mcp = new McpFacts { Server = server.Name };

    /// <summary>Null until a token is accepted; from then on no answer is an HTTP 401 or 403, which clients take for "sign in again".</summary>
    public Caller? Caller { get; private set; }
    /// <summary>What the ids that this caller gets are bound to: to the roles that it came with. Few calls have ids.</summary>
    public byte[] Binding => binding ??= McpSeal.BindingOf(first!, server.Path);
    public McpRevision Revision { get; set; }
    /// <summary>Null for GET and DELETE, and until it is read.</summary>
    public McpMessage? Message { get; set; }
    /// <summary>The message's id as JSON, <c>null</c> without one.</summary>
    public string Id { get; set; } = "null";
    /// <summary>The server's ids of the tasks that a subscription is about; null for every other call.</summary>
    public IReadOnlySet<string>? SubscribedTasks { get; set; }
    /// <summary>The stream of a GET, which answers no call.</summary>
    public bool IsStandalone { get; init; }
    /// <summary>What the protocol says of a refusal of the envelope.</summary>
    public McpError? Error { get; private set; }
    /// <summary>A rule, or the server, refused what was asked.</summary>
    public bool IsRefused { get; private set; }

    /// <summary>A stream without an end, which ends with the token.</summary>
    public bool IsEndless => IsStandalone || Message?.Method == "subscriptions/listen";

    public DateTimeOffset Now => time.GetUtcNow();

    /// <summary>The server has not answered in the time that it had.</summary>
    public bool IsLate => Volatile.Read(ref answerBy) is not 0 and var by && time.GetTimestamp() > by;

    /// <summary>Begins to wait for the server; null: as long as it takes.</summary>
    public void Await(TimeSpan? patience) =>
        Volatile.Write(ref answerBy, patience is { } some ? time.GetTimestamp() + (long)(some.TotalSeconds * time.TimestampFrequency) : 0);

    /// <summary>What the caller may do now.</summary>
    public McpAccess AccessOf(Caller caller) => caller.Grants.Mcp(server.Name, time.GetUtcNow());

    /// <summary>The same under the rules that it was admitted by last: a stream may live through several sets.</summary>
    public McpAccess Access => AccessOf(Caller!);

    public Decision Decide(Caller caller)
    {
        var access = AccessOf(caller);
        return Message is null ? access.Connect() : McpDecision.Decide(Message, access, time.GetUtcNow());
    }

    public void Admit(Caller caller)
    {
        first ??= caller;
        Caller = record.Caller = caller;
    }

    /// <summary>A failure that is written as the protocol's own error.</summary>
    public Failure Malformed(McpError error)
    {
        Error = error;
        return new Failure(error.Status == 404 ? ErrorId.NotFound : ErrorId.BadRequest, error.Message);
    }

    public Failure Refused(ErrorId id, string reason)
    {
        IsRefused = true;
        return new Failure(id, reason);
    }
}
