using WorkloadProxy.Authentication;
using WorkloadProxy.Configuration;
using WorkloadProxy.Credentials;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Hosted.Repositories;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Tokens;
using WorkloadProxy.Upstreams.DigitalOcean;

namespace WorkloadProxy.PolicyDelivery.Hosted;

/// <summary>A JWT → its caller; the <see cref="Authenticator"/>'s.</summary>
internal delegate ValueTask<Result<Caller>> AuthenticateToken(ReadOnlyMemory<char> token, CancellationToken cancellationToken);

/// <summary>Who may fetch and push: the context whose repository the request may use, or why none.</summary>
internal sealed class GitAccess(ProxyOptions options, AuthenticateToken authenticate, ApiTokens tokens, GitTokens ownTokens, CredentialStore credentials, PolicySetStore sets, FailureLimit failures, TimeProvider time)
{
    /// <summary>The one upstream whose API tokens pick the context at the server's root.</summary>
    private readonly UpstreamOptions? atRoot = OnlyOne(options.Upstreams.Values.Where(upstream => upstream is { Kind: UpstreamKind.DigitalOcean, PassThrough: true }))
        ?? OnlyOne(options.Upstreams.Values.Where(upstream => upstream.Kind == UpstreamKind.DigitalOcean));

    /// <summary>Whose repository the request may use, or why none.</summary>
    public async Task<Result<GitPermission>> AuthorizeAsync(HttpContext http, RequestRecord record, GitRequest request)
    {
        var credential = GitCredential.Read(http.Request.Headers.Authorization);
        // git's first request never bears a credential: the challenge is what makes it ask for one
        if (credential.Kind == BearerTokenKind.None) return new Failure(ErrorId.InvalidToken, "expected a credential: any user name with an API token as the password, or a bearer token") { OffersBasic = true };
        if (credential.Kind == BearerTokenKind.Several) return new Failure(ErrorId.BadRequest, "more than one `Authorization` header");
        // counted before anybody is asked: else a burst of guesses would all be asked before the first answer is there to be counted
        var attempt = await failures.BeginAsync(record.Client, http.RequestAborted);
        if (attempt.Wait is { } wait) return new Failure(ErrorId.TooManyRequests, "too many wrong credentials from this address") { RetryAfter = wait };
        var failed = false;
        try
        {
            var result = await AuthorizeAsync(record, request, credential, http.RequestAborted);
            // what is told apart only by trying is counted: a wrong token, and another context's repository
            failed = result.Failure is { Id: ErrorId.InvalidToken or ErrorId.NotFound };
            return result;
        }
        finally
        {
            attempt.End(failed);
        }
    }

    private async Task<Result<GitPermission>> AuthorizeAsync(RequestRecord record, GitRequest request, BearerToken credential, CancellationToken cancellationToken)
    {
        var result = credential.Kind switch
        {
            BearerTokenKind.Jwt => await AuthorizeTokenAsync(record, request, credential.Text, cancellationToken),
            BearerTokenKind.Opaque or BearerTokenKind.Own => await AuthorizeApiTokenAsync(record, request, credential.Text.ToString(), cancellationToken),
            _ => new Failure(ErrorId.InvalidToken, "the credential is malformed") { OffersBasic = true },
        };
        if (!result.Succeeded(out var context, out var failure)) return failure;
        var who = record.Caller is { } caller ? $"`{caller.Token.Subject}` of `{caller.Token.Issuer}`" : $"{record.AccountEmail ?? record.AccountUuid ?? "an unnamed account"} (token {record.CredentialSha256?[..12]}…)";
        return new GitPermission(context, SafeText.Clean(who, ' '), async token => (await AuthorizeAsync(record, request, credential, token)).Failure);
    }

    public static Failure NotFound() => new(ErrorId.NotFound, "there is no such repository");

    private async Task<Result<AuthContext>> AuthorizeTokenAsync(RequestRecord record, GitRequest request, ReadOnlyMemory<char> token, CancellationToken cancellationToken)
    {
        if (request.Path.Upstream is null) return new Failure(ErrorId.InvalidToken, "at the server's root an API token is expected; a workload's token is taken under `/_rbac/<Upstream>/<actx>`") { OffersBasic = true };
        if (!(await authenticate(token, cancellationToken)).Succeeded(out var caller, out var failure)) return failure with { OffersBasic = true };
        record.Caller = caller;
        record.Upstream = caller.Token.Context.Upstream;
        var context = caller.Token.Context;
        if (!Addresses(request.Path, context)) return NotFound();

        var path = $"/_rbac/{context.Upstream}/{string.Join('/', context.Id.Split('/').Select(Uri.EscapeDataString))}";
        if (!RequestTarget.TryParse(path, ContextIds.Of([context]), out var target, out _, out _)) return new Failure(ErrorId.Forbidden, "this context's repository can't be named in a policy");
        var decision = caller.Grants.Decide(new AccessRequest { Method = request.IsPush ? "PUT" : "GET", Target = target, Now = time.GetUtcNow() });
        record.Decide(decision);
        if (decision.Outcome == DecisionOutcome.Allow) return context;
        record.Because(decision.Reason);
        return new Failure(ErrorId.Forbidden, decision.Rule is { } rule ? $"{decision.Reason} ({rule.File}:{rule.Start.Line})" : decision.Reason);
    }

    private async Task<Result<AuthContext>> AuthorizeApiTokenAsync(RequestRecord record, GitRequest request, string token, CancellationToken cancellationToken)
    {
        if (request.Path.Upstream is { } accounts && options.Upstreams.TryGetValue(accounts, out var atproto) && atproto.AtProto?.OAuth is not null) return await AuthorizeOwnTokenAsync(record, request, atproto, token, cancellationToken);
        var upstream = request.Path.Upstream is not { } name ? atRoot : options.Upstreams.TryGetValue(name, out var named) && named.Kind == UpstreamKind.DigitalOcean ? named : null;
        // one text whether the upstream is of another kind or not there; a secret of ours is not shown to one
        if (upstream?.Address is null || OwnSecret.Is(token)) return new Failure(ErrorId.InvalidToken, "no API token is taken here") { OffersBasic = true };
        record.Upstream = upstream.Name;
        if (!(await tokens.AccountAsync(upstream, token, cancellationToken)).Succeeded(out var account, out var failure)) return failure;
        (record.AccountUuid, record.AccountEmail) = (account.Uuid, account.Email);
        record.CredentialSha256 = TokenHash.TryCompute(token, out var hash) ? hash.ToHex() : null;
        // through the written form: an id that can't be written there is not a context's
        if (!AuthContext.TryParse(new AuthContext(upstream.Name, account.Team).ToString(), out var context)) return NotFound();
        record.Context = context.ToString();
        record.Commit = (await sets.FindAsync(context, cancellationToken))?.Version;
        if (request.Path.Upstream is not null && !Addresses(request.Path, context)) return NotFound();
        if (!request.IsPush) return context;
        if (await tokens.CheckWriteAsync(upstream, token, cancellationToken) is { } mayNotWrite) return mayNotWrite;
        if (upstream.OAuth is null) return context;
        return await CheckScopesAsync(upstream, token, context, cancellationToken) is { } tooFew ? tooFew : context;
    }

    /// <summary>A token that an account got here by signing in: its upstream has none that could be shown to others.</summary>
    private async Task<Result<AuthContext>> AuthorizeOwnTokenAsync(RequestRecord record, GitRequest request, UpstreamOptions upstream, string token, CancellationToken cancellationToken)
    {
        record.Upstream = upstream.Name;
        if (await ownTokens.FindAsync(token, cancellationToken) is not { } owner || owner.Context.Upstream != upstream.Name || !upstream.Admits(owner.Context.Id))
            return new Failure(ErrorId.InvalidToken, "the token is unknown or has expired: sign in, and get one from your account's page") { OffersBasic = true };
        record.AccountUuid = owner.Account;
        record.CredentialSha256 = TokenHash.TryCompute(token, out var hash) ? hash.ToHex() : null;
        if (!Addresses(request.Path, owner.Context)) return NotFound();
        record.Context = owner.Context.ToString();
        record.Commit = (await sets.FindAsync(owner.Context, cancellationToken))?.Version;
        return owner.Context;
    }

    /// <summary>Who pushes policy decides what the stored credential is used for: a token that may do less than that credential must not.</summary>
    private async Task<Failure?> CheckScopesAsync(UpstreamOptions upstream, string token, AuthContext context, CancellationToken cancellationToken)
    {
        if (!(await tokens.ScopesAsync(upstream, token, cancellationToken)).Succeeded(out var own, out var unknown)) return unknown;
        // not knowing is a refusal: a credential that is unreadable for a moment may be anything in the next
        if (!(await credentials.GetAsync(context, cancellationToken)).Succeeded(out var credential, out var unavailable))
            return new Failure(ErrorId.PolicyUnavailable, "the credential that the policy is for can't be read, so its scopes are unknown") { Detail = unavailable.Reason };
        if (credential.BearerToken is not { } bearer)
            return new Failure(ErrorId.PolicyUnavailable, "the credential that the policy is for is not a bearer token, so its scopes are unknown");
        if (!(await tokens.ScopesAsync(upstream, bearer.Reveal(), cancellationToken)).Succeeded(out var stored, out unknown)) return unknown;
        return own.IsSupersetOf(stored) ? null : new Failure(ErrorId.Forbidden, "the API token has fewer scopes than the credential that the policy is for");
    }

    private static bool Addresses(GitPath path, AuthContext context) => path.Upstream == context.Upstream && (path.Id == context.Id || path.IdWithoutSuffix == context.Id);

    private static UpstreamOptions? OnlyOne(IEnumerable<UpstreamOptions> found) => found.Take(2).ToList() is [var one] ? one : null;
}
