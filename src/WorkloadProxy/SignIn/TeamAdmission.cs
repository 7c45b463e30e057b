using WorkloadProxy.Configuration;
using WorkloadProxy.Credentials.OAuth;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Upstreams.DigitalOcean;
using WorkloadProxy.Web;

namespace WorkloadProxy.SignIn;

/// <summary>
/// What becomes of the tokens that a consent gave: whose team they are for, whether that team may sign in, and whether they are kept. Tokens that are not kept
/// are revoked.
/// </summary>
internal sealed class TeamAdmission(
    UpstreamOptions upstream, ProxyOptions options, SignInPages pages, SessionStore sessions, SignedInContexts contexts, OAuthTokens tokens, TokenStore store,
    TokenClient client, ApiTokens api,
    ILogger<TeamAdmission> logger)
{
    public async Task<Failure?> AdmitAsync(HttpContext http, RequestRecord record, TokenAnswer answer, Func<Failure, Task<Failure?>> refuse)
    {
        if (!(await TeamOfAsync(answer)).Succeeded(out var team, out var unknown))
        {
            await client.RevokeAsync(answer.AccessToken, CancellationToken.None);
            return await refuse(unknown);
        }
        var context = new AuthContext(upstream.Name, team);
        record.Context = context.ToString();
        if (!upstream.OAuth!.Admits(team))
        {
            await client.RevokeAsync(answer.AccessToken, CancellationToken.None);
            return await RefuseTeamAsync(http, record, team);
        }
        var account = answer.Account ?? "a member of the team";
        var (notice, outcome) = await KeepAsync(context, answer, account);
        await contexts.AddAsync(context, CancellationToken.None);
        if (await sessions.FindAsync(http) is { } former) await sessions.EndAsync(former, CancellationToken.None);
        var session = await sessions.BeginAsync(context, account, notice, CancellationToken.None);
        Cookie.Session.Set(http, session.Secret);
        logger.LogInformation("{Account} signed in for {Context}: {Outcome}", account, context, outcome);
        return SignInPages.Redirect(http, record, $"{options.PublicUrl}/", $"signed in as {account}: {outcome}");
    }

    /// <summary>The team that consented: the token endpoint says which, and if it does not, the API does.</summary>
    private async Task<Result<string>> TeamOfAsync(TokenAnswer answer)
    {
        var team = answer.Team;
        if (team is null)
        {
            if (!(await api.AccountAsync(upstream, answer.AccessToken, CancellationToken.None)).Succeeded(out var found, out var unknown))
                return unknown with { Id = unknown.Id == ErrorId.InvalidToken ? ErrorId.UpstreamUnreachable : unknown.Id, OffersBasic = false };
            team = found.Team;
        }
        // by way of its written form: an id that can't be written in one would name another context, or none
        return team.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')
            && AuthContext.TryParse(new AuthContext(upstream.Name, team).ToString(), out _) ? team
            : new Failure(ErrorId.UpstreamUnreachable, "the upstream identified the team by an id that can't be used");
    }

    private Task<Failure?> RefuseTeamAsync(HttpContext http, RequestRecord record, string team)
    {
        var setting = $"Upstreams:{upstream.Name}:OAuth:Teams";
        var refused = new Failure(ErrorId.Forbidden, $"team `{team}` is not listed in `{setting}`");
        return pages.RefuseAsync(http, record, "This team may not sign in here", refused, Html.Of($$"""
            <p>To let it in, the operator of this proxy adds its id to <code>{{setting}}</code>:</p>
            <pre class="wrap"><code>"Teams": ["{{team}}"]</code></pre>
            <p>The access that you have just granted has been revoked.</p>
            {{Pages.Link(pages.PublicUrl + DigitalOceanSignIn.LoginPath, "Sign in for another team")}}
            """));
    }

    /// <summary>Stores what was granted, unless the operator configured another credential or a live one with other scopes is there.</summary>
    private async Task<(SignInNotice Notice, string Outcome)> KeepAsync(AuthContext context, TokenAnswer answer, string account)
    {
        if (options.Credentials.Any(entry => entry.Context == context && !entry.IsSignedIn))
        {
            await client.RevokeAsync(answer.AccessToken, CancellationToken.None);
            return (SignInNotice.OperatorsCredentialStays, "the configured credential stays");
        }
        var (stored, before) = await store.ConnectAsync(context, answer, answer.Scopes ?? [.. upstream.OAuth!.Scopes], account, CancellationToken.None);
        await tokens.ReadAsync(context.ToString(), CancellationToken.None);
        if (!stored)
        {
            await client.RevokeAsync(answer.AccessToken, CancellationToken.None);
            return (SignInNotice.OtherScopes, "the stored credential stays, which has other scopes");
        }
        if (before?.Credential?.BearerToken is not { } old) return (SignInNotice.Connected, "credential stored");
        await client.RevokeAsync(old.Reveal(), CancellationToken.None);
        return (SignInNotice.Reconnected, "credential replaced by one with equal scopes");
    }
}
