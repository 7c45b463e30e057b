using System.Net.Http.Headers;
using System.Text.Json;
using WorkloadProxy.Credentials;
using WorkloadProxy.Forwarding;
using WorkloadProxy.Mcp.Protocol;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Mcp;

/// <summary>Takes the server's answer: nothing of it reaches the caller before it was judged.</summary>
internal sealed class McpAnswer(McpCall call)
{
    /// <summary>A server that only says that much makes the proxy allocate no more.</summary>
    private const int MostHeldAtOnce = 65_536;
    private static readonly McpNames ofMessage = new("result", "method");

    /// <summary>Null when the answer, or what is left of it, goes back.</summary>
    public async ValueTask<Failure?> TakeAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        var status = (int)answer.StatusCode;
        // it speaks of the proxy's credential, and a client would begin to sign in
        answer.Headers.Remove("WWW-Authenticate");
        if (status == 401) return CredentialStore.Unavailable("the MCP server answered 401");
        if (status == 403) return call.Refused(ErrorId.Forbidden, $"the MCP server `{call.Server.Name}` refused the request");
        if (status is >= 300 and < 400) return Fault("a redirect");
        if (answer.Content.Headers.ContentEncoding.Any(encoding => !encoding.Equals("identity", StringComparison.OrdinalIgnoreCase)))
            return Fault("a compressed answer, which was not asked for");
        if (SealSession(answer) is { } noSession) return noSession;
        var type = answer.Content.Headers.ContentType?.MediaType;
        var isStream = string.Equals(type, "text/event-stream", StringComparison.OrdinalIgnoreCase);
        if (status >= 400) return await PassErrorAsync(answer, isStream, cancellationToken);
        if (call.Message is { IsRequest: false } || (call.Message is null && !call.IsStandalone))
        {
            // a notification, a response or a DELETE has no answer
            Replace(answer, default);
            return null;
        }
        if (isStream && status == 200) return await BeginAsync(answer, cancellationToken);
        if (call.IsStandalone || !string.Equals(type, "application/json", StringComparison.OrdinalIgnoreCase)) return Fault("neither JSON nor an event stream");
        if (await ReadAsync(answer, cancellationToken) is not { } bytes) return Fault("an answer that is too long");
        var judged = McpServerMessage.Judge(bytes, call);
        if (judged.Verdict != McpVerdict.Pass) return Fault(judged.Fault ?? "a request in place of an answer");
        Replace(answer, judged.Json);
        return null;
    }

    private async ValueTask<Failure?> BeginAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        var inner = await answer.Content.ReadAsStreamAsync(cancellationToken);
        var stream = new McpEventStream(inner, call);
        // the first event of a call's answer decides whether it can still fail with an HTTP status
        if (!call.IsEndless && await stream.BeginAsync(cancellationToken) is { } fault) return Fault(fault);
        // from now on it may be silent for hours
        call.Await(null);
        var type = answer.Content.Headers.ContentType;
        answer.Content = new StreamContent(stream);
        answer.Content.Headers.ContentType = type;
        answer.Headers.Remove("X-Accel-Buffering");
        answer.Headers.TryAddWithoutValidation("X-Accel-Buffering", "no");
        return null;
    }

    /// <summary>A client error passes as it is, unless a result or a request hides in it.</summary>
    private async ValueTask<Failure?> PassErrorAsync(HttpResponseMessage answer, bool isStream, CancellationToken cancellationToken)
    {
        if (await ReadAsync(answer, cancellationToken) is not { } bytes) return Fault("an answer that is too long");
        var isJson = answer.Content.Headers.ContentType?.MediaType?.EndsWith("json", StringComparison.OrdinalIgnoreCase) == true;
        foreach (var part in isStream ? EventsOf(bytes) : [bytes])
        {
            if ((isStream && part.IsEmpty) || !RequestBody.TryParseJson(part, out var body, out _))
            {
                // of what claims to be JSON nothing goes on that can't be judged; a text or a page is no message to anybody
                if (isStream || isJson) bytes = [];
            }
            else if (MayBeMessage(body.Json))
            {
                return Fault("a message with an error's status");
            }
            else if (McpServerMessage.AsksForInput(body.Json, call))
            {
                return Fault("a request for input that no policy permits");
            }
        }
        Replace(answer, bytes);
        return null;
    }

    /// <summary>The data of the events of a whole stream; one that is none where a reader could find another.</summary>
    private IEnumerable<ReadOnlyMemory<byte>> EventsOf(byte[] bytes)
    {
        var reader = new McpEventReader(call.Server.Options.MaxAnswer);
        reader.Add(bytes);
        var read = 0;
        while (reader.TryRead(out var found))
        {
            read += found.Raw.Length;
            if (found.IsAmbiguous) yield return default;
            else if (!found.Data.IsEmpty) yield return found.Data;
        }
        if (read < bytes.Length) yield return default;
    }

    private static bool MayBeMessage(JsonElement root) => root.ValueKind == JsonValueKind.Array ? root.EnumerateArray().Any(MayBeMessage)
        : root.ValueKind == JsonValueKind.Object
        && root.EnumerateObject().Any(member => member.Name is "result" or "method" || McpJson.Twin(root, ofMessage) is not null);

    private Failure? SealSession(HttpResponseMessage answer)
    {
        if (!answer.Headers.NonValidated.TryGetValues(McpHeaders.Session, out var values)) return null;
        var ids = values.ToArray();
        answer.Headers.Remove(McpHeaders.Session);
        if (call.Revision.IsModern) return null;
        if (ids.Length > 1 || ids[0].Length is 0 or > 1024 || ids[0].AsSpan().ContainsAnyExceptInRange('!', '~'))
            return Fault("more than one session id, or a malformed one");
        answer.Headers.TryAddWithoutValidation(McpHeaders.Session, call.Seal.SealSession(ids[0], call.Binding));
        return null;
    }

    /// <summary>The whole content; null if it is longer than is taken.</summary>
    private async ValueTask<byte[]?> ReadAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        var most = call.Server.Options.MaxAnswer;
        if (answer.Content.Headers.ContentLength > most) return null;
        await using var stream = await answer.Content.ReadAsStreamAsync(cancellationToken);
        if (answer.Content.Headers.ContentLength is > 0 and <= MostHeldAtOnce and var length)
        {
            var whole = new byte[length];
            await stream.ReadExactlyAsync(whole, cancellationToken);
            return whole;
        }
        using var held = new MemoryStream();
        var buffer = new byte[8192];
        for (int read; (read = await stream.ReadAsync(buffer, cancellationToken)) > 0;)
        {
            if (held.Length + read > most) return null;
            held.Write(buffer, 0, read);
        }
        return held.ToArray();
    }

    private static void Replace(HttpResponseMessage answer, ReadOnlyMemory<byte> bytes)
    {
        var old = answer.Content;
        MediaTypeHeaderValue? type = bytes.IsEmpty ? null : old.Headers.ContentType;
        answer.Content = new ReadOnlyMemoryContent(bytes);
        answer.Content.Headers.ContentType = type;
        // the length is known now, however the server sent it
        answer.Headers.TransferEncoding.Clear();
        old.Dispose();
    }

    private Failure Fault(string what) => new(ErrorId.UpstreamUnreachable, $"the MCP server `{call.Server.Name}` sent {what}");
}
