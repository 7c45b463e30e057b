using System.Net.Http.Headers;
using WorkloadProxy.Outbound;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Credentials.OAuth;

/// <summary>
/// What a call to a token endpoint came to: an answer, or a failure. <paramref name="IsFinal"/>: asking again with the same grant can't help.
/// </summary>
internal readonly record struct TokenResult(TokenAnswer? Answer, Failure? Failure, bool IsFinal = false);

/// <summary>
/// A client of one authorization server. Parameters go in the form's body, never in a query, which ends in logs; the secret's file is read for each call, so
/// that a rotated one counts at once.
/// </summary>
internal sealed class TokenClient(BoundedFetch fetch, Uri token, Uri? revoke, Uri? info, string clientId, ClientSecret secret)
{
    // an answer that is not waited for is a refresh token lost
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(20);

    public async Task<TokenResult> AskAsync(IEnumerable<KeyValuePair<string, string>> parameters, CancellationToken cancellationToken)
    {
        if (!secret.TryRead(out var text, out var unreadable))
            return new(null, new Failure(ErrorId.CredentialUnavailable, "the client's secret can't be read") { Detail = unreadable });
        var form = parameters.Append(new("client_id", clientId)).ToList();
        if (text is not null) form.Add(new("client_secret", text));
        using var request = new HttpRequestMessage(HttpMethod.Post, token) { Content = new FormUrlEncodedContent(form) };
        var answer = await SendAsync(request, cancellationToken);
        if (answer.TimedOut) return new(null, new Failure(ErrorId.UpstreamTimeout, $"`{token.Host}` did not answer in time"));
        if (answer.Status == 0) return new(null, new Failure(ErrorId.UpstreamUnreachable, $"`{token.Host}` can't be reached") { Detail = answer.Error });
        if (answer.Status == 200)
        {
            return TokenAnswer.Parse(answer.Content, out var problem) is { } tokens ? new(tokens, null)
                : new(null, new Failure(ErrorId.UpstreamUnreachable, $"the answer of `{token.Host}` {problem}"));
        }
        var error = answer.Status is 400 or 401 ? TokenAnswer.ErrorOf(answer.Content) : null;
        var text2 = error is "invalid_grant" or "invalid_client" or "unauthorized_client" or "invalid_scope" or "invalid_request" ? $" `{error}`" : "";
        return new(null, new Failure(ErrorId.UpstreamUnreachable, $"`{token.Host}` answered {answer.Status}{text2} when asked for a token"),
            IsFinal: error == "invalid_grant");
    }

    /// <summary>Whether the authorization server says that the token is not valid; false if it says anything else.</summary>
    public async Task<bool> IsDeadAsync(string accessToken, CancellationToken cancellationToken)
    {
        if (info is null) return false;
        using var request = new HttpRequestMessage(HttpMethod.Get, info);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", accessToken);
        return (await SendAsync(request, cancellationToken)).Status == 401;
    }

    /// <summary>Ends a token where it was given, with all that came of the same consent; whether that is known to have happened.</summary>
    public async Task<bool> RevokeAsync(string accessToken, CancellationToken cancellationToken)
    {
        if (revoke is null) return false;
        using var request = new HttpRequestMessage(HttpMethod.Post, revoke) { Content = new FormUrlEncodedContent([new("token", accessToken)]) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", accessToken);
        return (await SendAsync(request, cancellationToken)).Status is >= 200 and < 300 or 401;
    }

    private Task<Answered> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        request.Headers.Accept.ParseAdd("application/json");
        request.Headers.UserAgent.ParseAdd("workload-proxy");
        return fetch.SendAsync(request, FetchTrust.Listed, cancellationToken, patience);
    }
}
