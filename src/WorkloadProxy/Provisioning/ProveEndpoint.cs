using System.Net;
using System.Text;
using System.Text.Json;
using WorkloadProxy.Authentication;
using WorkloadProxy.Issuing;
using WorkloadProxy.Outbound;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Storage;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Provisioning;

/// <summary>
/// <c>POST /v1/oidc/prove</c>: a VM shows that it is the droplet that was created with a provisioning token, by a signature with its SSH host key. Whose
/// key that is, the droplet's own sshd tells, at the address that the API tells: the caller supplies neither.
/// </summary>
internal sealed class ProveEndpoint(
    ProvisioningStore store, DropletCheck check, HostKeys hostKeys, ProvisionedTokens tokens, TokenIssuer issuer, FailureLimit failures, TimeProvider time,
    ILogger<ProveEndpoint> logger)
{
    private const int MaxDepth = 4;
    private readonly FailureLimit attempts = new(time);

    public async Task<Failure?> HandleAsync(HttpContext http, RequestRecord record)
    {
        // before the attempt begins: bodies that come slowly would keep others of the same address waiting
        var bearer = BearerToken.Read(http.Request.Headers.Authorization);
        if (bearer.Kind != BearerTokenKind.Jwt) return bearer.Refusal ?? NotGood();
        if (!(await BodyReader.ReadFormAsync(http)).Succeeded(out var bytes, out var unreadable)) return unreadable;
        if (!SignatureIn(bytes).Succeeded(out var signature, out var malformed)) return malformed;
        var attempt = await failures.BeginAsync(record.Client, http.RequestAborted);
        if (attempt.Wait is { } wait) return new Failure(ErrorId.TooManyRequests, "too many proofs failed from this address") { RetryAfter = wait };
        var failed = true;
        try
        {
            var failure = await ProveAsync(http, record, Encoding.ASCII.GetBytes(bearer.Text.ToArray()), signature);
            failed = failure is { Id: ErrorId.InvalidToken or ErrorId.Forbidden };
            return failure;
        }
        finally
        {
            attempt.End(failed);
        }
    }

    private async Task<Failure?> ProveAsync(HttpContext http, RequestRecord record, byte[] token, SshSignature signature)
    {
        var hash = ProvisioningStore.HashOf(token);
        var candidates = await store.ProvableAsync(hash, http.RequestAborted);
        if (candidates.Count == 0) return NotGood();
        // from here on each try costs requests to the API and to the droplet, and whoever reads the user data may try from anywhere
        if (attempts.WaitOf(hash) is { } wait) return new Failure(ErrorId.TooManyRequests, "too many proofs with this token") { RetryAfter = wait };
        attempts.Note(hash);
        record.Context = candidates[0].Context.ToString();
        // with several droplets of one token, the one that the request seems to come from first; it is a hint and no more
        Failure? last = null;
        foreach (var candidate in await InLikelyOrderAsync(candidates, record.Client, http.RequestAborted))
        {
            var failure = await ProveAsync(http, record, candidate.Provisioned, candidate.Address, token, signature);
            if (failure is not { Id: ErrorId.InvalidToken or ErrorId.UpstreamUnreachable or ErrorId.Forbidden }) return failure;
            // the one that could not be asked may be the one that asks
            last = last is { TryAgain: true } ? last : failure;
        }
        return last;
    }

    private async Task<Failure?> ProveAsync(
        HttpContext http, RequestRecord record, ProvisionedDroplet droplet, Result<IPAddress> where, byte[] token, SshSignature signature)
    {
        if (!where.Succeeded(out var address, out var notThere)) return notThere;
        if (!(await hostKeys.ScanAsync(droplet.Context, address, http.RequestAborted)).Succeeded(out var keys, out var unscanned)) return unscanned;
        if (droplet.HostKey is { } kept && signature.Key.ToString() != kept)
        {
            return new Failure(ErrorId.InvalidToken, "the signature is not by the host key that the droplet first proved itself with")
            {
                Detail = $"droplet {droplet.Id}",
            };
        }
        if (await hostKeys.VerifyAsync(keys, signature, token, droplet.Id, http.RequestAborted) is { } unproved)
            return unproved with { Detail = unproved.Detail ?? $"droplet {droplet.Id}" };

        var family = NewFamily.Create(time.GetUtcNow());
        var identity = tokens.Identity(droplet.Context, droplet.FullSubject, droplet.Id, family.Id);
        if (!await store.ProveAsync(droplet, signature.Key, family, http.RequestAborted)) return NotGood();
        record.Because($"droplet {droplet.Id} proved to be {droplet.FullSubject} with host key {signature.Key.Fingerprint}");
        var unaudited = await issuer.HandOutAsync(http, record, identity, IdentityAnswer.Write(identity, family.First));
        if (unaudited is not null) await TakeBackAsync(droplet, family);
        return unaudited;
    }

    /// <summary>The caller may be gone: what it could not get must not stay spent.</summary>
    private async Task TakeBackAsync(ProvisionedDroplet droplet, NewFamily family)
    {
        try
        {
            await store.TakeBackAsync(droplet, family, CancellationToken.None);
        }
        catch (StoreException error)
        {
            logger.LogError("droplet {Droplet}: its proof could not be taken back, it can prove itself again in {Minutes} minutes: {Error}",
                droplet.Id, ProvisioningStore.LostReply.TotalMinutes, error.Message);
        }
    }

    private async Task<List<(ProvisionedDroplet Provisioned, Result<IPAddress> Address)>> InLikelyOrderAsync(
        IReadOnlyList<ProvisionedDroplet> candidates, string? client, CancellationToken cancellationToken)
    {
        var found = new List<(ProvisionedDroplet Provisioned, Result<IPAddress> Address)>();
        foreach (var candidate in candidates)
        {
            var looked = await check.FindAsync(candidate, cancellationToken);
            found.Add((candidate, looked.Succeeded(out var droplet, out var failure) ? hostKeys.AddressOf(droplet) : failure));
        }
        return [.. found.OrderByDescending(each => each.Address.Value?.ToString() == client)];
    }

    private static Result<SshSignature> SignatureIn(byte[] body)
    {
        if (!StrictJson.TryParseObject(body, MaxDepth, out var json, out var error)) return Malformed($"the body {error}, expected `{{\"sig\": \"…\"}}`");
        using var _ = json;
        if (!json.RootElement.TryGetProperty("sig", out var text) || text.ValueKind != JsonValueKind.String) return Malformed("the body has no string `sig`");
        return SshSignature.Parse(text.GetString()!) is { } signature
            ? signature
            : Malformed("`sig` is not an SSH signature by a plain host key, as `ssh-keygen -Y sign` writes it");
    }

    private static Failure Malformed(string message) => new(ErrorId.BadRequest, message);

    // unknown, expired and spent ones look the same to whoever holds one
    private static Failure NotGood() => new(ErrorId.InvalidToken, "the token is not a provisioning token that is still good");
}
