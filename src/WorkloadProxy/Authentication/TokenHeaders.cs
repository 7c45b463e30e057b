using WorkloadProxy.Configuration;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Authentication;

/// <summary>
/// Headers besides <c>Authorization</c> that may bring the token (<c>Upstreams.*.TokenHeaders</c>): SDKs put their key where the provider wants it. Which
/// upstream a token is for is known only when it is read, so the headers of all upstreams are looked at, and tokens in several of them must be one and the
/// same.
/// </summary>
internal sealed class TokenHeaders
{
    private readonly string[] names;
    private readonly Dictionary<string, IReadOnlyList<string>> byUpstream;

    private TokenHeaders(Dictionary<string, IReadOnlyList<string>> byUpstream)
    {
        this.byUpstream = byUpstream;
        names = [.. byUpstream.Values.SelectMany(list => list).Distinct(StringComparer.OrdinalIgnoreCase)];
    }

    /// <summary>Null where no upstream lists any: then no request pays for it.</summary>
    public static TokenHeaders? Of(ProxyOptions options) =>
        options.Upstreams.Values.Any(upstream => upstream.TokenHeaders.Count > 0)
        ? new(options.Upstreams.Values.ToDictionary(upstream => upstream.Name, upstream => upstream.TokenHeaders, StringComparer.Ordinal)) : null;

    /// <summary>
    /// Takes tokens out of the listed headers, so that no upstream gets one. <paramref name="from"/> are the headers that brought it, empty where
    /// <c>Authorization</c> did. What is no workload's token (a provider's own key, a placeholder) stays where it is.
    /// </summary>
    public Failure? Take(IHeaderDictionary headers, ref BearerToken bearer, out IReadOnlyList<string> from)
    {
        from = [];
        var inAuthorization = bearer.Kind == BearerTokenKind.Jwt;
        foreach (var name in names)
        {
            var values = headers[name];
            if (!values.Any(BearerToken.IsJwt)) continue;
            if (values.Count > 1) return new Failure(ErrorId.BadRequest, $"more than one `{name}` header");
            if (bearer.Kind == BearerTokenKind.Jwt ? !bearer.Text.Span.SequenceEqual(values[0]) : bearer.Kind != BearerTokenKind.None)
                return new Failure(ErrorId.BadRequest, $"`{name}` brings another token than the request's other headers");
            bearer = new BearerToken(BearerTokenKind.Jwt, values[0].AsMemory());
            if (!inAuthorization) from = [.. from, name];
            headers.Remove(name);
        }
        return null;
    }

    /// <summary>Null when the upstream takes a token from one of these headers.</summary>
    public Failure? Check(string upstream, IReadOnlyList<string> from) =>
        from.Count == 0 || (byUpstream.TryGetValue(upstream, out var listed)
            && listed.Any(name => from.Contains(name, StringComparer.OrdinalIgnoreCase))) ? null
            : new Failure(ErrorId.InvalidToken, $"the token came in `{from[0]}`, where this upstream accepts none");
}
