using System.Text;

namespace WorkloadProxy.Outbound;

/// <summary>
/// What a listed server asks for: the authorities that its certificate comes from, and a bearer token, which is for <paramref name="Origin"/> alone: whoever
/// publishes the document there may point to another server.
/// </summary>
internal sealed record FetchAccess(string? CaFile, string? TokenFile, Uri Origin)
{
    private const int MaxToken = 16 * 1024;

    /// <summary>The token as the file holds it now; false with what is wrong.</summary>
    public static bool TryReadToken(string file, out string token, out string? problem)
    {
        (token, problem) = ("", null);
        try
        {
            using var reader = new StreamReader(file, Encoding.UTF8);
            var buffer = new char[MaxToken + 2];
            token = new string(buffer, 0, reader.ReadBlock(buffer)).Trim();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            problem = $"`{file}` can't be read: {error.Message}";
        }
        // what else there is would begin a header of its own
        if (problem is null && (token.Length is 0 or > MaxToken || token.AsSpan().ContainsAnyExceptInRange('!', '~')))
            problem = $"`{file}` holds no bearer token";
        return problem is null;
    }
}
