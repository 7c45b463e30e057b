using System.Text.Json;

namespace WorkloadProxy.Cli.Agents;

/// <summary>One request to a token service, and the token in its answer.</summary>
internal static class TokenAnswer
{
    private const int MaxLength = 64 * 1024;

    /// <exception cref="TokenException">There is none in it.</exception>
    public static async Task<string> ReadAsync(HttpClient http, HttpRequestMessage request, string what, string[] members, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            await answer.Content.LoadIntoBufferAsync(MaxLength, cancellationToken);
            using var json = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync(cancellationToken));
            if (!answer.IsSuccessStatusCode)
                throw new TokenException($"{what} answered {(int)answer.StatusCode}{(Text(json.RootElement, "message") is { } message ? $": {message}" : "")}");
            return members.Select(member => Text(json.RootElement, member)).FirstOrDefault(text => text is { Length: > 0 })
                ?? throw new TokenException($"{what} answered without a token");
        }
        catch (JsonException error)
        {
            throw new TokenException($"{what} did not answer with JSON", error);
        }
        catch (Exception error) when (error is HttpRequestException || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new TokenException($"{what} can't be reached", error);
        }
    }

    private static string? Text(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
        ? value.GetString() : null;
}
