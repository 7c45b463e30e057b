using WorkloadProxy.Outbound;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Upstreams.AtProto.Identity;

/// <summary>
/// Reads the documents that say where an account lives. Whoever signs in names the hosts, so all but the operator's own must be https on a public address. A
/// document that is missing or wrong is <see cref="ErrorId.Unprocessable"/>; a source that does not answer or fails is
/// <see cref="ErrorId.UpstreamUnreachable"/> or <see cref="ErrorId.UpstreamTimeout"/>.
/// </summary>
/// <param name="listed">Origins of servers that the operator vouches for.</param>
/// <param name="fetch">The guarded client.</param>
internal sealed class PublicDocuments(IReadOnlyList<string> listed, BoundedFetch fetch)
{
    private const int MaxBytes = 256 * 1024;
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(5);

    /// <summary>How far the server at <paramref name="origin"/> is trusted; null when it may not be asked at all.</summary>
    public FetchTrust? TrustOf(string origin) =>
        listed.Contains(origin, StringComparer.Ordinal) ? FetchTrust.ListedDirect : origin.StartsWith("https://", StringComparison.Ordinal)
        ? FetchTrust.Public : null;

    /// <summary>
    /// The origin of a host that somebody has named: https, or the scheme under which the operator has listed it. Null for this machine's, unless it is listed.
    /// </summary>
    public string? OriginOf(string host, bool mustBeListed)
    {
        var (https, http) = ($"https://{host}", $"http://{host}");
        return listed.Contains(https, StringComparer.Ordinal) ? https : listed.Contains(http, StringComparer.Ordinal) ? http : mustBeListed ? null : https;
    }

    /// <summary>A document of a server that the account, or a document of the account's, has named.</summary>
    public Task<Result<byte[]>> GetAsync(string origin, string path, CancellationToken cancellationToken) => TrustOf(origin) is { } trust
        ? GetAsync(new Uri(origin + path), trust, cancellationToken)
        : Task.FromResult<Result<byte[]>>(new Failure(ErrorId.Unprocessable, $"the server `{origin}` is not https"));

    /// <summary>A document of a server that the operator has named.</summary>
    public Task<Result<byte[]>> GetListedAsync(Uri address, CancellationToken cancellationToken) =>
        GetAsync(address, FetchTrust.ListedDirect, cancellationToken);

    private async Task<Result<byte[]>> GetAsync(Uri address, FetchTrust trust, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.UserAgent.ParseAdd("workload-proxy");
        var answer = await fetch.SendAsync(request, trust, cancellationToken, patience);
        var host = address.Authority;
        return answer switch
        {
            { TimedOut: true } => new Failure(ErrorId.UpstreamTimeout, $"`{host}` did not answer in time"),
            { Status: 0 } => new Failure(ErrorId.UpstreamUnreachable, $"`{host}` can't be reached") { Detail = answer.Error },
            { Status: 200, Error: null } when answer.Content.Length <= MaxBytes => answer.Content,
            { Status: 200 } => new Failure(ErrorId.Unprocessable, $"the document at `{host}{address.AbsolutePath}` can't be read")
                { Detail = answer.Error ?? $"holds more than {MaxBytes} bytes" },
            { Status: 400 or 404 or 410 } => new Failure(ErrorId.Unprocessable, $"`{host}` has nothing at `{address.AbsolutePath}`")
                { Detail = $"it answered {answer.Status}" },
            // a redirect too: where it leads was never checked
            _ => new Failure(ErrorId.UpstreamUnreachable, $"`{host}` answered {answer.Status} for `{address.AbsolutePath}`"),
        };
    }
}
