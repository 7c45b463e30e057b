using System.Buffers;
using System.Text.Json;
using WorkloadProxy.Authentication.Issuers;
using WorkloadProxy.Configuration;
using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Requests;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Authentication;

/// <summary>
/// JWT → <see cref="Caller"/>. In this order, so that nothing is done for a token that the step before refuses: structure, times, addressed context, whether
/// that context trusts the issuer, keys (the only step that may use the network), signature, revocation, roles.
/// </summary>
internal sealed class Authenticator(
    ProxyOptions options, PolicySetStore sets, SigningKeys signingKeys, IssuerKeys issuerKeys, RevocationSet revocations, TimeProvider time)
{
    private static readonly TimeSpan ForeignSkew = TimeSpan.FromSeconds(60);

    // what a token began may outlive it: the chain of exchanges, or a token that the upstream handed out
    private readonly TimeSpan longestUse = options.Upstreams.Values.SelectMany(upstream => upstream.HandsOut).Select(entry => entry.Lifetime)
        .Append(options.Tokens.MaxChain).Max();
    private readonly Audiences audiences = new(options, sets);
    private readonly Func<string, string?>? issuerOf = SpiffeIssuers.Of(options);
    private readonly WorkloadRuns runs = new(options);
    private readonly OwnKeys ownKeys = new(signingKeys);
    private readonly VerifiedTokenCache cache = new(time);
    private readonly RecentTokenHashes recent = new();

    /// <summary>The caller that presents the token, under the policy set in force now. A token seen before costs one hash and one look-up.</summary>
    public ValueTask<Result<Caller>> AuthenticateAsync(ReadOnlyMemory<char> token, CancellationToken cancellationToken)
    {
        var seen = recent.TryGet(token, out var hash);
        if (!seen && !TokenHash.TryCompute(token.Span, out hash))
            return new(Refusal.Malformed(token.Length > JwtDocument.MaxLength ? $"is longer than {JwtDocument.MaxLength} bytes" : "is not ASCII text"));
        if (Recall(hash) is { } cached)
        {
            if (!seen) recent.Add(token, hash);
            AuthenticationMetrics.CacheHit();
            return new(Admit(hash, cached));
        }

        AuthenticationMetrics.CacheMiss();
        return AuthenticateNewAsync(token, hash, cancellationToken);
    }

    /// <summary>
    /// The caller that presents the token as an assertion to this proxy as an authorization server (RFC 7523 §3), for one context. Its <c>aud</c> is the proxy
    /// itself, and counts as the context, for the roles too; any other token is judged as everywhere. It is not kept: as a bearer token it is for nobody.
    /// </summary>
    public async ValueTask<Result<Caller>> AuthenticateAssertionAsync(ReadOnlyMemory<char> token, AuthContext context, CancellationToken cancellationToken)
    {
        if (!TokenHash.TryCompute(token.Span, out var hash)) return Refusal.Malformed("is not ASCII text");
        if (!JwtDocument.Parse(token.Span, issuerOf).Succeeded(out var jwt, out var failure)) return failure;
        if (jwt.Audiences is not [var audience] || audience != options.PublicUrl || jwt.Issuer == options.PublicUrl)
        {
            var ordinary = await AuthenticateAsync(token, cancellationToken);
            return ordinary.Value is { } caller && caller.Token.Context != context ? Refusal.UnknownContext(jwt.Audiences) : ordinary;
        }
        return (await VerifyAsync(token, TimeSpan.Zero, cancellationToken, context)).Succeeded(out var verified, out failure) ? Admit(hash, verified) : failure;
    }

    /// <summary>
    /// The verified token for <c>/v1/oidc/revoke</c>: one that expired may still be revoked while a chain that it began can live, and one that is revoked
    /// already is fine.
    /// </summary>
    public async ValueTask<Result<VerifiedToken>> VerifyForRevocationAsync(ReadOnlyMemory<char> token, CancellationToken cancellationToken)
    {
        var verified = await VerifyAsync(token, longestUse, cancellationToken);
        return verified.Succeeded(out var cached, out var failure) ? cached.Token : failure;
    }

    /// <summary>
    /// The caller once more, after something was waited for: its token may have expired or been revoked, and another policy set, which doesn't trust its issuer
    /// or gives it other roles, may be in force.
    /// </summary>
    /// <param name="caller">As it was admitted before; the same again when nothing has changed.</param>
    /// <param name="mayHaveExpired">What was begun in time goes on.</param>
    public Result<Caller> AdmitAgain(Caller caller, bool mayHaveExpired = false)
    {
        var token = caller.Token;
        if (!mayHaveExpired && time.GetUtcNow() >= token.Expires) return Refusal.Expired;
        if (revocations.ContainsAny(token.RevocationIds)) return Refusal.Revoked;
        if (sets.Current(token.Context) is not { } inForce) return Refusal.NoPolicies(token.Context);
        if (ReferenceEquals(inForce.Set, caller.Grants.Set)) return caller;
        if (!token.IsOwn && !inForce.Set.TrustsIssuer(token.Issuer)) return Refusal.UntrustedIssuer(token.Issuer, token.Context);
        return new Caller(token, inForce.Set.MatchRoles(token.Claims), inForce.Version);
    }

    /// <summary>
    /// The caller that a token was handed out to, whose own token was verified when it was; <paramref name="last"/> as it was admitted before.
    /// </summary>
    public Result<Caller> AdmitHandedOut(VerifiedToken token, Caller? last)
    {
        if (last is not null) return AdmitAgain(last);
        if (sets.Current(token.Context) is not { } inForce) return Refusal.NoPolicies(token.Context);
        if (!token.IsOwn && !inForce.Set.TrustsIssuer(token.Issuer)) return Refusal.UntrustedIssuer(token.Issuer, token.Context);
        return AdmitAgain(new Caller(token, inForce.Set.MatchRoles(token.Claims), inForce.Version));
    }

    /// <summary>The token as it was verified, if that still holds.</summary>
    private CachedToken? Recall(TokenHash hash)
    {
        if (!cache.TryGet(hash, out var cached)) return null;
        if (cached.Token.IsOwn) _ = ownKeys.Current;
        var now = time.GetUtcNow();
        if (now < cached.Token.Expires && cached.Key.IsUsable(now)) return cached;
        cache.Remove(hash);
        return null;
    }

    private async ValueTask<Result<Caller>> AuthenticateNewAsync(ReadOnlyMemory<char> token, TokenHash hash, CancellationToken cancellationToken)
    {
        var verified = await VerifyAsync(token, TimeSpan.Zero, cancellationToken);
        if (!verified.Succeeded(out var cached, out var failure)) return failure;
        var admitted = Admit(hash, cached);
        if (admitted.Value is not null && time.GetUtcNow() < cached.Token.Expires) cache.Add(hash, cached);
        return admitted;
    }

    /// <summary>
    /// What doesn't belong to verification, and so is asked of each request: revocation, the set in force, the trust in the issuer, the roles.
    /// </summary>
    private Result<Caller> Admit(TokenHash hash, CachedToken cached)
    {
        var token = cached.Token;
        var generation = revocations.Generation;
        if (cached.RevocationsSeen != generation)
        {
            if (revocations.ContainsAny(token.RevocationIds))
            {
                cache.Remove(hash);
                return Refusal.Revoked;
            }

            cached.RevocationsSeen = generation;
        }

        if (sets.Current(token.Context) is not { } inForce) return Refusal.NoPolicies(token.Context);
        if (cached.LastMatch is { } match && ReferenceEquals(match.InForce, inForce)) return match.Caller;
        if (!token.IsOwn && !inForce.Set.TrustsIssuer(token.Issuer)) return Refusal.UntrustedIssuer(token.Issuer, token.Context);
        var caller = new Caller(token, inForce.Set.MatchRoles(token.Claims), inForce.Version);
        // most policies ask no more of the claims than that
        token.Claims.Shrink();
        cached.LastMatch = new(inForce, caller);
        return caller;
    }

    /// <param name="text">The token.</param>
    /// <param name="grace">How long ago it may have expired.</param>
    /// <param name="cancellationToken">Ends the wait for keys.</param>
    /// <param name="asserted">The context that an assertion to this proxy is for; null: the token's own <c>aud</c> says.</param>
    private async ValueTask<Result<CachedToken>> VerifyAsync(ReadOnlyMemory<char> text, TimeSpan grace, CancellationToken cancellationToken,
        AuthContext? asserted = null)
    {
        if (!JwtDocument.Parse(text.Span, issuerOf).Succeeded(out var jwt, out var failure)) return failure;
        var own = jwt.Issuer == options.PublicUrl;
        if (own && grace > TimeSpan.Zero && OwnClaims.ChainAfter(jwt) is var rest && rest > grace) grace = rest;
        if (jwt.CheckTimes(time.GetUtcNow(), own ? TimeSpan.Zero : ForeignSkew, grace, own) is { } wrongTime) return wrongTime;
        var addressed = asserted is null ? audiences.Resolve(jwt) : audiences.Known(asserted, jwt.Audiences);
        if (!addressed.Succeeded(out var context, out failure)) return failure;
        // here, where it may take its time: a token that is known already has had its set loaded
        await sets.FindAsync(context, cancellationToken);

        var found = own ? FindOwnSigner(jwt) : await FindForeignSignerAsync(jwt, context, cancellationToken);
        if (!found.Succeeded(out var key, out failure)) return failure;

        var seen = own ? jwt.Claims : IssuerClaims.Of(jwt, Listed(jwt.Issuer));
        if (!Claims.TryParse(asserted is null ? seen : WithAudience(seen, asserted), out var claims, out _))
            return Refusal.Malformed("holds claims that are ambiguous");
        var inForce = sets.Current(context);
        var ids = own ? RevocationId.OfOwn(jwt, claims) : [RevocationId.OfForeign(jwt)];
        var actorDepth = own ? OwnClaims.ActorDepthOf(claims) : 0;
        if (ids is null || actorDepth is null) return Refusal.Malformed("is not one of this proxy's");
        return new CachedToken(
            new VerifiedToken
            {
                // what all tokens of a context share is held once
                Context = inForce?.Set.Context ?? context,
                ContextText = inForce?.ContextText ?? context.ToString(),
                Claims = claims,
                ActorDepth = actorDepth.Value,
                Actor = own ? OwnClaims.ActorOf(claims) : null,
                Issuer = own ? options.PublicUrl : jwt.Issuer,
                Subject = jwt.Subject,
                Id = jwt.Id,
                IsOwn = own,
                Expires = jwt.Expires,
                IssuedAt = jwt.IssuedAt,
                RevocationIds = ids,
                Run = runs.Of(jwt.Issuer, own, claims, ids[0]),
            },
            key);
    }

    private IssuerOptions? Listed(string issuer) => options.Issuers.FirstOrDefault(entry => entry.Issuer == issuer);

    private static byte[] WithAudience(byte[] claims, AuthContext context)
    {
        var output = new ArrayBufferWriter<byte>(claims.Length + 64);
        using (var document = JsonDocument.Parse(claims))
        using (var json = new Utf8JsonWriter(output))
        {
            json.WriteStartObject();
            foreach (var member in document.RootElement.EnumerateObject())
            {
                if (member.NameEquals("aud"u8)) json.WriteString("aud"u8, context.ToString());
                else member.WriteTo(json);
            }
            json.WriteEndObject();
        }
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Our own tokens say <c>typ: JWT</c>; that of a provisioning token is refused with the unknown ones, before.</summary>
    private Result<VerificationKey> FindOwnSigner(JwtDocument jwt)
    {
        if (jwt.Type != "jwt" || jwt.KeyId is null) return Refusal.Malformed("is not one of this proxy's");
        if (ownKeys.Current.FindSigner(jwt) is { } key) return key;
        return ownKeys.Current.Knows(jwt.KeyId) ? Refusal.BadSignature(jwt.Issuer, jwt.KeyId) : Refusal.UnknownKey(jwt.Issuer, jwt.KeyId);
    }

    private async ValueTask<Result<VerificationKey>> FindForeignSignerAsync(JwtDocument jwt, AuthContext context, CancellationToken cancellationToken)
    {
        if (sets.Current(context) is not { } inForce) return Refusal.NotLoaded(context);
        if (!inForce.Set.TrustsIssuer(jwt.Issuer)) return Refusal.UntrustedIssuer(jwt.Issuer, context);
        var listed = Listed(jwt.Issuer);
        if (listed is { Algorithms.Count: > 0 } && !listed.Algorithms.Contains(jwt.Algorithm.Name))
            return Refusal.AlgorithmNotListed(jwt.Algorithm.Name, jwt.Issuer);
        return await issuerKeys.FindSignerAsync(jwt, cancellationToken);
    }
}
