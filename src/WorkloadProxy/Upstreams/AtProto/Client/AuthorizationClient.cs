using System.Text.Json;
using WorkloadProxy.Outbound;
using WorkloadProxy.Requests;
using WorkloadProxy.Tokens;
using WorkloadProxy.Upstreams.AtProto.Dpop;
using WorkloadProxy.Upstreams.AtProto.Identity;

namespace WorkloadProxy.Upstreams.AtProto.Client;

/// <summary>
/// What a call came to. Without a <paramref name="Grant"/> there is a <paramref name="Failure"/>; <paramref name="Error"/> is what the server called it,
/// <paramref name="Unwanted"/> a token that it gave all the same.
/// </summary>
internal readonly record struct GrantResult(TokenGrant? Grant, Failure? Failure, string? Error = null, string? Unwanted = null);

/// <summary>
/// The calls to authorization servers: each with a proof of the session's key, and an assertion of the client's where it has keys. A server that asks for its
/// nonce gets the same call once more with it; nothing else is repeated here, since a code and a refresh token serve once.
/// </summary>
internal sealed class AuthorizationClient(OwnClient client, PublicDocuments documents, BoundedFetch fetch, DpopNonces nonces, TimeProvider time)
{
    // two calls and the metadata before them end well within the lease of a refresh
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(15);

    /// <summary>Announces a sign-in (RFC 9126): the <c>request_uri</c>.</summary>
    public async Task<Result<string>> PushAsync(AuthorizationServer server, SigningKey? key, DpopKey dpop, IEnumerable<KeyValuePair<string, string>> parameters,
        CancellationToken cancellationToken)
    {
        var answer = await PostAsync(server, server.PushedRequest, key, dpop, parameters, cancellationToken);
        if (answer.Status is not (200 or 201)) return FailureOf(server, answer, "when a sign-in was announced");
        return RequestUriIn(answer.Content) is { } uri
            ? uri : new Failure(ErrorId.UpstreamUnreachable, $"the answer of `{server.Issuer}` has no `request_uri`");
    }

    public async Task<GrantResult> TokenAsync(AuthorizationServer server, SigningKey? key, DpopKey dpop, IEnumerable<KeyValuePair<string, string>> parameters,
        CancellationToken cancellationToken)
    {
        var answer = await PostAsync(server, server.Token, key, dpop, parameters, cancellationToken);
        if (answer is not { Status: 200, Error: null })
            return new(null, FailureOf(server, answer, "when asked for a token"), answer.Status is 400 or 401 ? TokenGrant.ErrorOf(answer.Content) : null);
        return TokenGrant.Parse(answer.Content, out var problem) is { } grant ? new(grant, null)
            : new(null, new Failure(ErrorId.UpstreamUnreachable, $"the answer of `{server.Issuer}` {problem}"), Unwanted: TokenGrant.TokenIn(answer.Content));
    }

    /// <summary>Ends a session where it was given, by its refresh token; whether that is known to have happened.</summary>
    public async Task<bool> RevokeAsync(AuthorizationServer server, SigningKey? key, DpopKey dpop, string token, CancellationToken cancellationToken) =>
        server.Revoke is { } revoke && (await PostAsync(server, revoke, key, dpop, [new("token", token)], cancellationToken)).Status is >= 200 and < 300;

    private async Task<Answered> PostAsync(
        AuthorizationServer server, Uri endpoint, SigningKey? key, DpopKey dpop, IEnumerable<KeyValuePair<string, string>> parameters,
        CancellationToken cancellationToken)
    {
        if (documents.TrustOf(server.Issuer) is not { } trust) return new(0, [], null, $"`{server.Issuer}` is not https");
        for (var again = false; ; again = true)
        {
            var before = nonces.Find(dpop.Thumbprint, server.Issuer)?.Value;
            using var request = new HttpRequestMessage(HttpMethod.Post, endpoint)
                { Content = new FormUrlEncodedContent(parameters.Concat(Authentication(server, key))) };
            request.Headers.TryAddWithoutValidation("DPoP", DpopProof.Create(dpop, "POST", endpoint.AbsoluteUri, before, null, time.GetUtcNow()));
            request.Headers.Accept.ParseAdd("application/json");
            request.Headers.UserAgent.ParseAdd("workload-proxy");
            var answer = await fetch.SendAsync(request, trust, cancellationToken, patience);
            if (answer.Headers is { } headers) nonces.Learn(dpop.Thumbprint, server.Issuer, headers);
            // the server has looked at nothing but the proof by then (RFC 9449 §8)
            if (again || answer.Status is not (400 or 401) || TokenGrant.ErrorOf(answer.Content) != "use_dpop_nonce"
                || nonces.Find(dpop.Thumbprint, server.Issuer)?.Value == before)
                return answer;
        }
    }

    private IEnumerable<KeyValuePair<string, string>> Authentication(AuthorizationServer server, SigningKey? key)
    {
        yield return new("client_id", client.Id);
        if (key is null) yield break;
        yield return new("client_assertion_type", ClientAssertion.Type);
        yield return new("client_assertion", ClientAssertion.Create(key, client.Id, server.Issuer, time.GetUtcNow()));
    }

    private static Failure FailureOf(AuthorizationServer server, Answered answer, string when)
    {
        if (answer.TimedOut) return new Failure(ErrorId.UpstreamTimeout, $"`{server.Issuer}` did not answer in time");
        if (answer.Status == 0) return new Failure(ErrorId.UpstreamUnreachable, $"`{server.Issuer}` can't be reached") { Detail = answer.Error };
        var error = TokenGrant.ErrorOf(answer.Content);
        return new Failure(ErrorId.UpstreamUnreachable, $"`{server.Issuer}` answered {answer.Status}{(error is null ? "" : $" `{error}`")} {when}")
            { Detail = answer.Error };
    }

    private static string? RequestUriIn(ReadOnlyMemory<byte> json)
    {
        if (!StrictJson.TryParseObject(json, 16, out var document, out _)) return null;
        using (document)
        {
            return document.RootElement.TryGetProperty("request_uri", out var uri) && uri.ValueKind == JsonValueKind.String
                && uri.GetString() is { Length: > 0 and <= 2048 } text && text.All(c => c is > ' ' and <= '~') ? text : null;
        }
    }
}
