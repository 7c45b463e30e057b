using System.Text;
using Microsoft.AspNetCore.Http.Features;
using WorkloadProxy.Audit;
using WorkloadProxy.Configuration;
using WorkloadProxy.Credentials.OAuth;
using WorkloadProxy.Issuing;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;
using WorkloadProxy.Web;

namespace WorkloadProxy.SignIn;

/// <summary>
/// Signing in at an upstream of kind <c>digitalocean</c>: the authorization code flow with PKCE (RFC 6749 §4.1, RFC 7636), by which a team gives the proxy its credential.
/// </summary>
internal sealed class DigitalOceanSignIn(
    UpstreamOptions upstream, SignInPages pages, Sealer sealer, SessionStore sessions, TokenClient client, TeamAdmission admission, FailureLimit failures, TimeProvider time)
{
    public const string LoginPath = "/auth/digitalocean/v1/login", CallbackPath = "/auth/digitalocean/v1/callback", DisconnectPath = "/auth/digitalocean/v1/disconnect";
    private const string Provider = "digitalocean";

    private readonly OAuthOptions oauth = upstream.OAuth!;
    private readonly string redirectUri = pages.PublicUrl + CallbackPath;

    public Task<Failure?> LoginAsync(HttpContext http, AuditRecord record)
    {
        record.Upstream = upstream.Name;
        var state = SignInState.New(time.GetUtcNow());
        Cookie.SignIn.Set(http, state.Seal(sealer, Provider));
        (string Name, string Value)[] query =
        [
            ("response_type", "code"), ("client_id", oauth.ClientId), ("redirect_uri", redirectUri), ("scope", string.Join(' ', oauth.Scopes)),
            ("state", state.State), ("code_challenge", state.Challenge), ("code_challenge_method", "S256"),
        ];
        var address = $"{oauth.Address.ToString().TrimEnd('/')}/authorize?{string.Join('&', query.Select(parameter => $"{parameter.Name}={Uri.EscapeDataString(parameter.Value)}"))}";
        return Task.FromResult(SignInPages.Redirect(http, record, address, "sign-in started"));
    }

    public async Task<Failure?> CallbackAsync(HttpContext http, AuditRecord record)
    {
        record.Upstream = upstream.Name;
        if (failures.WaitOf(record.Client) is { } wait)
            return await RefuseAsync(new Failure(ErrorId.TooManyRequests, "too many sign-ins from this address have failed") { RetryAfter = wait });
        if (ReadQuery(http) is not { } query) return await RefuseAsync(new Failure(ErrorId.BadRequest, "this is not an address that signing in leads back to"));
        if (!(await UseStateAsync(http, query["state"])).Succeeded(out var state, out var notOurs)) return await RefuseAsync(notOurs);
        Cookie.SignIn.Remove(http);
        if (query["error"] is { } error)
            return await RefuseAsync(new Failure(ErrorId.Forbidden, error == "access_denied" ? "access was not granted; nothing has changed" : "the authorization server refused the sign-in"));
        if (query["code"] is not { } code) return await RefuseAsync(new Failure(ErrorId.BadRequest, "the address has no code"));
        // a code serves once: a browser that goes away does not interrupt the exchange, and nothing tries it again
        var result = await client.AskAsync([new("grant_type", "authorization_code"), new("code", code), new("redirect_uri", redirectUri), new("code_verifier", state.Verifier)], CancellationToken.None);
        if (result.Answer is { } answer) return await admission.AdmitAsync(http, record, answer, RefuseAsync);
        failures.Note(record.Client);
        return await RefuseAsync(result.Failure!);

        Task<Failure?> RefuseAsync(Failure failure) => pages.RefuseAsync(http, record, "Signing in failed", failure, Pages.Link(pages.PublicUrl + LoginPath, "Start again"));
    }

    /// <summary>The sign-in that this browser started, if <paramref name="given"/> is its state and has not been used; otherwise why not.</summary>
    private async Task<Result<SignInState>> UseStateAsync(HttpContext http, string? given)
    {
        if (SignInState.Open(sealer, Provider, Cookie.SignIn.Read(http)) is not { } state || !SecretText.Same(given, state.State))
            return new Failure(ErrorId.BadRequest, "this sign-in was not started in this browser, or a newer one has replaced it; cookies must be enabled");
        if (time.GetUtcNow().ToUnixTimeMilliseconds() >= state.Expires) return new Failure(ErrorId.BadRequest, "this sign-in took longer than ten minutes");
        return await sessions.UseStateAsync(state, http.RequestAborted) ? state : new Failure(ErrorId.BadRequest, "this sign-in has already been completed");
    }

    /// <summary>The parameters of the callback, or null if two readers could disagree about them: a name given twice, a broken escape.</summary>
    private static OAuthForm? ReadQuery(HttpContext http)
    {
        var target = http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var question = target.IndexOf('?');
        if (question < 0 || target.AsSpan().ContainsAnyExceptInRange('!', '~')) return null;
        return OAuthForm.TryParse(Encoding.ASCII.GetBytes(target[(question + 1)..]), "application/x-www-form-urlencoded", out var form, out _) ? form : null;
    }
}
