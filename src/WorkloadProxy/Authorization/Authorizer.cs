using Microsoft.AspNetCore.Http.Features;
using WorkloadProxy.Authentication;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Authorization;

/// <summary>Asks the caller's grants for the decision; reads the body only when a rule that could still permit the request constrains it.</summary>
internal sealed class Authorizer(Authenticator authenticator, TimeProvider time)
{
    /// <summary>
    /// Null when the request is permitted; the record then names the rule, and the caller as it was admitted last: a body takes its time, and what the token
    /// may is asked after it.
    /// </summary>
    public async ValueTask<Failure?> AuthorizeAsync(HttpContext http, RequestRecord record, Caller caller, RequestTarget target, bool isUpgrade)
    {
        var request = new AccessRequest
        {
            Method = http.Request.Method,
            Target = target,
            Upgrade = isUpgrade,
            Body = http.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false } ? RequestBody.Absent : null,
            Now = time.GetUtcNow(),
        };
        var decision = caller.Grants.Decide(request);
        if (decision.Outcome != DecisionOutcome.BodyNeeded) return Conclude(record, decision);
        if (!(await BodyReader.ReadAsync(http, time)).Succeeded(out var bytes, out var unreadable)) return unreadable;
        if (!AdmitAgain(record, caller).Succeeded(out var admitted, out var noMore)) return noMore;
        var headers = http.Request.Headers;
        if (!RequestBody.TryParse(bytes, headers.ContentType.ToArray()!, headers.ContentEncoding.Count == 0 ? null : headers.ContentEncoding.ToString(),
            out var body, out var problem, out var error))
        {
            record.Decide(decision);
            return new Failure(problem == RequestBody.Problem.UnsupportedMediaType ? ErrorId.UnsupportedMediaType : ErrorId.BadRequest, error!);
        }
        var failure = Conclude(record, admitted.Grants.Decide(request with { Body = body, Now = time.GetUtcNow() }));
        if (failure is not null) return failure;
        BodyReader.Replace(http, bytes);
        http.Features.Set(body);
        return null;
    }

    /// <summary>
    /// Asked once more of a request that was permitted, after something else was waited for (another service, a credential). Under a set that came into force
    /// meanwhile, a rule may constrain a body that nobody has read: what can't be known is denied.
    /// </summary>
    public Failure? AuthorizeAgain(HttpContext http, RequestRecord record, RequestTarget target, bool isUpgrade)
    {
        if (!AdmitAgain(record, record.Caller!).Succeeded(out var admitted, out var noMore)) return noMore;
        return Conclude(record, admitted.Grants.Decide(Asked(http, target, isUpgrade)));
    }

    /// <summary>What a request that was permitted asked for, with its body if that was inspected.</summary>
    public AccessRequest Asked(HttpContext http, RequestTarget target, bool isUpgrade) => new()
    {
        Method = http.Request.Method,
        Target = target,
        Upgrade = isUpgrade,
        Body = http.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false } ? RequestBody.Absent : http.Features.Get<RequestBody>(),
        Now = time.GetUtcNow(),
    };

    /// <summary>The caller as it may act now, also in the record.</summary>
    public Result<Caller> AdmitAgain(RequestRecord record, Caller caller)
    {
        var again = authenticator.AdmitAgain(caller);
        if (again.Value is { } admitted) record.Caller = admitted;
        return again;
    }

    /// <summary>The exchange's decision: the body is the JSON that the token is made from, whatever its content type said.</summary>
    public Failure? Authorize(RequestRecord record, Caller caller, RequestTarget target, RequestBody body, out Decision decision)
    {
        decision = caller.Grants.Decide(new AccessRequest { Method = "POST", Target = target, Body = body, Now = time.GetUtcNow() });
        return Conclude(record, decision);
    }

    /// <summary>
    /// The caller as it may go on with a request that is under way, or why it may not. What ends with its token is decided anew each time; anything else only
    /// under another policy set than before, for an answer that was begun in time may outlive the token.
    /// </summary>
    public Result<Caller> MayGoOn(Caller caller, in AccessRequest asked, bool endsWithToken)
    {
        var again = authenticator.AdmitAgain(caller, mayHaveExpired: !endsWithToken);
        if (again.Value is not { } admitted || (!endsWithToken && ReferenceEquals(admitted, caller))) return again;
        var decision = admitted.Grants.Decide(asked with { Now = time.GetUtcNow() });
        return decision.Outcome == DecisionOutcome.Allow ? admitted : new Failure(ErrorId.Forbidden, decision.Reason);
    }

    private Failure? Conclude(RequestRecord record, in Decision decision)
    {
        record.Decide(decision, decision.Outcome == DecisionOutcome.Deny && decision.Rule is null ? record.Caller?.Grants.Nearest(time.GetUtcNow()) : null);
        return decision.Outcome switch
        {
            DecisionOutcome.Allow => null,
            DecisionOutcome.BadRequest => new Failure(ErrorId.BadRequest, decision.Reason),
            DecisionOutcome.UnsupportedMediaType => new Failure(ErrorId.UnsupportedMediaType, decision.Reason),
            DecisionOutcome.MethodNotAllowed => new Failure(ErrorId.MethodNotAllowed, decision.Reason),
            // the reason names the rule's file and line already
            _ => new Failure(ErrorId.Forbidden, decision.Reason),
        };
    }
}
