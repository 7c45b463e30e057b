using WorkloadProxy.Credentials;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Forwarding;

/// <summary>One request on its way to an upstream: what is decided once, and what changes from attempt to attempt. A feature of its HTTP context.</summary>
internal sealed class ForwardedRequest
{
    public required Upstream Upstream { get; init; }
    /// <summary>Scheme, host, port and base path, without a slash at the end.</summary>
    public required string Origin { get; init; }
    /// <summary>Exactly as it goes on the wire, but for a credential in the query.</summary>
    public required string Target { get; init; }
    public required string RequestId { get; init; }
    /// <summary>Null: a user's own token passes through, and the caller's <c>Authorization</c> stays.</summary>
    public Caller? Caller { get; init; }
    /// <summary>Anyone's: it goes without a caller, without a credential, and without the caller's <c>Authorization</c>.</summary>
    public bool IsPublic { get; init; }
    /// <summary>Where the credential comes from; null exactly when <see cref="Caller"/> is.</summary>
    public IContextCredential? Source { get; init; }
    public bool IsWebSocket { get; init; }
    /// <summary>What was permitted; asked again while the request is under way.</summary>
    public AccessRequest Asked { get; init; }
    /// <summary>Whether it may go on while it is under way, where that is not by <see cref="Asked"/>: the caller as it is admitted now, or why not.</summary>
    public Func<Caller, Result<Caller>>? MayGoOn { get; init; }
    public Interception Interception { get; init; }
    /// <summary>The request can be sent again.</summary>
    public bool CanRepeat { get; set; }

    /// <summary>Of this attempt; null where a user's own token passes through.</summary>
    public Credential? Credential { get; set; }
    public int Attempts { get; set; }
    /// <summary>The verdict on the last answer: the credential to try again with, or what the caller gets instead.</summary>
    public CredentialVerdict Verdict { get; set; }

    /// <summary>The answer is a stream without an end (events, gRPC, a WebSocket), which ends with its token. Any other may outlive it.</summary>
    public bool EndsWithToken { get; set; }
    /// <summary>The caller as it was admitted when the request was looked at last.</summary>
    public Caller? Admitted { get; set; }
    /// <summary>Where it is among the requests under way; null before and after that.</summary>
    public OpenLane? Lane { get; set; }
    public int PlaceInLane { get; set; }
    /// <summary>Ends the request under way.</summary>
    public CancellationTokenSource? Ending { get; set; }
    /// <summary>Why it was ended; null when caller or upstream ended it.</summary>
    public Failure? EndedBecause { get; set; }

    public CredentialUse UseOf(HttpContext http) => new(Caller!.Token.Context)
    {
        Caller = Caller,
        Method = http.Request.Method,
        Origin = Origin,
        Target = Target,
        CanRepeat = CanRepeat,
        Attempts = Attempts,
    };
}
