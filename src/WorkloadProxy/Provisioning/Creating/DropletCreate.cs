using System.Text;
using WorkloadProxy.Authentication;
using WorkloadProxy.Configuration;
using WorkloadProxy.Forwarding;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;
using WorkloadProxy.Tokens;
using WorkloadProxy.Upstreams.DigitalOcean;

namespace WorkloadProxy.Provisioning.Creating;

/// <summary>
/// <c>POST /v2/droplets</c> with a tag that asks for an identity: a script that proves the VM is put beside its user data, and the droplets that the cloud
/// then names are bound to the token in it. A request without such a tag goes on as it came.
/// </summary>
internal sealed class DropletCreate(
    ProxyOptions options, PolicySetStore sets, ApiTokens apiTokens, ProvisionedTokens tokens, ProvisioningStore store, TimeProvider time,
    ILogger<DropletCreate> logger) : IInterceptor
{
    private const long MaxAnswer = 1024 * 1024;
    private const int BindAttempts = 3;
    private static readonly TimeSpan bindPause = TimeSpan.FromMilliseconds(300);
    // our own identities live this long; a rule that wants another `ttl` is asked with its own
    private const int IdentitySeconds = 900;
    private static readonly RequestTarget issue =
        RequestTarget.TryParse(OwnPaths.Issue, out var target, out var error, out _) ? target : throw new InvalidOperationException(error);

    public string Method => "POST";
    public string Path => "/v2/droplets";

    public async ValueTask<Interception> BeginAsync(InterceptedRequest request, CancellationToken cancellationToken)
    {
        if (request.Http.Request.Headers.ContentEncoding.Count > 0)
            return new(new Failure(ErrorId.UnsupportedMediaType, "a `Content-Encoding` is not accepted here: the body has to be read"));
        if (!(await request.ReadBodyAsync()).Succeeded(out var bytes, out var unreadable)) return new(unreadable);
        if (DropletRequest.Read(bytes, out var asked) is { } malformed) return new(malformed);
        if (asked is null)
        {
            request.ReplaceBody(bytes);
            return default;
        }
        if (!(await ContextOfAsync(request, cancellationToken)).Succeeded(out var context, out var unknown)) return new(unknown);
        request.Record.Context ??= context.ToString();
        var subject = $"actx:{context.Id}:{asked.Subject}";
        if (request.Caller is { } caller && !MayIssue(caller, context, subject))
        {
            return new(new Failure(ErrorId.Forbidden,
                $"the VM's identity (`sub` `{subject}`) is more than this token may issue: no rule permits it on `{OwnPaths.Issue}`"));
        }
        if (await sets.FindAsync(context, cancellationToken) is not { } inForce || !inForce.Set.HasDropletRole(subject, time.GetUtcNow()))
        {
            return new(new Failure(ErrorId.Unprocessable,
                $"no enabled role under `droplet-roles/`, or one that constrains `droplet_id`, matches `sub` `{subject}`"));
        }

        var token = tokens.Provisioning(context);
        var script = VmScript.For(options.PublicUrl, context.Id, token);
        if (!CloudInit.Wrap(asked.UserData, script).Succeeded(out var userData, out var tooLarge)) return new(tooLarge);
        var hash = ProvisioningStore.HashOf(token);
        await store.ReserveAsync(hash, context, asked.Subject, time.GetUtcNow() + ProvisionedTokens.ProvisioningLifetime, cancellationToken);
        request.ReplaceBody(asked.With(userData));
        // the answer has to be read here, so the cloud must not compress it
        request.Http.Request.Headers.Remove("Accept-Encoding");
        return new(null, (answer, ended) => BindAsync(hash, answer, ended));
    }

    private async Task<Result<AuthContext>> ContextOfAsync(InterceptedRequest request, CancellationToken cancellationToken)
    {
        if (request.Caller is { } caller) return caller.Token.Context;
        var bearer = BearerToken.Read(request.Http.Request.Headers.Authorization).Text.ToString();
        if (!(await apiTokens.AccountAsync(request.Upstream, bearer, cancellationToken)).Succeeded(out var account, out var failure))
            return failure with { OffersBasic = false };
        request.Record.AccountUuid = account.Uuid;
        request.Record.AccountEmail = account.Email;
        request.Record.CredentialSha256 = TokenHash.TryCompute(bearer, out var hash) ? hash.ToHex() : null;
        return AuthContext.TryParse($"api://{request.Upstream.Name}?actx={account.Team}", out var context)
            ? context
            : new Failure(ErrorId.Forbidden, "the API token's account belongs to no team");
    }

    /// <summary>Creating a VM must not be a way round the exchange: what the VM will be, its creator may become.</summary>
    private bool MayIssue(Caller caller, AuthContext context, string subject)
    {
        if (caller.Token.ActorDepth >= OwnClaims.MaxActorDepth) return false;
        var request = Exchange(context, subject, null);
        return caller.Grants.Decide(request).Outcome == DecisionOutcome.Allow || caller.Grants.SingleTtl(request) is not null
            || caller.Grants.Decide(Exchange(context, subject, IdentitySeconds)).Outcome == DecisionOutcome.Allow;
    }

    private AccessRequest Exchange(AuthContext context, string subject, int? ttl)
    {
        var json = new System.Text.Json.Nodes.JsonObject { ["aud"] = context.ToString(), ["sub"] = subject };
        if (ttl is { } seconds) json["ttl"] = seconds;
        if (!RequestBody.TryParseJson(Encoding.UTF8.GetBytes(json.ToJsonString()), out var body, out var error)) throw new InvalidOperationException(error);
        return new AccessRequest { Method = "POST", Target = issue, Body = body, Now = time.GetUtcNow() };
    }

    /// <summary>The answer is the cloud's, whatever happens here: a token that could not be bound serves for no one.</summary>
    private async ValueTask<Failure?> BindAsync(string hash, HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        var ids = answer.IsSuccessStatusCode ? await IdsAsync(answer, cancellationToken) : [];
        if (answer.IsSuccessStatusCode && ids.Count == 0) logger.LogError("the cloud's answer to a creation names no droplet: no VM of it gets an identity");
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await store.BindAsync(hash, ids, CancellationToken.None);
                return null;
            }
            catch (StoreException error) when (attempt < BindAttempts)
            {
                logger.LogWarning("droplets are not bound to their provisioning token yet: {Error}", error.Message);
                await Task.Delay(bindPause, time, CancellationToken.None);
            }
            catch (StoreException error)
            {
                logger.LogError("droplets {Droplets} get no identity: {Error}", string.Join(", ", ids), error.Message);
                return null;
            }
        }
    }

    private static async Task<IReadOnlyList<string>> IdsAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        try
        {
            await answer.Content.LoadIntoBufferAsync(MaxAnswer, cancellationToken);
            return DropletIds.Read(await answer.Content.ReadAsByteArrayAsync(cancellationToken));
        }
        catch (HttpRequestException)
        {
            // too long, or broken off: what is read of it can't go on, and the forwarder says so
            return [];
        }
    }
}
