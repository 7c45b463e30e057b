using WorkloadProxy.Configuration;
using WorkloadProxy.Credentials.OAuth;
using WorkloadProxy.Issuing;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Storage;
using WorkloadProxy.Web;

namespace WorkloadProxy.SignIn;

/// <summary>
/// Signing in at an upstream of kind <c>digitalocean</c>: the authorization code flow with PKCE (RFC 6749 §4.1, RFC 7636), by which a team gives the proxy its
/// credential.
/// </summary>
internal sealed class DigitalOceanSignIn(
    UpstreamOptions upstream, SignInPages pages, Sealer sealer, SessionStore sessions, TokenClient client, TeamAdmission admission, FailureLimit failures,
    TimeProvider time)
{
    public const string LoginPath = "/auth/digitalocean/v1/login", CallbackPath = "/auth/digitalocean/v1/callback",
    DisconnectPath = "/auth/digitalocean/v1/disconnect";
    private const string Provider = "digitalocean";

    private readonly OAuthOptions oauth = upstream.OAuth!;
    private readonly string redirectUri = pages.PublicUrl + CallbackPath;

    public Task<Failure?> LoginAsync(HttpContext http, RequestRecord record)
    {
        record.Upstream = upstream.Name;
        var state = SignInState.New(time.GetUtcNow());
        Cookie.SignIn.Set(http, state.Seal(sealer, Provider));
        (string Name, string Value)[] query =
        [
            ("response_type", "code"), ("client_id", oauth.ClientId), ("redirect_uri", redirectUri), ("scope", string.Join(' ', oauth.Scopes)),
            ("state", state.State), ("code_challenge", state.Challenge), ("code_challenge_method", "S256"),
        ];
        var parameters = query.Select(parameter => $"{parameter.Name}={Uri.EscapeDataString(parameter.Value)}");
        var address = $"{oauth.Address.ToString().TrimEnd('/')}/authorize?{string.Join('&', parameters)}";
        return Task.FromResult(SignInPages.Redirect(http, record, address, "sign-in started"));
    }

    public async Task<Failure?> CallbackAsync(HttpContext http, RequestRecord record)
    {
        record.Upstream = upstream.Name;
        if (!SignInQuery.TryRead(http, out var query) || query is null)
            return await RefuseAsync(new Failure(ErrorId.BadRequest, "this is not an address that signing in leads back to"));
        if (SignInState.Open(sealer, Provider, Cookie.SignIn.Read(http)) is not { } state || !SecretText.Same(query["state"], state.State))
            return await RefuseAsync(new Failure(ErrorId.BadRequest,
                "this sign-in was not started in this browser, or a newer one has replaced it; cookies must be enabled"));
        if (time.GetUtcNow().ToUnixTimeMilliseconds() >= state.Expires)
            return await RefuseAsync(new Failure(ErrorId.BadRequest, "this sign-in took longer than ten minutes"));
        // anyone can come this far: what follows writes to the store and asks the authorization server
        var attempt = await failures.BeginAsync(record.Client, http.RequestAborted);
        if (attempt.Wait is { } wait)
            return await RefuseAsync(new Failure(ErrorId.TooManyRequests, "too many sign-ins from this address have failed") { RetryAfter = wait });
        var failed = true;
        try
        {
            if (!(await RedeemAsync(http, state, query)).Succeeded(out var answer, out var refused)) return await RefuseAsync(refused);
            failed = false;
            return await admission.AdmitAsync(http, record, answer, RefuseAsync);
        }
        finally
        {
            attempt.End(failed);
        }

        Task<Failure?> RefuseAsync(Failure failure) => pages.RefuseAsync(http, record, "Signing in failed", failure,
            Pages.Link(pages.PublicUrl + LoginPath, "Start again"));
    }

    private async Task<Result<TokenAnswer>> RedeemAsync(HttpContext http, SignInState state, OAuthForm query)
    {
        if (!await sessions.UseStateAsync(state, http.RequestAborted)) return new Failure(ErrorId.BadRequest, "this sign-in has already been completed");
        Cookie.SignIn.Remove(http);
        if (query["error"] is { } error)
            return new Failure(ErrorId.Forbidden, error == "access_denied"
                ? "access was not granted; nothing has changed" : "the authorization server refused the sign-in");
        if (query["code"] is not { } code) return new Failure(ErrorId.BadRequest, "the address has no code");
        // a code serves once: a browser that goes away does not interrupt the exchange, and nothing tries it again
        var result = await client.AskAsync([new("grant_type", "authorization_code"), new("code", code), new("redirect_uri", redirectUri),
            new("code_verifier", state.Verifier)], CancellationToken.None);
        return result.Answer is { } answer ? answer : result.Failure!;
    }
}
