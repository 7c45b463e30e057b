using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using WorkloadProxy.Mcp.Protocol;

namespace WorkloadProxy.Cli.Agents;

/// <summary>
/// Messages by line ↔ an MCP endpoint, in both revisions. It adds the token and the headers that HTTP wants, and changes no message. On a 401 it tries once
/// more with a new token, and on a 404 it begins a new session and tries once more.
/// </summary>
internal sealed class McpBridge(Uri endpoint, TokenFetcher tokens, Stream output, Action<string> log) : IAsyncDisposable
{
    private static readonly TimeSpan pause = TimeSpan.FromSeconds(2);
    private const int MostResumptions = 3;
    private readonly HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = Timeout.InfiniteTimeSpan };
    private readonly SemaphoreSlim writing = new(1);
    private readonly SemaphoreSlim renewing = new(1);
    /// <summary>By the id of the request: what ends the call, and whether it only listens.</summary>
    private readonly ConcurrentDictionary<string, (CancellationTokenSource Stop, bool Listens)> calls = new(StringComparer.Ordinal);
    private readonly McpParameterHeaders parameters = new();
    private string? session, version, initialize;
    private CancellationToken stopping;
    private CancellationTokenSource? listening;

    public async Task RunAsync(TextReader input, CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        stopping = end.Token;
        var running = new ConcurrentDictionary<Task, bool>();
        while (await input.ReadLineAsync(cancellationToken) is { } line)
        {
            if (string.IsNullOrWhiteSpace(line)) continue;
            if (BridgeMessage.Parse(line, out var error) is not { } message)
            {
                await FailAsync("null", error.Code, error.Text);
                continue;
            }
            if (message.Cancels is { } id && calls.TryGetValue(id, out var cancelled)) await CancelAsync(cancelled.Stop);
            // the newest revision has no such message: the stream's end says it
            if (message.Cancels is not null && version is null) continue;
            var task = HandleAsync(message);
            running.TryAdd(task, true);
            _ = task.ContinueWith(done => running.TryRemove(done, out _), TaskScheduler.Default);
            // what follows needs the session
            if (message.Method == "initialize") await task;
        }
        // requests that were read are answered; what only listens ends
        foreach (var call in calls.Values.Where(call => call.Listens)) await CancelAsync(call.Stop);
        await Task.WhenAll(running.Keys);
        await end.CancelAsync();
        if (session is not null) await CloseAsync();
    }

    private async Task HandleAsync(BridgeMessage message)
    {
        using var call = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        if (message.Id is { } id) calls[id] = (call, message.Method == "subscriptions/listen");
        try
        {
            if (message.Method == "initialize") (initialize, session, version) = (message.Line, null, null);
            await SendAsync(message, call.Token);
            if (message.Method == "notifications/initialized") Listen();
        }
        catch (OperationCanceledException)
        {
            // nobody waits for the answer any more
        }
        catch (Exception error) when (error is TokenException or HttpRequestException or IOException or JsonException)
        {
            await FailAsync(message, error is TokenException ? 401 : 502, error.Message);
        }
        finally
        {
            if (message.Id is { } done) calls.TryRemove(done, out _);
        }
    }

    private static async Task CancelAsync(CancellationTokenSource call)
    {
        try
        {
            await call.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // it has ended by itself meanwhile
        }
    }

    private async Task SendAsync(BridgeMessage message, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var used = session;
            using var answer = await PostAsync(message, fresh: false, cancellationToken);
            var renewed = answer.StatusCode == HttpStatusCode.Unauthorized ? await PostAsync(message, fresh: true, cancellationToken) : null;
            using (renewed)
            {
                var last = renewed ?? answer;
                if (attempt == 1 && last.StatusCode == HttpStatusCode.NotFound && used is not null && message.Method != "initialize"
                    && await BeginAgainAsync(used, cancellationToken))
                    continue;
                await TakeAsync(message, last, cancellationToken);
                return;
            }
        }
    }

    private async Task<HttpResponseMessage> PostAsync(BridgeMessage message, bool fresh, CancellationToken cancellationToken)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, endpoint) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(message.Line)) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
        await AddHeadersAsync(request, message, fresh, cancellationToken);
        return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    private async Task AddHeadersAsync(HttpRequestMessage request, BridgeMessage? message, bool fresh, CancellationToken cancellationToken)
    {
        var token = await tokens.GetAsync(fresh, cancellationToken);
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token.Token}");
        request.Headers.TryAddWithoutValidation("Accept", message is null ? "text/event-stream" : "application/json, text/event-stream");
        var spoken = message?.Revision ?? (message?.Method == "initialize" ? null : version);
        if (spoken is not null) request.Headers.TryAddWithoutValidation(McpHeaders.Version, spoken);
        if (message?.Revision is null && message?.Method != "initialize" && session is { } own)
            request.Headers.TryAddWithoutValidation(McpHeaders.Session, own);
        if (message?.Revision is null) return;
        request.Headers.TryAddWithoutValidation(McpHeaders.Method, message.Method);
        if (message.Name is { } name) request.Headers.TryAddWithoutValidation(McpHeaders.Name, McpHeaders.Encode(name));
        foreach (var (header, value) in parameters.Of(message)) request.Headers.TryAddWithoutValidation(header, value);
    }

    private async Task TakeAsync(BridgeMessage message, HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        if (message.Method == "initialize" && answer.IsSuccessStatusCode)
            session = answer.Headers.TryGetValues(McpHeaders.Session, out var ids) ? ids.First() : null;
        if (IsStream(answer))
        {
            await StreamAsync(message, answer, cancellationToken);
            return;
        }
        if (message.Id is null && answer.IsSuccessStatusCode) return;
        var found = answer.Content.Headers.ContentType?.MediaType == "application/json"
            ? BridgeMessage.Parse(await answer.Content.ReadAsStringAsync(cancellationToken)) : null;
        if (found?.Answers(message) == true) await PassAsync(message, found.Line);
        else await FailAsync(message, answer.IsSuccessStatusCode ? 502 : (int)answer.StatusCode,
            $"the proxy answered {(int)answer.StatusCode}{(found?.Problem is { } why ? $": {why}" : "")}");
    }

    /// <summary>
    /// Passes on what a stream says. In a session one that ends before its answer goes on where it is asked for what came after its last event; what has not
    /// come by then never comes.
    /// </summary>
    private async Task StreamAsync(BridgeMessage message, HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        var of = message.Revision is null ? session : null;
        var stream = new BridgeStream(message);
        await foreach (var json in stream.ReadAsync(answer, cancellationToken)) await PassAsync(message, json);
        for (var left = MostResumptions; IsOpen() && left > 0; left--)
        {
            var from = stream.LastEvent;
            await Task.Delay(stream.Pause ?? pause, cancellationToken);
            try
            {
                using var rest = await GetAsync(from, cancellationToken);
                if (!IsStream(rest)) break;
                await foreach (var json in stream.ReadAsync(rest, cancellationToken)) await PassAsync(message, json);
            }
            catch (HttpRequestException) when (left > 1)
            {
                // what cut the stream may cut the next connection too
            }
            // a server may cut a long stream as often as it likes, as long as something comes
            if (stream.LastEvent != from) left = MostResumptions;
        }
        if (message.Id is not null && !stream.IsAnswered) await FailAsync(message, 502, "the stream ended without an answer");

        bool IsOpen() => message.Id is not null && !stream.IsAnswered && stream.LastEvent is { Length: > 0 } && of is not null && session == of;
    }

    /// <summary>A stream of the session: what the server says unasked, or what it said to a call after the event <paramref name="from"/>.</summary>
    private async Task<HttpResponseMessage> GetAsync(string? from, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, endpoint);
        if (from is not null) request.Headers.TryAddWithoutValidation(McpHeaders.LastEvent, from);
        await AddHeadersAsync(request, null, fresh: false, cancellationToken);
        return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    private static bool IsStream(HttpResponseMessage answer) =>
        answer.IsSuccessStatusCode && answer.Content.Headers.ContentType?.MediaType == "text/event-stream";

    private async Task PassAsync(BridgeMessage? message, string json)
    {
        if (message?.Method == "initialize" && BridgeMessage.NegotiatedVersion(json) is { } negotiated) version = negotiated;
        if (message?.Method == "tools/list") parameters.Learn(json);
        await WriteAsync(json);
    }

    /// <summary>Listens in the session that there is now, and no longer in one before it.</summary>
    private void Listen()
    {
        listening?.Cancel();
        listening = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        _ = ListenAsync(listening.Token);
    }

    /// <summary>
    /// What the server says without being asked, in a session. The stream ends with its token, and is opened again with a new one; a server that offers none
    /// answers 405.
    /// </summary>
    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        var of = session;
        while (!cancellationToken.IsCancellationRequested && session == of)
        {
            try
            {
                using var answer = await GetAsync(null, cancellationToken);
                if (answer.StatusCode == HttpStatusCode.Unauthorized) await tokens.GetAsync(fresh: true, cancellationToken);
                else if (!IsStream(answer)) return;
                else await foreach (var json in new BridgeStream(null).ReadAsync(answer, cancellationToken)) await PassAsync(null, json);
            }
            catch (Exception error) when (error is TokenException or HttpRequestException or IOException)
            {
                // it broke off: the calls tell the host what is wrong, if something is
            }
            catch (OperationCanceledException)
            {
                return;
            }
            await Task.Delay(pause, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>A session has ended: the host's own <c>initialize</c> begins another. One call does it for all that wait.</summary>
    private async Task<bool> BeginAgainAsync(string ended, CancellationToken cancellationToken)
    {
        if (initialize is null || BridgeMessage.Parse(initialize) is not { } begin) return false;
        await renewing.WaitAsync(cancellationToken);
        try
        {
            if (session != ended) return session is not null;
            using var answer = await PostAsync(begin, fresh: false, cancellationToken);
            if (!answer.IsSuccessStatusCode || !answer.Headers.TryGetValues(McpHeaders.Session, out var ids)) return false;
            version = await NegotiatedVersionAsync(answer, cancellationToken) ?? version;
            session = ids.First();
            using var initialized = await PostAsync(BridgeMessage.Parse("""{"jsonrpc":"2.0","method":"notifications/initialized"}""")!, fresh: false,
                cancellationToken);
            if (!initialized.IsSuccessStatusCode) return false;
            if (listening is not null) Listen();
            return true;
        }
        finally
        {
            renewing.Release();
        }
    }

    private static async Task<string?> NegotiatedVersionAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        if (!IsStream(answer)) return BridgeMessage.NegotiatedVersion(await answer.Content.ReadAsStringAsync(cancellationToken));
        await foreach (var json in new BridgeStream(null).ReadAsync(answer, cancellationToken))
        {
            if (BridgeMessage.NegotiatedVersion(json) is { } found) return found;
        }
        return null;
    }

    private async Task FailAsync(BridgeMessage message, int code, string text)
    {
        if (message.Id is { } id) await FailAsync(id, code, text);
        else log($"{text} (`{McpJson.Shown(message.Method ?? "a response")}`)");
    }

    private Task FailAsync(string id, int code, string text) =>
        WriteAsync($"{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":{code},\"message\":{McpJson.Quote(text)}}}}}");

    private async Task WriteAsync(string json)
    {
        // a message is one line; a line end can only be between tokens
        var line = Encoding.UTF8.GetBytes(json.Replace('\n', ' ').Replace('\r', ' ') + "\n");
        await writing.WaitAsync();
        try
        {
            await output.WriteAsync(line);
            await output.FlushAsync();
        }
        finally
        {
            writing.Release();
        }
    }

    private async Task CloseAsync()
    {
        try
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
            using var request = new HttpRequestMessage(HttpMethod.Delete, endpoint);
            await AddHeadersAsync(request, null, fresh: false, patience.Token);
            using var answer = await http.SendAsync(request, patience.Token);
        }
        catch (Exception error) when (error is TokenException or HttpRequestException or OperationCanceledException)
        {
            // the server ends an idle session by itself
        }
    }

    public async ValueTask DisposeAsync()
    {
        listening?.Dispose();
        http.Dispose();
        await output.FlushAsync();
    }
}
