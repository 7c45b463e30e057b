using System.Net.Http.Headers;

namespace Compare.Agents;

/// <summary>What a client of the revision with sessions sends.</summary>
internal static class McpClient
{
    public const string Path = "/_mcp/DigitalOcean/bench";

    /// <summary>A stream, of which the first bytes have come.</summary>
    public static async Task<Stream> OpenAsync(HttpClient http)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Path);
        request.Headers.Accept.ParseAdd("text/event-stream");
        var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        if (!answer.IsSuccessStatusCode)
            throw new InvalidOperationException($"a stream was answered with {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
        var stream = await answer.Content.ReadAsStreamAsync();
        await ReadEventAsync(stream);
        return stream;
    }

    /// <summary>Reads to the end of an event; there is never more than one under way.</summary>
    public static async Task ReadEventAsync(Stream stream)
    {
        var buffer = new byte[4096];
        for (var length = 0; length < 2 || buffer[length - 1] != '\n' || buffer[length - 2] != '\n';)
        {
            var read = await stream.ReadAsync(buffer.AsMemory(length));
            if (read == 0) throw new InvalidOperationException("a stream ended early");
            length += read;
        }
    }

    public static async Task CallAsync(HttpClient http, string message)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Path)
            { Content = new StringContent(message, new MediaTypeHeaderValue("application/json")) };
        request.Headers.Accept.ParseAdd("application/json");
        request.Headers.Accept.ParseAdd("text/event-stream");
        request.Headers.Add("MCP-Protocol-Version", "2025-11-25");
        using var answer = await http.SendAsync(request);
        Check(await answer.Content.ReadAsStringAsync());
    }

    /// <summary>A refusal is an HTTP 200 too.</summary>
    public static void Check(string? answer)
    {
        if (answer is null || !answer.Contains("\"result\":", StringComparison.Ordinal) || answer.Contains("\"isError\":true", StringComparison.Ordinal))
            throw new InvalidOperationException($"a call was answered with: {answer}");
    }
}
