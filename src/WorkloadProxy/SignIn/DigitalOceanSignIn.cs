using Microsoft.AspNetCore.Http.Features;
using WorkloadProxy.Audit;
using WorkloadProxy.Authentication;
using WorkloadProxy.Configuration;
using WorkloadProxy.Credentials;
using WorkloadProxy.Credentials.OAuth;
using WorkloadProxy.Forwarding;
using WorkloadProxy.Issuing;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Secrets;
using WorkloadProxy.Storage;
using WorkloadProxy.Upstreams.DigitalOcean;
using WorkloadProxy.Web;

namespace WorkloadProxy.SignIn;

/// <summary>
/// Signing in at an upstream of kind <c>digitalocean</c>: the authorization code flow with PKCE (RFC 6749 §4.1, RFC 7636), by which a team gives the proxy its credential, and disconnecting it.
/// </summary>
internal sealed class DigitalOceanSignIn(
    UpstreamOptions upstream, ProxyOptions options, SignInPages pages, Sealer sealer, SessionStore sessions, SignedInContexts contexts, OAuthTokens tokens, TokenStore store, TokenClient client,
    ApiTokens api, HomeEndpoint home, SameOrigin sameOrigin, FailureLimit failures, TimeProvider time, ILogger<DigitalOceanSignIn> logger)
{
    public const string LoginPath = "/auth/digitalocean/v1/login", CallbackPath = "/auth/digitalocean/v1/callback", DisconnectPath = "/auth/digitalocean/v1/disconnect";
    private const string Provider = "digitalocean";
    private const string Trouble = "Signing in did not work";

    private readonly OAuthOptions oauth = upstream.OAuth!;
    private readonly string redirectUri = options.PublicUrl + CallbackPath;
    private string LoginUrl => options.PublicUrl + LoginPath;

    public Task<Failure?> LoginAsync(HttpContext http, AuditRecord record)
    {
        var state = SignInState.New(time.GetUtcNow());
        Cookie.SignIn.Set(http, state.Seal(sealer, Provider));
        var query = string.Join('&', new (string Name, string Value)[]
        {
            ("response_type", "code"), ("client_id", oauth.ClientId), ("redirect_uri", redirectUri), ("scope", string.Join(' ', oauth.Scopes)),
            ("state", state.State), ("code_challenge", state.Challenge), ("code_challenge_method", "S256"),
        }.Select(parameter => $"{parameter.Name}={Uri.EscapeDataString(parameter.Value)}"));
        record.Upstream = upstream.Name;
        return Task.FromResult(SignInPages.Redirect(http, record, $"{oauth.Address.ToString().TrimEnd('/')}/authorize?{query}", "sign-in begun"));
    }

    public async Task<Failure?> CallbackAsync(HttpContext http, AuditRecord record)
    {
        record.Upstream = upstream.Name;
        if (failures.WaitOf(record.Client) is { } wait)
            return await RefuseAsync(http, record, new Failure(ErrorId.TooManyRequests, "too many sign-ins from this address have failed") { RetryAfter = wait });
        var target = http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var question = target.IndexOf('?');
        if (question < 0 || Read(target[(question + 1)..]) is not { } query) return await RefuseAsync(http, record, new Failure(ErrorId.BadRequest, "the address is not one that a sign-in leads back to"));
        var state = SignInState.Open(sealer, Provider, Cookie.SignIn.Read(http));
        if (state is null || !SecretText.Same(query["state"], state.State))
            return await RefuseAsync(http, record, new Failure(ErrorId.BadRequest, "this sign-in was not begun in this browser, or another one was begun since; cookies must be on"));
        if (time.GetUtcNow().ToUnixTimeMilliseconds() >= state.Expires)
            return await RefuseAsync(http, record, new Failure(ErrorId.BadRequest, "this sign-in took longer than ten minutes"));
        if (!await sessions.UseStateAsync(state, http.RequestAborted)) return await RefuseAsync(http, record, new Failure(ErrorId.BadRequest, "this sign-in has been completed already"));
        Cookie.SignIn.Remove(http);
        if (query["error"] is { } error)
        {
            var refused = error == "access_denied" ? "access was not granted, and nothing has changed" : "the authorization server refused the sign-in";
            return await RefuseAsync(http, record, new Failure(ErrorId.Forbidden, refused));
        }
        if (query["code"] is not { } code) return await RefuseAsync(http, record, new Failure(ErrorId.BadRequest, "the address has no code"));
        // a code serves once: the exchange is not broken off by a browser that goes away, and not tried again
        var result = await client.AskAsync([new("grant_type", "authorization_code"), new("code", code), new("redirect_uri", redirectUri), new("code_verifier", state.Verifier)], CancellationToken.None);
        if (result.Answer is { } answer) return await AdmitAsync(http, record, answer);
        failures.Note(record.Client);
        return await RefuseAsync(http, record, result.Failure!);
    }

    public async Task<Failure?> DisconnectAsync(HttpContext http, AuditRecord record)
    {
        record.Upstream = upstream.Name;
        if (await home.FindSessionAsync(http) is not { } session || session.Context.Upstream != upstream.Name)
            return await pages.RefuseAsync(http, record, "You are not signed in", new Failure(ErrorId.Forbidden, "nobody is signed in here"), Pages.Link(LoginUrl, "Sign in"));
        record.Context = session.Context.ToString();
        if (await sameOrigin.CheckAsync(http, session) is { } refused) return await pages.RefuseAsync(http, record, "That form can't be taken", refused, Pages.Link($"{options.PublicUrl}/", "Back"));
        // what is newest in the store is revoked, whichever replica put it there
        await tokens.ReadAsync(session.Context.ToString(), http.RequestAborted);
        var token = tokens.Find(session.Context);
        // here first: whatever the upstream says, the proxy uses it no more
        await store.DeleteAsync(session.Context, CancellationToken.None);
        await tokens.ReadAsync(session.Context.ToString(), CancellationToken.None);
        var revoked = token?.Credential?.BearerToken is not { } access || await client.RevokeAsync(access.Reveal(), CancellationToken.None);
        logger.LogInformation("credential of {Context} disconnected by {Account}{Revoked}", session.Context, session.Account, revoked ? "" : "; it could not be revoked at the upstream");
        await sessions.NotifyAsync(session, revoked ? "Your team is disconnected: the credential is revoked and deleted." : "The credential is deleted here, but it could not be revoked where it came from: remove the application there.", CancellationToken.None);
        return SignInPages.Redirect(http, record, $"{options.PublicUrl}/", $"disconnected by {session.Account}{(revoked ? "" : ", not revoked at the upstream")}");
    }

    private async Task<Failure?> AdmitAsync(HttpContext http, AuditRecord record, TokenAnswer answer)
    {
        var team = answer.Team;
        if (team is null && !(await api.TeamAsync(upstream, answer.AccessToken, CancellationToken.None)).Succeeded(out team, out var unknown))
        {
            await client.RevokeAsync(answer.AccessToken, CancellationToken.None);
            return await RefuseAsync(http, record, unknown with { Id = unknown.Id == ErrorId.InvalidToken ? ErrorId.UpstreamUnreachable : unknown.Id, OffersBasic = false });
        }
        // through the written form: an id that could not stand in one names no context
        if (!team.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') || !AuthContext.TryParse(new AuthContext(upstream.Name, team).ToString(), out var context))
        {
            await client.RevokeAsync(answer.AccessToken, CancellationToken.None);
            return await RefuseAsync(http, record, new Failure(ErrorId.UpstreamUnreachable, "the upstream named the team by an id that can't be used"));
        }
        record.Context = context.ToString();
        if (!oauth.Admits(team))
        {
            await client.RevokeAsync(answer.AccessToken, CancellationToken.None);
            return await pages.RefuseAsync(http, record, "This team may not sign in here", new Failure(ErrorId.Forbidden, $"team `{team}` is not listed in `Upstreams:{upstream.Name}:OAuth:Teams`"), Html.Of($$"""
                <p>The operator of this proxy lets it in by adding its id to the setting <code>Upstreams:{{upstream.Name}}:OAuth:Teams</code>:</p>
                <pre tabindex="0"><code>"Upstreams": { "{{upstream.Name}}": { "OAuth": { "Teams": ["{{team}}"] } } }</code></pre>
                <p>The access that you have just granted is revoked.</p>
                """));
        }
        var account = answer.Account ?? "somebody of the team";
        var (notice, outcome) = await ConnectAsync(context, answer, account);
        await contexts.AddAsync(context, CancellationToken.None);
        if (await sessions.FindAsync(http) is { } former) await sessions.EndAsync(former, CancellationToken.None);
        var session = await sessions.BeginAsync(context, account, notice, CancellationToken.None);
        Cookie.Session.Set(http, session.Secret);
        logger.LogInformation("{Account} signed in for {Context}: {Outcome}", account, context, outcome);
        return SignInPages.Redirect(http, record, $"{options.PublicUrl}/", $"signed in as {account}: {outcome}");
    }

    /// <summary>Keeps what was given, unless the operator configured another credential, or one of other scopes is there: then that stays, and what was given is revoked.</summary>
    private async Task<(string Notice, string Outcome)> ConnectAsync(AuthContext context, TokenAnswer answer, string account)
    {
        if (options.Credentials.Any(entry => entry.Context == context && entry.Kind != CredentialKind.OAuth))
        {
            await client.RevokeAsync(answer.AccessToken, CancellationToken.None);
            return ("You are signed in. The credential of this team is the operator's; what you have just granted is not kept, and revoked.", "the configured credential stays");
        }
        var scopes = answer.Scopes ?? [.. oauth.Scopes];
        var (stored, before) = await store.ConnectAsync(context, answer, scopes, account, CancellationToken.None);
        await tokens.ReadAsync(context.ToString(), CancellationToken.None);
        if (!stored)
        {
            await client.RevokeAsync(answer.AccessToken, CancellationToken.None);
            return ($"You are signed in. The team's credential has the scopes {string.Join(' ', before!.Scopes)}, and what you have just granted has {string.Join(' ', scopes)}: it is not kept. Disconnect first to change them.", "the stored credential of other scopes stays");
        }
        if (before?.Credential?.BearerToken is not { } old) return ("Your team is connected.", "credential stored");
        await client.RevokeAsync(old.Reveal(), CancellationToken.None);
        return ("Your team is connected again, with a new credential.", "credential replaced by one of equal scopes");
    }

    private Task<Failure?> RefuseAsync(HttpContext http, AuditRecord record, Failure failure) => pages.RefuseAsync(http, record, Trouble, failure, pages.Again(LoginUrl));

    private static OAuthForm? Read(string query) =>
        query.All(c => c <= '~') && OAuthForm.TryParse(System.Text.Encoding.ASCII.GetBytes(query), "application/x-www-form-urlencoded", out var form, out _) ? form : null;
}
