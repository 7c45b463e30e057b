using System.Net.Http.Headers;
using System.Net.Http.Json;
using WorkloadProxy.Outbound;
using WorkloadProxy.Upstreams.AtProto.Identity;

namespace WorkloadProxy.Upstreams.AtProto.AppPasswords;

/// <summary>What a server said: a session, or why there is none. <paramref name="IsFinal"/>: asking again with the same will not help.</summary>
internal readonly record struct SessionResult(SessionAnswer? Answer, string? Problem = null, bool IsFinal = false);

/// <summary>Calls <c>createSession</c> and <c>refreshSession</c> of an account's server.</summary>
internal sealed class PasswordClient(PublicDocuments documents, BoundedFetch fetch)
{
    private const string Create = "/xrpc/com.atproto.server.createSession", Renew = "/xrpc/com.atproto.server.refreshSession";
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(8);

    public Task<SessionResult> CreateAsync(Did did, string origin, string password, CancellationToken cancellationToken) =>
        AskAsync(did, origin, Create, request => request.Content = JsonContent.Create(new { identifier = did.Text, password }), cancellationToken);

    public Task<SessionResult> RefreshAsync(Did did, PasswordSession session, CancellationToken cancellationToken) =>
        AskAsync(did, session.Origin, Renew, request => request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", session.RefreshToken.Reveal()),
            cancellationToken);

    private async Task<SessionResult> AskAsync(Did did, string origin, string path, Action<HttpRequestMessage> with, CancellationToken cancellationToken)
    {
        if (documents.TrustOf(origin) is not { } trust) return new(null, $"the server `{origin}` is not https");
        using var request = new HttpRequestMessage(HttpMethod.Post, origin + path);
        with(request);
        var answered = await fetch.SendAsync(request, trust, cancellationToken, patience);
        if (answered.Status == 0) return new(null, answered.Error);
        if (answered.Status != 200)
        {
            var error = SessionAnswer.ErrorOf(answered.Content) is { Length: <= 64 } name && !name.AsSpan().ContainsAnyExceptInRange('!', '~')
                ? $" ({name})" : "";
            return new(null, $"`{path[(path.LastIndexOf('.') + 1)..]}` answered {answered.Status}{error}", IsFinal: answered.Status is 400 or 401 or 403);
        }
        if (SessionAnswer.Parse(answered.Content) is not { } answer) return new(null, "the server's answer holds no session");
        // a server decides which account an identifier means: the tokens of another one must not be taken for this one's
        return answer.Did == did.Text ? new(answer) : new(null, "the server's answer is about another account", IsFinal: true);
    }
}
