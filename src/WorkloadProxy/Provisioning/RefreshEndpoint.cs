using System.Text;
using System.Text.Json;
using WorkloadProxy.Authentication;
using WorkloadProxy.Issuing;
using WorkloadProxy.Outbound;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Provisioning;

/// <summary>
/// <c>POST /v1/oidc/refresh</c>: a refresh token, as bearer or as <c>{"refresh_token"}</c>, for a new identity token and a new refresh token. The droplet
/// is looked up each time, and nothing is spent unless the answer is ready.
/// </summary>
internal sealed class RefreshEndpoint(
    ProvisioningStore store, RefreshFamilies families, DropletCheck check, ProvisionedTokens tokens, TokenIssuer issuer, FailureLimit failures)
{
    private const int MaxDepth = 4;
    /// <summary>How many tokens from addresses over their limit are looked up at once.</summary>
    private readonly SemaphoreSlim late = new(4);

    public async Task<Failure?> HandleAsync(HttpContext http, RequestRecord record)
    {
        // before the attempt begins: bodies that come slowly would keep others of the same address waiting
        if (!(await ReadTokenAsync(http)).Succeeded(out var token, out var unreadable)) return unreadable;
        var attempt = await failures.BeginAsync(record.Client, http.RequestAborted);
        if (attempt.Wait is { } wait) return await RefreshLateAsync(http, record, token, wait);
        var failed = true;
        try
        {
            var failure = await RefreshAsync(http, record, token);
            failed = failure is { Id: ErrorId.InvalidToken };
            return failure;
        }
        finally
        {
            attempt.End(failed);
        }
    }

    /// <summary>A good token is taken from an address over its limit too: any process on a VM can make it fail ten times a minute, for ever.</summary>
    private async Task<Failure?> RefreshLateAsync(HttpContext http, RequestRecord record, RefreshToken token, TimeSpan wait)
    {
        var limited = new Failure(ErrorId.TooManyRequests, "too many refreshes failed from this address") { RetryAfter = wait };
        if (!late.Wait(0)) return limited;
        try
        {
            var failure = await RefreshAsync(http, record, token);
            return failure is { Id: ErrorId.InvalidToken } ? limited : failure;
        }
        finally
        {
            late.Release();
        }
    }

    private async Task<Failure?> RefreshAsync(HttpContext http, RequestRecord record, RefreshToken token)
    {
        // twice: whoever loses a race against another refresh finds the token spent, and the winner's answer
        for (var attempt = 0; attempt < 2; attempt++)
        {
            if (await families.FindAsync(token, http.RequestAborted) is not { } state) return NotGood();
            record.Context = state.Context.ToString();
            if (state.Again is { } again) return await HandOutAsync(http, record, state, again, "the same answer once more");
            if (state.Spent)
            {
                await families.RevokeAsync(state.Family, http.RequestAborted);
                return NotGood() with { Detail = $"droplet {state.DropletId}: a spent refresh token came again, its family is revoked" };
            }
            if (await store.FindAsync(state.Context, state.DropletId, http.RequestAborted) is not { } droplet) return NotGood();
            if (!(await check.FindAsync(droplet, http.RequestAborted)).Succeeded(out _, out var gone)) return gone;
            var identity = tokens.Identity(droplet.Context, droplet.FullSubject, droplet.Id, state.Family);
            var next = RefreshToken.Create();
            var answer = IdentityAnswer.Write(identity, next);
            if (!await families.SpendAsync(token, state, next, answer, http.RequestAborted)) continue;
            var unaudited = await HandOutAsync(http, record, state, answer, "refreshed", identity);
            // the caller may be gone: what it could not get must not stay spent
            if (unaudited is not null) await families.TakeBackAsync(token, next, CancellationToken.None);
            return unaudited;
        }
        return NotGood();
    }

    private Task<Failure?> HandOutAsync(HttpContext http, RequestRecord record, FamilyState state, byte[] answer, string what, IssuedToken? identity = null)
    {
        record.Because($"droplet {state.DropletId}: {what}");
        return issuer.HandOutAsync(http, record, identity?.Sha256, answer);
    }

    private static async ValueTask<Result<RefreshToken>> ReadTokenAsync(HttpContext http)
    {
        var bearer = BearerToken.Read(http.Request.Headers.Authorization);
        if (bearer.Kind != BearerTokenKind.None)
            return bearer.Kind == BearerTokenKind.Own && RefreshToken.Parse(bearer.Text.Span) is { } given ? given : NotGood();
        if (!(await BodyReader.ReadFormAsync(http)).Succeeded(out var bytes, out var unreadable)) return unreadable;
        if (bytes.Length == 0) return bearer.Refusal!;
        if (!StrictJson.TryParseObject(bytes, MaxDepth, out var json, out var error))
            return new Failure(ErrorId.BadRequest, $"the body {error}, expected `{{\"refresh_token\": \"…\"}}`");
        using var _ = json;
        if (!json.RootElement.TryGetProperty("refresh_token", out var text) || text.ValueKind != JsonValueKind.String)
            return new Failure(ErrorId.BadRequest, "the body has no string `refresh_token`");
        return RefreshToken.Parse(text.GetString()!) is { } token ? token : NotGood();
    }

    private static Failure NotGood() => new(ErrorId.InvalidToken, "the token is not a refresh token that is still good");
}
