using System.Buffers;
using System.Net.Http.Headers;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using WorkloadProxy.Credentials;
using WorkloadProxy.Forwarding.Bodies;
using Yarp.ReverseProxy.Forwarder;

namespace WorkloadProxy.Forwarding;

/// <summary>
/// The one transformer: headers are copied one by one through <see cref="HeaderHygiene"/>, the target goes out as decided, the credential goes in.
/// </summary>
internal sealed class RequestTransformer : HttpTransformer
{
    // but for the tab
    private static readonly SearchValues<char> control =
        SearchValues.Create([.. Enumerable.Range(0, ' ').Append(0x7f).Select(c => (char)c).Where(c => c != '\t')]);
    private static readonly UriCreationOptions Verbatim = new() { DangerousDisablePathAndQueryCanonicalization = true };

    public override ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix,
        CancellationToken cancellationToken)
    {
        var forwarded = httpContext.Features.Get<ForwardedRequest>()!;
        var headers = httpContext.Request.Headers;
        var connection = headers.Connection;
        var passesThrough = forwarded.Credential is null && !forwarded.IsPublic;
        HttpContent? content = proxyRequest.Content is { } own ? UseEager(httpContext, proxyRequest, own) : null;
        foreach (var (name, values) in headers)
        {
            var isOwnToken = passesThrough && name.Equals(HeaderNames.Authorization, StringComparison.OrdinalIgnoreCase);
            if (!isOwnToken && !forwarded.Upstream.Hygiene.ReachesUpstream(name)) continue;
            if (connection.Count > 0 && HeaderHygiene.MayBeHopByHop(name) && IsNamed(connection, name)) continue;
            // with both, the length is the one that can lie (RFC 9112 §6.3)
            if (name.Equals(HeaderNames.ContentLength, StringComparison.OrdinalIgnoreCase) && headers.TransferEncoding.Count > 0) continue;
            if (forwarded.Credential is { } replacing && replacing.HasHeader(name)) continue;
            if (name.AsSpan().ContainsAnyExceptInRange('!', '~')) throw new UnsafeTextException("a header's name");
            if (HoldsControl(values)) throw new ControlCharacterException();
            if (TryAdd(proxyRequest.Headers, name, values)) continue;
            // one of those that .NET files under content: they go on without a body too
            if (content is null)
            {
                // a tunnel has no content (RFC 9110 §9.3.6)
                if (proxyRequest.Method == HttpMethod.Connect) continue;
                proxyRequest.Options.Set(OutgoingHandler.Content, content = new EmptyContent());
            }
            TryAdd(content.Headers, name, values);
        }
        // gRPC asks for trailers; nothing else of TE crosses
        if (proxyRequest.Version.Major >= 2 && IsNamed(headers.TE, "trailers")) proxyRequest.Headers.TryAddWithoutValidation(HeaderNames.TE, "trailers");
        proxyRequest.Headers.TryAddWithoutValidation("X-Request-Id", forwarded.RequestId);
        if (forwarded.Upstream.PublicHost is { } publicHost)
        {
            // an upstream that makes addresses of its own makes ones that lead back here; the caller's `Host` could make them lead anywhere
            proxyRequest.Headers.Host = publicHost;
            proxyRequest.Headers.TryAddWithoutValidation("X-Forwarded-Host", publicHost);
            proxyRequest.Headers.TryAddWithoutValidation("X-Forwarded-Proto", forwarded.Upstream.Options.PublicHost!.Scheme);
        }
        if (forwarded.Credential is { } credential)
        {
            foreach (var header in credential.Headers)
            {
                // a token service could answer with a line of its own
                if (HoldsControl(header.Value.Reveal())) throw new UnsafeTextException("the credential");
                TryAdd(proxyRequest.Headers, header.Name, header.Value.Reveal());
            }
        }
        var target = forwarded.Credential?.ApplyToQuery(forwarded.Target) ?? forwarded.Target;
        var uri = destinationPrefix + target;
        if (uri.AsSpan().ContainsAnyExceptInRange('!', '~')) throw new UnsafeTextException("the target");
        proxyRequest.RequestUri = new Uri(uri, Verbatim);
        return default;
    }

    public override ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        if (proxyResponse is null) return new(false);
        var forwarded = httpContext.Features.Get<ForwardedRequest>()!;
        if (forwarded.Source is { Judges: true } || forwarded.Interception.OnAnswer is not null)
            return JudgeAsync(httpContext, proxyResponse, forwarded, cancellationToken);
        var passes = Pass(httpContext, proxyResponse, forwarded);
        return passes && forwarded.EndsWithToken ? BeginAsync(httpContext, proxyResponse, cancellationToken) : new(passes);
    }

    /// <summary>False throws the answer away: it is followed by another attempt, or the caller gets the verdict's failure in its place.</summary>
    private static async ValueTask<bool> JudgeAsync(HttpContext httpContext, HttpResponseMessage answer, ForwardedRequest forwarded,
        CancellationToken cancellationToken)
    {
        if (forwarded.Source is { Judges: true } source)
        {
            forwarded.Verdict = await source.JudgeAsync(forwarded.UseOf(httpContext), forwarded.Credential!, answer, cancellationToken);
            if (forwarded.Verdict != default) return false;
        }
        if (forwarded.Interception.OnAnswer is { } onAnswer && await onAnswer(answer, cancellationToken) is { } refused)
        {
            forwarded.Verdict = new(Refused: refused);
            return false;
        }
        return Pass(httpContext, answer, forwarded) && (!forwarded.EndsWithToken || await BeginAsync(httpContext, answer, cancellationToken));
    }

    /// <summary>Sends the head of a stream at once: its first event may come much later, and the caller waits for the head to know that it is heard.</summary>
    private static async ValueTask<bool> BeginAsync(HttpContext httpContext, HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        // an upgrade has its own way, and what is gRPC sends its head as the upstream does: without a body, as trailers
        if (EndlessAnswer.IsEventStream(httpContext.Response.Headers.ContentType) && answer.StatusCode == System.Net.HttpStatusCode.OK)
            await httpContext.Response.Body.FlushAsync(cancellationToken);
        return true;
    }

    private static bool Pass(HttpContext httpContext, HttpResponseMessage proxyResponse, ForwardedRequest forwarded)
    {
        if (forwarded.IsWebSocket && !TookUpgrade(proxyResponse)) return false;
        if (!AnswerHeaders.Copy(proxyResponse, httpContext, forwarded.Credential)) CountingStream.Install(httpContext);
        forwarded.EndsWithToken |= EndlessAnswer.Is(httpContext.Response.Headers.ContentType);
        return true;
    }

    public override ValueTask TransformResponseTrailersAsync(HttpContext httpContext, HttpResponseMessage proxyResponse, CancellationToken cancellationToken)
    {
        AnswerHeaders.CopyTrailers(proxyResponse, httpContext, httpContext.Features.Get<ForwardedRequest>()!.Credential);
        return default;
    }

    /// <summary>
    /// Whether a WebSocket's answer is what <c>connect</c> permits: the upgrade (over HTTP/2 a 200 to CONNECT) or a refusal. Any other success is the answer to
    /// an ordinary GET, which needs <c>read</c>.
    /// </summary>
    public static bool TookUpgrade(HttpResponseMessage response) =>
        (int)response.StatusCode is 101 or >= 300 || response.RequestMessage?.Method == HttpMethod.Connect;

    private static EagerContent UseEager(HttpContext httpContext, HttpRequestMessage proxyRequest, HttpContent own)
    {
        var body = new EagerBody(HeldBody.Received(httpContext));
        httpContext.Request.Body = body;
        var content = new EagerContent(own, body);
        proxyRequest.Options.Set(OutgoingHandler.Content, content);
        return content;
    }

    private static bool TryAdd(HttpHeaders headers, string name, StringValues values) =>
        values.Count == 1 ? headers.TryAddWithoutValidation(name, values.ToString()) : headers.TryAddWithoutValidation(name,
            (IEnumerable<string>)values.ToArray()!);

    private static bool HoldsControl(StringValues values)
    {
        foreach (var value in values)
        {
            if (value.AsSpan().ContainsAny(control)) return true;
        }
        return false;
    }

    private static bool IsNamed(StringValues list, string name)
    {
        foreach (var value in list)
        {
            foreach (var part in (value ?? "").AsSpan().Split(','))
            {
                if (value.AsSpan(part).Trim().Equals(name, StringComparison.OrdinalIgnoreCase)) return true;
            }
        }
        return false;
    }
}
