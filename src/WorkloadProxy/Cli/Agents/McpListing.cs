using System.Text;
using System.Text.Json;
using WorkloadProxy.Mcp.Protocol;

namespace WorkloadProxy.Cli.Agents;

/// <summary>Lists what an MCP endpoint offers, in the newest revision or, where the server doesn't speak it, in one with sessions.</summary>
internal sealed class McpListing(Uri endpoint, TokenFetcher tokens) : IDisposable
{
    private const string Legacy = "2025-11-25";
    private const int MethodNotFound = -32601, MostPages = 100, MaxAnswer = 16 * 1024 * 1024;
    private const string Client = "\"clientInfo\":{\"name\":\"workload-proxy\",\"version\":\"1\"}";
    private readonly HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false })
        { Timeout = TimeSpan.FromSeconds(60), MaxResponseContentBufferSize = MaxAnswer };
    private string version = McpRevision.Modern;
    private string? session;
    private int id;

    /// <summary>Finds out which revision the server speaks.</summary>
    /// <exception cref="TokenException">There is no token, or no MCP server.</exception>
    public async Task BeginAsync(CancellationToken cancellationToken)
    {
        if (McpJson.Object(await AskAsync("server/discover", "", cancellationToken), "result").ValueKind == JsonValueKind.Object) return;
        version = Legacy;
        var answer = await AskAsync("initialize", $"\"protocolVersion\":\"{Legacy}\",\"capabilities\":{{}},{Client}", cancellationToken);
        version = McpJson.Text(Result(answer, "initialize"), "protocolVersion") ?? Legacy;
        using var initialized = await SendAsync(HttpMethod.Post, """{"jsonrpc":"2.0","method":"notifications/initialized"}""", "notifications/initialized",
            cancellationToken);
    }

    /// <summary>All items of <c>tools/list</c> or <c>prompts/list</c>; null where the server has no such list.</summary>
    /// <exception cref="TokenException">There is no token, or no list.</exception>
    public async Task<List<JsonElement>?> ListAsync(string what, CancellationToken cancellationToken)
    {
        var items = new List<JsonElement>();
        var pages = new HashSet<string>(StringComparer.Ordinal);
        for (string? cursor = null; ;)
        {
            var answer = await AskAsync($"{what}/list", cursor is null ? "" : $"\"cursor\":{McpJson.Quote(cursor)}", cancellationToken);
            var error = McpJson.Object(answer, "error");
            if (error.ValueKind == JsonValueKind.Object && error.TryGetProperty("code", out var code) && code.ValueKind == JsonValueKind.Number
                && code.TryGetDouble(out var number) && number == MethodNotFound)
                return null;
            var result = Result(answer, $"{what}/list");
            if (!result.TryGetProperty(what, out var page) || page.ValueKind != JsonValueKind.Array)
                throw new TokenException($"`{what}/list` was answered without a list");
            items.AddRange(page.EnumerateArray());
            cursor = McpJson.Text(result, "nextCursor");
            if (cursor is null) return items;
            // a server that names a page twice would be asked for ever
            if (!pages.Add(cursor) || pages.Count > MostPages) throw new TokenException($"`{what}/list` has no last page");
        }
    }

    /// <summary>Ends the session, if there is one.</summary>
    public async Task EndAsync(CancellationToken cancellationToken)
    {
        if (session is null) return;
        using var ended = await SendAsync(HttpMethod.Delete, null, null, cancellationToken);
    }

    public void Dispose() => http.Dispose();

    private async Task<JsonElement> AskAsync(string method, string parameters, CancellationToken cancellationToken)
    {
        var meta = version == McpRevision.Modern
            ? $"\"_meta\":{{\"{McpMessage.MetaVersionName}\":\"{version}\",\"{McpMessage.ClientCapabilitiesName}\":{{}},"
                + $"\"io.modelcontextprotocol/{Client[1..]}}}" : "";
        var separator = meta.Length > 0 && parameters.Length > 0 ? "," : "";
        using var answer = await SendAsync(HttpMethod.Post,
            $"{{\"jsonrpc\":\"2.0\",\"id\":{++id},\"method\":\"{method}\",\"params\":{{{meta}{separator}{parameters}}}}}", method, cancellationToken);
        if (method == "initialize" && answer.Headers.TryGetValues(McpHeaders.Session, out var ids)) session = ids.First();
        var body = await answer.Content.ReadAsByteArrayAsync(cancellationToken);
        var isStream = answer.Content.Headers.ContentType?.MediaType == "text/event-stream";
        foreach (var part in isStream ? DataOf(body) : [body])
        {
            if (BridgeMessage.Parse(Encoding.UTF8.GetString(part.Span)) is { IsAnswer: true } found) return JsonElement.Parse(found.Line);
        }
        throw new TokenException($"`{endpoint}` answered {(int)answer.StatusCode} without a JSON-RPC message");
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod verb, string? body, string? method, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(verb, endpoint);
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {(await tokens.GetAsync(fresh: false, cancellationToken)).Token}");
        request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
        if (method != "initialize") request.Headers.TryAddWithoutValidation(McpHeaders.Version, version);
        if (session is not null) request.Headers.TryAddWithoutValidation(McpHeaders.Session, session);
        if (method is not null && version == McpRevision.Modern) request.Headers.TryAddWithoutValidation(McpHeaders.Method, method);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        try
        {
            return await http.SendAsync(request, cancellationToken);
        }
        catch (Exception error) when (error is HttpRequestException || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new TokenException($"`{endpoint}` can't be reached", error);
        }
    }

    private static JsonElement Result(JsonElement answer, string method)
    {
        var result = McpJson.Object(answer, "result");
        if (result.ValueKind == JsonValueKind.Object) return result;
        throw new TokenException($"`{method}` was answered with: "
            + $"{McpJson.Shown(McpJson.Text(McpJson.Object(answer, "error"), "message") ?? "neither a result nor an error")}");
    }

    private static IEnumerable<ReadOnlyMemory<byte>> DataOf(byte[] stream)
    {
        var reader = new McpEventReader(MaxAnswer);
        reader.Add(stream);
        while (reader.TryRead(out var found)) yield return found.Data;
    }
}
