using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using WorkloadProxy.Authentication;
using WorkloadProxy.Authorization;
using WorkloadProxy.Credentials;
using WorkloadProxy.Forwarding;
using WorkloadProxy.Mcp.Protocol;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Mcp;

/// <summary><c>/_mcp/&lt;Upstream&gt;/&lt;server&gt;</c>: MCP's streamable HTTP. In this order: origin, token, message, rules, and the server.</summary>
internal sealed class McpEndpoint(
    string publicUrl, McpServers servers, Authenticator authenticator, Authorizer authorizer, CredentialStore credentials, Forwarder forwarder, McpSeal seal,
    TimeProvider time)
{
    public const string Prefix = "/_mcp/";
    private const string Methods = "GET, POST, DELETE";

    /// <param name="http">The request.</param>
    /// <param name="record">Its record.</param>
    /// <param name="target">What was asked for.</param>
    /// <param name="path">The endpoint's path, which is the target's but for a server with a host name of its own; null where there can't be one.</param>
    /// <param name="bearer">The token.</param>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<Failure?> HandleAsync(HttpContext http, RequestRecord record, RequestTarget target, string? path, BearerToken bearer)
    {
        if (target.Forwarded.Contains('?')) return new Failure(ErrorId.BadRequest, "an MCP endpoint accepts no query");
        if (path is null || servers.Find(path) is not { } server) return new Failure(ErrorId.NotFound, "there is no MCP server at this path");
        record.Upstream = server.Upstream;
        var call = new McpCall(server, seal, record, time) { IsStandalone = http.Request.Method == "GET" };
        http.Features.Set(new ErrorShape(error => McpErrorBody.Of(call, error)));
        if (!McpOrigin.IsPermitted(http, publicUrl, server.Options.Origins))
            return new Failure(ErrorId.Forbidden, "no page at this `Origin` may call the server");
        // the document is about the endpoint at `PublicUrl`: under another name a client must not use it (RFC 9728 section 3.3)
        var metadata = path == target.Path ? McpDiscovery.MetadataOf(publicUrl, server) : null;
        if (!(await AuthenticateAsync(http, server, bearer)).Succeeded(out var caller, out var unauthenticated))
            return unauthenticated with { ResourceMetadata = metadata };
        call.Admit(caller);

        if (await ReceiveAsync(http, call) is { } notReceived) return notReceived;
        if (Decide(call) is { } refused) return refused;
        return await ForwardAsync(http, call);
    }

    private async ValueTask<Result<Caller>> AuthenticateAsync(HttpContext http, McpServer server, BearerToken bearer)
    {
        if (bearer.Refusal is { } noJwt) return noJwt;
        var authenticated = await authenticator.AuthenticateAsync(bearer.Text, http.RequestAborted);
        return authenticated.Value is { } caller && caller.Token.Context.Upstream != server.Upstream
            ? new Failure(ErrorId.InvalidToken, "the token is for another upstream than this server's") : authenticated;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<Failure?> ReceiveAsync(HttpContext http, McpCall call)
    {
        if (http.Request.Method is not ("GET" or "POST" or "DELETE")) return new Failure(ErrorId.MethodNotAllowed, $"expected {Methods}") { Allow = Methods };
        byte[] bytes = [];
        if (http.Request.Method == "POST")
        {
            if (!IsJson(http.Request.Headers))
                return new Failure(ErrorId.UnsupportedMediaType, "expected one message as `application/json` in UTF-8, without a `Content-Encoding`");
            if (!(await BodyReader.ReadAsync(http, call.Server.Options.MaxMessage, time)).Succeeded(out var read, out var unreadable)) return unreadable;
            bytes = read;
            // the body took its time, and the token may be over by now
            if (!authorizer.AdmitAgain(call.Record, call.Caller!).Succeeded(out var admitted, out var noMore)) return noMore;
            call.Admit(admitted);
            call.Message = McpMessage.Read(bytes, out var error, out var id);
            call.Id = id;
            if (error is not null) return call.Malformed(error);
            Note(call);
        }
        else if (http.Features.Get<IHttpRequestBodyDetectionFeature>() is not { CanHaveBody: false })
        {
            return new Failure(ErrorId.BadRequest, $"a {http.Request.Method} has no body");
        }
        return CheckHeaders(http, call) ?? Session(http.Request.Headers, call) ?? Prepare(http, call, bytes);
    }

    private static Failure? CheckHeaders(HttpContext http, McpCall call)
    {
        var headers = http.Request.Headers;
        if (headers[McpHeaders.Version].Count > 1) return call.Malformed(McpError.Mismatch($"`{McpHeaders.Version}` is given twice"));
        if (McpRevision.Of(headers[McpHeaders.Version]) is not { } revision) return call.Malformed(McpError.Version(headers[McpHeaders.Version]));
        call.Revision = revision;
        call.Audit.Revision = revision.Version;
        if (call.Message is { } message)
        {
            if (McpHeaders.Check(headers, revision, message) is { } mismatch) return call.Malformed(mismatch);
            if (McpShape.Missing(message) is { } missing)
            {
                var isGone = revision.IsModern && message.Method is "resources/subscribe" or "resources/unsubscribe";
                return call.Malformed(isGone ? McpError.NoMethod($"revision {revision.Version} has no `{message.Method}`") : McpError.Malformed(missing));
            }
            return revision.IsModern && message.IsResponse
                ? call.Malformed(McpError.Malformed($"revision {revision.Version} has no responses by clients")) : null;
        }
        if (revision.IsModern) return new Failure(ErrorId.MethodNotAllowed, $"revision {revision.Version} has POST only") { Allow = "POST" };
        if (call.IsStandalone && !headers.Accept.ToString().Contains("text/event-stream", StringComparison.OrdinalIgnoreCase))
            return call.Malformed(new McpError(406, 406, "expected `Accept: text/event-stream`"));
        return null;
    }

    /// <summary>Puts the server's own session id in place of the sealed one.</summary>
    private static Failure? Session(IHeaderDictionary headers, McpCall call)
    {
        var session = headers[McpHeaders.Session];
        if (call.Revision.IsModern || session.Count == 0)
        {
            headers.Remove(McpHeaders.Session);
            headers.Remove(McpHeaders.LastEvent);
            return null;
        }
        if (session.Count > 1 || headers[McpHeaders.LastEvent].Count > 1)
            return call.Malformed(McpError.Malformed($"`{McpHeaders.Session}` or `{McpHeaders.LastEvent}` is given twice"));
        // another caller's is as unknown as one that has ended: the client begins anew
        if (call.Seal.OpenSession(session[0] ?? "", call.Binding) is not { } own)
            return call.Malformed(new McpError(404, 404, "not_found: the session is unknown, or it has ended"));
        call.Audit.Session = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(own)))[..16];
        headers[McpHeaders.Session] = own;
        return null;
    }

    private static Failure? Prepare(HttpContext http, McpCall call, byte[] received)
    {
        var headers = http.Request.Headers;
        // the page was checked here, and the server is asked by the proxy
        headers.Remove(HeaderNames.Origin);
        headers.AcceptEncoding = "identity";
        if (call.Message is null) return null;
        if (!McpOutgoing.Prepare(call, received, headers).Succeeded(out var sent, out var failure)) return failure;
        BodyReader.Replace(http, sent);
        return null;
    }

    private static Failure? Decide(McpCall call)
    {
        var decision = call.Decide(call.Caller!);
        call.Record.Decide(decision, decision.Outcome != DecisionOutcome.Allow && decision.Rule is null ? call.Caller!.Grants.Nearest(call.Now) : null);
        if (decision.Outcome == DecisionOutcome.Allow) return null;
        return call.Refused(decision.Outcome == DecisionOutcome.BadRequest ? ErrorId.BadRequest : ErrorId.Forbidden, decision.Reason);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<Failure?> ForwardAsync(HttpContext http, McpCall call)
    {
        var caller = call.Caller!;
        if (credentials.Find(caller, time, out var source) is { } noCredential) return noCredential;
        call.Await(call.Server.Options.ActivityTimeout);
        var forwarded = new ForwardedRequest
        {
            Upstream = call.Server.Forwarding,
            Origin = call.Server.Origin,
            Target = call.Server.Target,
            RequestId = call.Record.RequestId!,
            Caller = caller,
            Source = source,
            MayGoOn = caller => MayGoOn(call, caller),
            Interception = new Interception(null, new McpAnswer(call).TakeAsync),
        };
        var preparing = Forwarder.PrepareAsync(http, forwarded);
        var waited = !preparing.IsCompleted;
        if (await preparing is { } notPrepared) return notPrepared;
        if (waited)
        {
            if (!authorizer.AdmitAgain(call.Record, caller).Succeeded(out var admitted, out var noMore)) return noMore;
            call.Admit(admitted);
            if (Decide(call) is { } noLonger) return noLonger;
            if (credentials.FindAgain(source, caller, admitted, time) is { } changed) return changed;
        }
        return await forwarder.SendAsync(http, forwarded, call.Record);
    }

    /// <summary>
    /// A stream without an end ends with the token; any other runs out. Both end with a revocation, and with a set that no longer permits what was asked; and
    /// a server that takes too long is not waited for.
    /// </summary>
    private Result<Caller> MayGoOn(McpCall call, Caller caller)
    {
        if (call.IsLate) return new Failure(ErrorId.UpstreamTimeout, $"the MCP server `{call.Server.Name}` did not answer in time");
        var again = authenticator.AdmitAgain(caller, mayHaveExpired: !call.IsEndless);
        if (again.Value is not { } admitted || (!call.IsEndless && ReferenceEquals(admitted, caller))) return again;
        // other roles are another caller to the ids that were given out
        if (!ReferenceEquals(admitted, caller) && !McpSeal.BindingOf(admitted, call.Server.Path).AsSpan().SequenceEqual(call.Binding))
            return new Failure(ErrorId.Forbidden, "the caller's roles have changed");
        var decision = call.Decide(admitted);
        if (decision.Outcome != DecisionOutcome.Allow) return new Failure(ErrorId.Forbidden, decision.Reason);
        call.Admit(admitted);
        return admitted;
    }

    private static void Note(McpCall call)
    {
        var message = call.Message!;
        call.Audit.Method = message.Method;
        var name = McpJson.Text(message.Params, "name");
        var uri = name is null ? McpJson.Text(message.Params, "uri") : null;
        call.Audit.Name = name ?? (uri?.IndexOfAny(['?', '#']) is >= 0 and var end ? uri[..end] : uri);
    }

    private static bool IsJson(IHeaderDictionary headers) =>
        headers.ContentEncoding.Count == 0 && headers.ContentType is [var type] && (type == "application/json" || IsJson(type ?? ""));

    private static bool IsJson(string contentType) =>
        MediaTypeHeaderValue.TryParse(MediaTypeText.WithoutEmptyParameters(contentType), out var type)
        && type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
        && type.Parameters.All(parameter => parameter.Name.Equals("charset", StringComparison.OrdinalIgnoreCase)
            && HeaderUtilities.RemoveQuotes(parameter.Value).Equals("utf-8", StringComparison.OrdinalIgnoreCase));
}
