using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http.Features;
using WorkloadProxy.Audit;
using WorkloadProxy.Authentication;
using WorkloadProxy.Authorization;
using WorkloadProxy.Configuration;
using WorkloadProxy.Credentials;
using WorkloadProxy.Endpoints;
using WorkloadProxy.Forwarding;
using WorkloadProxy.HandedOut;
using WorkloadProxy.Health;
using WorkloadProxy.Issuing;
using WorkloadProxy.Mcp;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery;
using WorkloadProxy.PolicyDelivery.Hosted;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Storage;
using WorkloadProxy.Telemetry;
using WorkloadProxy.Tokens;

namespace WorkloadProxy;

/// <summary>
/// A request's way: authenticate → authorize → credential → forward → audit. One direction, one stage each; the exchange has "mint a token" in place of
/// credential and forward. Whatever happens, one record is written.
/// </summary>
internal sealed class Pipeline(
    AuditLog audit, ClientAddress clients, AllowedHosts hosts, NamedHosts? namedHosts, PublicEndpoints endpoints, PublicPaths? publicPaths,
    PassThroughIssuers passThroughIssuers, TokenHeaders? tokenHeaders, Authenticator authenticator, Authorizer authorizer, TokenIssuer issuer,
    GitServer git, CredentialStore credentials, Forwarder forwarder, HandedOutTokens? handedOut, McpEndpoint mcp, ContextIds contextIds, BasePath basePath,
    ProxyMetrics metrics, TimeProvider time, ILogger<Pipeline> logger)
{
    private readonly RequestIds ids = new();

    public async Task InvokeAsync(HttpContext http)
    {
        var activity = RequestTracing.Start(http);
        var record = Begin(http, activity);
        http.Response.Headers["X-Request-Id"] = record.RequestId;
        var failure = await RunToFailureAsync(http, record);
        if (failure is not null) await AnswerAsync(http, record, failure);
        record.End(http.Response.StatusCode);
        metrics.Completed(record, time);
        if (activity is not null) RequestTracing.End(activity, http, record.Path, record.OutcomeText);
        if (!record.IsAudited) await audit.CompleteAsync(record);
    }

    private RequestRecord Begin(HttpContext http, Activity? activity)
    {
        var id = ids.Next();
        return new RequestRecord
        {
            Time = time.GetUtcNow(),
            Started = time.GetTimestamp(),
            RequestId = id,
            TraceId = RequestTracing.Continue(http.Request.Headers, id, activity),
            Client = clients.Of(http),
            Method = http.Request.Method,
        };
    }

    /// <summary>Every exit of a request that is no answer, as a failure: also what can't happen, which denies.</summary>
    // pooled, as all that wait for the upstream on the way there: each would leave its state to the garbage collector
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<Failure?> RunToFailureAsync(HttpContext http, RequestRecord record)
    {
        try
        {
            string? target = RawTarget(http);
            var named = namedHosts?.Find(http.Request);
            var served = named is null && basePath.TryStrip(target, out target);
            if (audit.Unavailable is { } unavailable && !(served && HealthEndpoints.Are(target!))) return unavailable;
            var failure = await RunAsync(http, record, target, named);
            if (failure is null && record.Answer is { } answer) await answer.WriteAsync(http);
            return failure;
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            return new Failure(ErrorId.BadRequest, "the caller went away");
        }
        catch (IOException)
        {
            // the server's own reading and writing: the other end of it is the caller's
            return new Failure(ErrorId.BadRequest, "the request broke off");
        }
        catch (StoreException error)
        {
            logger.LogError("request {RequestId}: the store failed: {Error}", record.RequestId, error.Message);
            return new Failure(ErrorId.StoreUnavailable, "the store can't be used now") { RetryAfter = TimeSpan.FromSeconds(5) };
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // a bug: what can't be decided is refused
            logger.LogError(error, "request {RequestId} ended in an error", record.RequestId);
            return new Failure(ErrorId.PolicyUnavailable, "the request can't be decided");
        }
    }

    /// <summary><paramref name="rawTarget"/> is null outside the path of <c>PublicUrl</c>.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<Failure?> RunAsync(HttpContext http, RequestRecord record, string? rawTarget, NamedHost? named)
    {
        if ((RequestFraming.Check(http.Request) ?? (named is null ? hosts.Check(http.Request) : null)) is { } refused) return refused;
        var bearer = BearerToken.Read(http.Request.Headers.Authorization);
        if (bearer.Kind == BearerTokenKind.Several) return bearer.Refusal;
        if (rawTarget is null) return bearer.Refusal ?? basePath.Elsewhere();
        IReadOnlyList<string> from = [];
        if (tokenHeaders?.Take(http.Request.Headers, ref bearer, out from) is { } ambiguous) return ambiguous;
        if (forwarder.PassThrough is { } passThrough && handedOut?.CameThrough(bearer.Text.Span) is not true
            && (named is null || named.Serves(passThrough.Options.Name))
            && (bearer.Kind == BearerTokenKind.Opaque || (bearer.Kind == BearerTokenKind.Jwt && from.Count == 0 && passThroughIssuers.Take(bearer.Text.Span))))
        {
            if (!RequestTarget.TryCheckPassThrough(rawTarget, out var isOwnPath, out var problem)) return new Failure(ErrorId.BadRequest, problem);
            if (!isOwnPath && (named is not null || !IsAnsweredHere(PathOf(rawTarget)))) return await PassThroughAsync(http, record, passThrough, rawTarget);
        }
        if (!RequestGate.TryRead(rawTarget, contextIds, forwarder.AnyEncodedSlash, out var target, out var error, out var tooLong))
        {
            if (target is not null) record.AskFor(target);
            return new Failure(tooLong ? ErrorId.UriTooLong : ErrorId.BadRequest, error);
        }
        record.AskFor(target);
        if (named is null)
        {
            if (endpoints.Find(target.Path) is { } endpoint) return await PublicEndpoints.RunAsync(endpoint, http, record);
            if (GitPath.TryParse(target.Path, out var gitPath)) return await git.HandleAsync(http, record, gitPath, target.RawQuery);
        }
        // an MCP client can say `Authorization` whatever its provider's SDK does
        if (named is { McpPath: not null } || (named is null && target.Path.StartsWith(McpEndpoint.Prefix, StringComparison.Ordinal)))
            return await mcp.HandleAsync(http, record, target, named is null ? target.Path : named.EndpointAt(target.Path),
                from.Count == 0 ? bearer : new BearerToken(BearerTokenKind.None, default));

        if (named is null && publicPaths?.Find(target.Path) is { } anyones)
        {
            if (anyones.Upstream is null) return publicPaths.Answer(anyones, http, record);
            if (PublicPaths.IsRead(http.Request.Method)) return await ForwardForAnyoneAsync(http, record, target, anyones.Upstream);
        }

        var noJwt = bearer.Refusal;
        var authenticated = noJwt is not null ? noJwt : await authenticator.AuthenticateAsync(bearer.Text, http.RequestAborted);
        HandedOutToken? handed = null;
        if (authenticated.Failure is not null && handedOut is not null && (handed = handedOut.Find(bearer.Text.Span)) is not null)
        {
            http.Features.Set(handed);
            authenticated = await handedOut.AdmitAsync(handed, http.RequestAborted);
        }
        if (!authenticated.Succeeded(out var caller, out var unauthenticated)) return unauthenticated;
        record.Caller = caller;
        if ((tokenHeaders?.Check(caller.Token.Context.Upstream, from) ?? named?.Check(caller.Token)) is { } notThere) return notThere;
        if (target.IsOwnPath && handed is not null) return new Failure(ErrorId.InvalidToken, "a token of the upstream is none for the proxy itself");
        if (target.IsOwnPath) return named is null ? await IssueAsync(http, record, caller, target) : NoOwnPath();

        record.Upstream = caller.Token.Context.Upstream;
        if (forwarder.Find(caller.Token.Context.Upstream) is not { } upstream)
            return new Failure(ErrorId.UpstreamUnreachable, $"upstream `{caller.Token.Context.Upstream}` is not configured");
        if (upstream.Options.Kind == UpstreamKind.Mcp)
            return new Failure(ErrorId.Forbidden,
                $"upstream `{upstream.Options.Name}` has MCP servers only, under `{McpEndpoint.Prefix}{upstream.Options.Name}/`");
        if (RequestGate.SlashRefusal(target, upstream.Options.EncodedSlash) is { } notTaken) return new Failure(ErrorId.BadRequest, notTaken);
        if (StripPrefix(upstream, record, ref target) is { } notBehindPrefix) return notBehindPrefix;
        var isWebSocket = RequestFraming.IsWebSocket(http);
        if (await authorizer.AuthorizeAsync(http, record, caller, target, isWebSocket) is { } denied) return denied;
        caller = record.Caller;
        // one that was handed out is its own credential
        IContextCredential? source = null;
        if (handed is null && credentials.Find(caller, time, out source) is { } noCredential) return noCredential;
        var interception = default(Interception);
        var waited = false;
        if (upstream.FindInterceptor(http.Request.Method, target.Path) is { } interceptor)
        {
            waited = true;
            interception = await interceptor.BeginAsync(new InterceptedRequest(http, record, upstream.Options, caller), http.RequestAborted);
            if (interception.Refused is { } refusedThere) return refusedThere;
        }
        var finding = upstream.FindOriginAsync(caller.Token.Context, target.Path, http.RequestAborted);
        waited |= !finding.IsCompleted;
        if (!(await finding).Succeeded(out var origin, out var noAddress)) return noAddress;
        var forwarded = new ForwardedRequest
        {
            Upstream = upstream,
            Origin = origin,
            Target = target.Forwarded,
            RequestId = record.RequestId!,
            Caller = caller,
            Source = source,
            IsWebSocket = isWebSocket,
            Asked = authorizer.Asked(http, target, isWebSocket),
            EndsWithToken = isWebSocket || EndlessAnswer.IsGrpc(http.Request.Headers.ContentType),
            Interception = interception,
        };
        var preparing = Forwarder.PrepareAsync(http, forwarded);
        waited |= !preparing.IsCompleted;
        if (await preparing is { } notPrepared) return notPrepared;
        // the roles that named the credential count now, or the request is decided anew
        waited |= caller.Grants.NamesCredential;
        if (waited && authorizer.AuthorizeAgain(http, record, target, isWebSocket) is { } noMore) return noMore;
        if (waited && source is not null && credentials.FindAgain(source, caller, record.Caller!, time) is { } changed) return changed;
        return await forwarder.SendAsync(http, forwarded, record);
    }

    /// <summary>
    /// A path of an upstream that the operator lets anyone read. What it answers may depend on nothing that the caller could have brought along.
    /// </summary>
    private async Task<Failure?> ForwardForAnyoneAsync(HttpContext http, RequestRecord record, RequestTarget target, string name)
    {
        record.Upstream = name;
        if (forwarder.Find(name) is not { } upstream) return new Failure(ErrorId.UpstreamUnreachable, $"upstream `{name}` is not configured");
        if (RequestGate.SlashRefusal(target, upstream.Options.EncodedSlash) is { } notTaken) return new Failure(ErrorId.BadRequest, notTaken);
        if (StripPrefix(upstream, record, ref target) is { } notBehindPrefix) return notBehindPrefix;
        // without a token to end it, a body could be sent for ever
        if (http.Features.Get<IHttpRequestBodyDetectionFeature>() is not { CanHaveBody: false })
            return new Failure(ErrorId.BadRequest, "a public path takes no body");
        if (RequestFraming.IsWebSocket(http)) http.Request.Headers.Remove("Upgrade");
        if (!(await upstream.FindOriginAsync(null, target.Path, http.RequestAborted)).Succeeded(out var origin, out var noAddress)) return noAddress;
        return await forwarder.SendAsync(http,
            new ForwardedRequest { Upstream = upstream, Origin = origin, Target = target.Forwarded, RequestId = record.RequestId!, IsPublic = true }, record);
    }

    /// <summary>The proxy's own endpoints, public paths and repositories: nobody's own token goes there.</summary>
    private bool IsAnsweredHere(string path) => endpoints.Find(path) is not null || publicPaths?.Find(path) is not null || GitPath.TryParse(path, out _);

    private async Task<Failure?> PassThroughAsync(HttpContext http, RequestRecord record, Upstream upstream, string rawTarget)
    {
        var path = PathOf(rawTarget);
        // a query that can't be decoded has no names to tell
        RequestTarget? query = null;
        if (path.Length < rawTarget.Length) RequestTarget.TryParse($"/{rawTarget.AsSpan(path.Length)}", out query, out _, out _);
        record.AskFor(path, query?.QueryNames);
        record.Upstream = upstream.Options.Name;
        RequestFraming.IsWebSocket(http);
        var interception = default(Interception);
        if (upstream.FindInterceptor(http.Request.Method, path) is { } interceptor)
        {
            interception = await interceptor.BeginAsync(new InterceptedRequest(http, record, upstream.Options, null), http.RequestAborted);
            if (interception.Refused is { } refused) return refused;
        }
        if (!(await upstream.FindOriginAsync(null, path, http.RequestAborted)).Succeeded(out var origin, out var noAddress)) return noAddress;
        var forwarded = new ForwardedRequest
            { Upstream = upstream, Origin = origin, Target = rawTarget, RequestId = record.RequestId!, Interception = interception };
        return await forwarder.SendAsync(http, forwarded, record);
    }

    /// <summary>The proxy's own paths that need a token: the exchange, and nothing else is there.</summary>
    private async Task<Failure?> IssueAsync(HttpContext http, RequestRecord record, Caller caller, RequestTarget target)
    {
        if (target.Path != OwnPaths.Issue) return NoOwnPath();
        if (http.Request.Method != "POST") return await authorizer.AuthorizeAsync(http, record, caller, target, isUpgrade: false)
            ?? new Failure(ErrorId.MethodNotAllowed, "expected POST") { Allow = "POST" };
        return await issuer.IssueAsync(http, record, caller, target);
    }

    private async Task AnswerAsync(HttpContext http, RequestRecord record, Failure failure)
    {
        var answer = ErrorResponse.From(failure);
        record.Fail(failure);
        if (record.Path is null) record.AskFor(RefusedPath(RawTarget(http)));
        if (http.Response.HasStarted)
        {
            // the status is with the caller already: a broken connection is the only way left to say it
            http.Abort();
            return;
        }
        http.Response.Clear();
        http.Response.Headers["X-Request-Id"] = record.RequestId;
        record.EndWith(answer.Status);
        try
        {
            record.Bytes = await answer.WriteAsync(http, record.RequestId!);
        }
        catch (Exception error) when (error is IOException or OperationCanceledException)
        {
            // the caller is gone; the record says what it would have been told
        }
    }

    private Failure? StripPrefix(Upstream upstream, RequestRecord record, ref RequestTarget target)
    {
        if (upstream.Options.StripPrefix is not { } prefix || !HasPrefix(target, prefix)) return null;
        if (!RequestTarget.TryParse(target.Forwarded[prefix.Length..], contextIds, out var behind, out var error, out _))
            return new Failure(ErrorId.BadRequest, error);
        // behind the prefix there is the upstream alone
        if (behind.IsOwnPath) return NoOwnPath();
        target = behind;
        record.AskFor(target.Path, record.QueryNames);
        return null;
    }

    private static bool HasPrefix(RequestTarget target, string prefix) =>
        target.Forwarded.Length > prefix.Length && target.Forwarded[prefix.Length] == '/' && target.Forwarded.StartsWith(prefix, StringComparison.Ordinal);

    private static Failure NoOwnPath() => new(ErrorId.Forbidden, "the proxy has no endpoint at this path");

    private static string RawTarget(HttpContext http) => http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;

    /// <summary>What was asked for and never parsed: as it came, without what may be a value or, in an absolute form, a password.</summary>
    private static string? RefusedPath(string rawTarget)
    {
        if (!rawTarget.StartsWith('/')) return null;
        var end = rawTarget.AsSpan().IndexOfAny('?', '#');
        var path = end < 0 ? rawTarget : rawTarget[..end];
        return path.Length <= RequestTarget.MaxLength ? path : string.Concat(path.AsSpan(0, 256), "…");
    }

    private static string PathOf(string rawTarget) => rawTarget.IndexOf('?') is >= 0 and var question ? rawTarget[..question] : rawTarget;
}
