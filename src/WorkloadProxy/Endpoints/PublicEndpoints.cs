using System.Collections.Frozen;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;

namespace WorkloadProxy.Endpoints;

/// <summary>An endpoint that needs no bearer token. <paramref name="Handle"/> writes the answer, or returns the failure to answer with.</summary>
internal sealed record PublicEndpoint(string Allow, Func<HttpContext, RequestRecord, Task<Failure?>> Handle);

/// <summary>
/// The proxy's own endpoints that need no bearer token: an exact, ordinal table on the canonical path. No routing, so nothing is reached by another spelling.
/// </summary>
internal sealed class PublicEndpoints(IReadOnlyDictionary<string, PublicEndpoint> endpoints)
{
    private readonly FrozenDictionary<string, PublicEndpoint> byPath = endpoints.ToFrozenDictionary(StringComparer.Ordinal);

    public IEnumerable<string> Paths => byPath.Keys;

    /// <summary>The endpoint at <paramref name="path"/>, or null.</summary>
    public PublicEndpoint? Find(string path) => byPath.GetValueOrDefault(path);

    /// <summary>Runs the endpoint if it takes the method: 405 otherwise.</summary>
    public static Task<Failure?> RunAsync(PublicEndpoint endpoint, HttpContext http, RequestRecord record) =>
        OwnPath.Takes(endpoint.Allow, http.Request.Method)
            ? endpoint.Handle(http, record)
            : Task.FromResult<Failure?>(new Failure(ErrorId.MethodNotAllowed, $"expected {endpoint.Allow}") { Allow = endpoint.Allow });
}
