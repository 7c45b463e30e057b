using System.Net.Http.Headers;
using System.Text;
using WorkloadProxy.Mcp.Protocol;

namespace WorkloadProxy.Cli.Agents;

/// <summary>Gets a token: one that is kept, if it lives for another minute, or a fresh one.</summary>
internal sealed class TokenFetcher(TokenRequest request, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan margin = TimeSpan.FromSeconds(60);
    private readonly HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = TimeSpan.FromSeconds(30) };
    private FetchedToken? last;

    /// <param name="fresh">The one that is kept is of no use: the proxy did not accept it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="TokenException">There is none.</exception>
    public async Task<FetchedToken> GetAsync(bool fresh, CancellationToken cancellationToken)
    {
        if (!fresh && Lives(last)) return last!;
        var file = KeptToken.FileOf(request.Key(IdentitySource.Identity(request)));
        if (!fresh && file is not null && KeptToken.Read(file) is { } kept && Lives(kept)) return last = kept;
        var token = await IdentitySource.ReadAsync(request, http, cancellationToken);
        if (request.Role is not null) token = await ExchangeAsync(token, cancellationToken);
        var fetched = FetchedToken.Of(token);
        if (fetched.Expires <= time.GetUtcNow())
            throw new TokenException($"the token from {Origin} expired at {fetched.Expires:yyyy-MM-dd'T'HH:mm:ss'Z'}");
        last = fetched;
        if (file is not null && Lives(last)) KeptToken.Write(file, token);
        return last;
    }

    public void Dispose() => http.Dispose();

    private string Origin => request.Role is not null ? "the proxy" : request.Source == "command" ? $"`{request.Command[0]}`" : $"`{request.Source}`";

    private bool Lives(FetchedToken? token) => token?.Expires is { } expires && time.GetUtcNow() < expires - margin;

    private async Task<string> ExchangeAsync(string identity, CancellationToken cancellationToken)
    {
        var ttl = request.Lifetime is { } lifetime ? $",\"ttl\":{lifetime}" : "";
        using var asked = new HttpRequestMessage(HttpMethod.Post, new Uri(request.Proxy!.AbsoluteUri.TrimEnd('/') + "/v1/oidc/issue"))
        {
            Content = new StringContent($"{{\"aud\":{McpJson.Quote(request.Context!)},\"sub\":{McpJson.Quote(request.Subject)}{ttl}}}", Encoding.UTF8,
                "application/json"),
        };
        asked.Headers.Authorization = new AuthenticationHeaderValue("Bearer", identity);
        return await TokenAnswer.ReadAsync(http, asked, "the proxy", ["token"], cancellationToken);
    }
}
