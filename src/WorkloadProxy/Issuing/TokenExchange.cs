using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Issuing;

/// <summary>
/// The exchange: a verified token and a permitted request → a scoped token. <c>/v1/oidc/issue</c> and <c>/v1/oidc/token</c> are two ways to ask for it.
/// <c>isKnown</c> tells whether a context is one of this proxy's.
/// </summary>
internal sealed class TokenExchange(SigningKeys keys, TokenOptions options, string issuer, Func<AuthContext, bool> isKnown)
{
    private const int DefaultLifetimeSeconds = 900;
    private const int NotBeforeSeconds = 5;
    // what the authenticator takes: a longer token would be refused at its first use
    private const int MaxTokenSize = 16 * 1024;
    // nothing here is ever shown as HTML, and a sub with `+` or `é` stays readable
    private static readonly JsonWriterOptions json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Whether a token can be minted for <paramref name="audience"/>: a context of this proxy, or another service that the operator lists.</summary>
    public bool Mints(string audience) => Knows(audience, out _) || options.ExternalAudiences.Contains(audience, StringComparer.Ordinal);

    /// <summary>Whether <paramref name="audience"/> is a context of this proxy.</summary>
    public bool Knows(string audience, out AuthContext? context) => AuthContext.TryParse(audience, out context) && isKnown(context);

    /// <summary>Mints the token that <paramref name="body"/> asks for, which <paramref name="decision"/> permitted to <paramref name="caller"/>.</summary>
    public Result<IssuedToken> Exchange(Caller caller, JsonElement body, Decision decision, DateTimeOffset now)
    {
        if (decision.Outcome != DecisionOutcome.Allow) return new Failure(ErrorId.Forbidden, "the exchange is not permitted");
        var maxLifetime = (int)options.MaxLifetime.TotalSeconds;
        if (!ExchangeRequest.Parse(body, maxLifetime).Succeeded(out var request, out var failure)) return failure;
        var source = caller.Token.Context;
        var prefix = $"actx:{source.Id}:";
        if (!request.Subject.StartsWith(prefix, StringComparison.Ordinal) || request.Subject.Length == prefix.Length)
        {
            return new Failure(ErrorId.Forbidden,
                $"`sub` does not begin with `{prefix}` followed by a name: a token speaks for the context that it comes from");
        }
        var external = options.ExternalAudiences.Contains(request.Audience, StringComparer.Ordinal);
        if (!Knows(request.Audience, out var target) && !external) return new Failure(ErrorId.Forbidden, "`aud` is not a context of this proxy");
        if (caller.Token.ActorDepth >= OwnClaims.MaxActorDepth)
            return new Failure(ErrorId.Forbidden, $"the token was exchanged {OwnClaims.MaxActorDepth} times already, and may not be again");

        var issuedAt = now.ToUnixTimeSeconds();
        var chainStart = OwnClaims.ChainStartOf(caller.Token, issuedAt);
        var lifetime = request.LifetimeSeconds ?? Math.Min(DefaultLifetimeSeconds, maxLifetime);
        if (decision.MaxTtl is { } cap) lifetime = Math.Min(lifetime, cap);
        var chainEnd = OwnClaims.ChainEndOf(caller.Token, chainStart, options.MaxChain);
        lifetime = (int)Math.Min(lifetime, chainEnd - issuedAt);
        if (lifetime < 1) return new Failure(ErrorId.Forbidden, "the token's chain of exchanges has ended: start again from a new identity token");

        var id = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16));
        var claims = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(claims, json))
        {
            writer.WriteStartObject();
            writer.WriteString("iss", issuer);
            writer.WriteString("aud", request.Audience);
            writer.WriteString("sub", request.Subject);
            writer.WriteNumber("iat", issuedAt);
            writer.WriteNumber("nbf", issuedAt - NotBeforeSeconds);
            writer.WriteNumber("exp", issuedAt + lifetime);
            writer.WriteString("jti", id);
            WriteActor(writer, caller.Token);
            writer.WriteString(OwnClaims.Source, source.ToString());
            writer.WriteNumber(OwnClaims.ChainStart, chainStart);
            // the first token outlives the chain's usual length: what comes of it must know
            if (chainEnd > chainStart + (long)options.MaxChain.TotalSeconds) writer.WriteNumber(OwnClaims.ChainEnd, chainEnd);
            if (!external) writer.WriteString(OwnClaims.Run, caller.Token.Run);
            if (!external) WriteAncestors(writer, caller.Token);
            foreach (var claim in request.ExtraClaims) claim.WriteTo(writer);
            writer.WriteEndObject();
        }
        if (claims.WrittenCount > MaxTokenSize) return TooLarge();
        var token = keys.Current(now).Sign(claims.WrittenSpan);
        if (token.Length > MaxTokenSize) return TooLarge();
        return new IssuedToken
        {
            Token = token,
            Audience = request.Audience,
            Subject = request.Subject,
            Id = id,
            Expires = DateTimeOffset.FromUnixTimeSeconds(issuedAt + lifetime),
            LifetimeSeconds = lifetime,
            Sha256 = Convert.ToHexStringLower(SHA256.HashData(token)),
        };
    }

    /// <summary>What revokes the token along with it; nothing to another service, which would only learn which tokens there are.</summary>
    private static void WriteAncestors(Utf8JsonWriter writer, VerifiedToken token)
    {
        writer.WriteStartArray(OwnClaims.Ancestors);
        foreach (var ancestor in token.RevocationIds) writer.WriteStringValue(ancestor);
        writer.WriteEndArray();
    }

    private static Failure TooLarge() => new(ErrorId.BadRequest, $"the token would be larger than {MaxTokenSize} bytes");

    // RFC 8693 §4.1
    private static void WriteActor(Utf8JsonWriter writer, VerifiedToken token)
    {
        writer.WriteStartObject(OwnClaims.Actor);
        writer.WriteString("iss", token.Issuer);
        writer.WriteString("sub", token.Subject);
        if (token.Actor is { } actor)
        {
            writer.WritePropertyName(OwnClaims.Actor);
            actor.WriteTo(writer);
        }
        writer.WriteEndObject();
    }
}
