using System.Collections.Frozen;
using System.Runtime.CompilerServices;
using WorkloadProxy.Audit;
using WorkloadProxy.Configuration;
using WorkloadProxy.Credentials;
using WorkloadProxy.Forwarding.Bodies;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Tokens;
using Yarp.ReverseProxy.Forwarder;

namespace WorkloadProxy.Forwarding;

/// <summary>Sends a request on and streams the answer back. Nothing is buffered in either direction.</summary>
internal sealed class Forwarder : IDisposable
{
    private static readonly TimeSpan sweepInterval = TimeSpan.FromMinutes(5);

    private readonly IHttpForwarder http;
    private readonly AuditLog audit;
    private readonly OpenRequests open;
    private readonly ITimer sweeping;
    private readonly RequestTransformer transformer = new();
    private readonly FrozenDictionary<string, Upstream> upstreams;

    public Forwarder(IHttpForwarder http, AuditLog audit, ProxyOptions options, OpenRequests open, TimeProvider time, FindUpstreamParts? parts = null)
    {
        (this.http, this.audit, this.open) = (http, audit, open);
        parts ??= _ => UpstreamParts.None;
        upstreams = options.Upstreams.Values.ToFrozenDictionary(upstream => upstream.Name, upstream => new Upstream(upstream, parts(upstream)),
            StringComparer.Ordinal);
        PassThrough = upstreams.Values.FirstOrDefault(upstream => upstream.Options.PassThrough);
        sweeping = time.CreateTimer(_ => SweepPools(), null, sweepInterval, sweepInterval);
        AnyEncodedSlash = upstreams.Values.Any(upstream => upstream.Options.EncodedSlash);
    }

    /// <summary>The one upstream that takes users' own API tokens, if any.</summary>
    public Upstream? PassThrough { get; }

    /// <summary>Whether some upstream takes <c>%2F</c> inside a segment.</summary>
    public bool AnyEncodedSlash { get; }

    public Upstream? Find(string name) => upstreams.GetValueOrDefault(name);

    /// <summary>Gets the credential, and holds the body where the request may have to be sent again.</summary>
    public static async ValueTask<Failure?> PrepareAsync(HttpContext context, ForwardedRequest request)
    {
        if (request.Source is not { } source) return null;
        if (source.Judges)
        {
            // what is sent again must be here whole
            (request.CanRepeat, var notHeld) = await HeldBody.HoldAsync(context);
            if (notHeld is not null) return notHeld;
        }
        if (!(await source.GetAsync(request.UseOf(context), context.RequestAborted)).Succeeded(out var credential, out var unavailable)) return unavailable;
        request.Credential = credential;
        return null;
    }

    /// <summary>
    /// Forwards a request that is prepared; null when the upstream's answer went back, whatever it was. While it is under way it may be ended, by a revocation
    /// for instance.
    /// </summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<Failure?> SendAsync(HttpContext context, ForwardedRequest request, RequestRecord record)
    {
        record.Permit(request.IsPublic ? RequestOutcome.Public : request.Source is null ? RequestOutcome.Pass : RequestOutcome.Allow);
        context.Features.Set(request);
        if (audit.KeepInFlight(record) is { } noPlace) return noPlace;
        // a user's own token is the upstream's to revoke
        if (request.Caller is not null) open.Add(request);
        ForwarderError error;
        try
        {
            error = await SendOnceAsync(context, request);
            while (error == ForwarderError.None && request.Verdict.Again is { } next && request.CanRepeat && request.Attempts < CredentialVerdict.MaxAttempts)
            {
                Rewind(context, request, next);
                error = await SendOnceAsync(context, request);
            }
        }
        finally
        {
            if (request.Caller is not null) OpenRequests.Remove(request);
        }
        // an answer that calls for a credential that there is none of must not reach the caller: it is told what failed
        if (request.Verdict.Again is not null) return CredentialStore.Unavailable("the upstream did not accept the credential");
        if (request.Verdict.Refused is { } refused) return refused;
        if (error == ForwarderError.None && request.IsWebSocket && !context.Response.HasStarted && context.Response.StatusCode is >= 200 and < 300)
            return new Failure(ErrorId.UpstreamUnreachable, $"upstream `{request.Upstream.Options.Name}` did not accept the upgrade to a WebSocket");
        record.Bytes = BytesOf(context, error);
        if (error == ForwarderError.None) return null;
        if (request.EndedBecause is { } ended) return ended;
        var exception = context.Features.Get<IForwarderErrorFeature>()?.Exception;
        if (error is ForwarderError.Request or ForwarderError.RequestTimedOut) request.Upstream.NoAnswer(request.Caller?.Token.Context, request.Origin);
        return FailureFrom(error, exception, request.Upstream.Options.Name, context.Response.HasStarted);
    }

    private ValueTask<ForwarderError> SendOnceAsync(HttpContext context, ForwardedRequest request)
    {
        request.Attempts++;
        request.Verdict = default;
        var invoker = request.IsPublic ? request.Upstream.Pools.OfAnyone() : request.Upstream.Pools.Of(request.Caller?.Token.Context);
        return http.SendAsync(context, request.Origin, invoker, request.Upstream.Forwarding, transformer, request.Ending?.Token ?? CancellationToken.None);
    }

    /// <summary>As before the attempt: the body from its beginning, and of the answer that was thrown away nothing.</summary>
    private static void Rewind(HttpContext context, ForwardedRequest request, Credential next)
    {
        request.Credential = next;
        HeldBody.Rewind(context);
        context.Response.Clear();
        context.Response.Headers["X-Request-Id"] = request.RequestId;
    }

    /// <summary>What the caller got of the body, where that is known.</summary>
    private static long? BytesOf(HttpContext context, ForwarderError error)
    {
        if (HttpMethods.IsHead(context.Request.Method) || context.Response.StatusCode is 204 or 304) return 0;
        if (context.Response.StatusCode == 101) return null;
        return context.Features.Get<CountingStream>()?.Count ?? (error == ForwarderError.None ? context.Response.ContentLength ?? 0 : null);
    }

    private void SweepPools()
    {
        foreach (var upstream in upstreams.Values) upstream.Pools.Sweep();
    }

    public void Dispose()
    {
        sweeping.Dispose();
        foreach (var upstream in upstreams.Values) upstream.Dispose();
    }

    private static Failure FailureFrom(ForwarderError error, Exception? exception, string upstream, bool started)
    {
        // the exception's own text may hold the target with its query: the types are enough to tell what happened
        var detail = $"{error}: {exception?.GetType().Name} {exception?.InnerException?.GetType().Name}".TrimEnd();
        return error switch
        {
            ForwarderError.RequestCreation when exception is ControlCharacterException => new(ErrorId.BadRequest, exception.Message),
            _ when exception is HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded }
                => new(ErrorId.UpstreamUnreachable, $"upstream `{upstream}` answered with more than 64 KB of headers") { Detail = detail },
            ForwarderError.RequestTimedOut => new(ErrorId.UpstreamTimeout, $"upstream `{upstream}` did not answer in time") { Detail = detail },
            ForwarderError.RequestCanceled or ForwarderError.RequestBodyClient or ForwarderError.RequestBodyCanceled
                => new(ErrorId.BadRequest, "the request ended before it was whole") { Detail = detail },
            ForwarderError.ResponseBodyClient or ForwarderError.ResponseBodyCanceled or ForwarderError.UpgradeRequestClient
                or ForwarderError.UpgradeResponseClient
                or ForwarderError.UpgradeRequestCanceled or ForwarderError.UpgradeResponseCanceled when started
                => new(ErrorId.BadRequest, "the caller went away before the answer was whole") { Detail = detail },
            ForwarderError.ResponseBodyDestination or ForwarderError.UpgradeRequestDestination or ForwarderError.UpgradeResponseDestination when started
                => new(ErrorId.UpstreamUnreachable, $"upstream `{upstream}` broke off its answer") { Detail = detail },
            _ => new(ErrorId.UpstreamUnreachable, $"upstream `{upstream}` can't be reached or sent an invalid HTTP response") { Detail = detail },
        };
    }
}
