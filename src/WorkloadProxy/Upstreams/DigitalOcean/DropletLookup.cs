using WorkloadProxy.Configuration;
using WorkloadProxy.Credentials;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Upstreams.DigitalOcean;

/// <summary>Asks the API about a droplet, with the credential of its team.</summary>
internal sealed class DropletLookup(ProxyOptions options, CredentialStore credentials, BoundedFetch fetch)
{
    private const int MaxDepth = 32;

    /// <summary>The droplet; 403 when there is none, 503 when the API does not say.</summary>
    public async Task<Result<Droplet>> FindAsync(AuthContext context, string id, CancellationToken cancellationToken)
    {
        if (!options.Upstreams.TryGetValue(context.Upstream, out var upstream) || upstream is not { Kind: UpstreamKind.DigitalOcean, Address: { } address })
            return new Failure(ErrorId.Forbidden, $"upstream `{context.Upstream}` has no droplets");
        if (!(await credentials.GetAsync(context, cancellationToken)).Succeeded(out var credential, out var unavailable)) return unavailable;
        using var request = new HttpRequestMessage(HttpMethod.Get, address.AbsoluteUri.TrimEnd('/') + credential.ApplyToQuery($"/v2/droplets/{id}"));
        foreach (var header in credential.Headers) request.Headers.TryAddWithoutValidation(header.Name, header.Value.Reveal());
        request.Headers.UserAgent.ParseAdd("workload-proxy");
        request.Headers.Accept.ParseAdd("application/json");
        var answer = await fetch.SendAsync(request, FetchTrust.Listed, cancellationToken, caFile: upstream.CaFile);
        if (answer.Error is { } error) return Unknown(id, error);
        if (answer.Status == 404) return new Failure(ErrorId.Forbidden, "the droplet no longer exists");
        if (answer.Status != 200) return Unknown(id, $"the API answered {answer.Status}");
        if (!StrictJson.TryParseObject(answer.Content, MaxDepth, out var json, out var fault)) return Unknown(id, $"the API's answer {fault}");
        using var document = json;
        return Droplet.Read(json.RootElement, id) is { } droplet ? droplet : Unknown(id, "the API's answer describes no such droplet");
    }

    private static Failure Unknown(string id, string detail) =>
        new(ErrorId.UpstreamUnreachable, "the cloud can't be asked about the droplet now")
        {
            Detail = $"droplet {id}: {detail}",
            RetryAfter = TimeSpan.FromSeconds(10),
            TryAgain = true,
        };
}
