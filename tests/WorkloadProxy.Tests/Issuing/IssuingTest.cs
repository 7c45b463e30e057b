using System.Text;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using WorkloadProxy.Hcl;
using WorkloadProxy.Issuing;
using WorkloadProxy.Policies;
using WorkloadProxy.Storage;
using WorkloadProxy.Tests.Storage;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Tests.Issuing;

/// <summary>What the tests of issuing start from: callers, decisions, and a verifier that trusts nothing but the published JWKS.</summary>
internal static class IssuingTest
{
    public const string Issuer = "https://proxy.example.com";
    public const string Team = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
    public static readonly AuthContext DigitalOcean = new("DigitalOcean", Team);
    public static readonly AuthContext AtProto = new("ATProto", "did:plc:ewvi7nxzyoun6zhxrhs64oiz");
    public static readonly Decision Allowed = new(DecisionOutcome.Allow, "policies/ci.hcl", null, "", null);

    public static Task<SigningKeys> OpenKeysAsync(this TestStore test, Store store) =>
        SigningKeys.OpenAsync(store, test.Options.Tokens, test.Time, TestStore.Cancel);

    public static TokenExchange Exchange(this TestStore test, SigningKeys keys) =>
        new(keys, test.Options.Tokens, Issuer, context => context == DigitalOcean || context == AtProto);

    /// <summary>A caller with a GitHub token that was issued <paramref name="age"/> ago.</summary>
    public static Caller GitHub(this TestStore test, TimeSpan age = default) => Presenting(test, DigitalOcean, isOwn: false,
        $$"""{"iss":"https://token.actions.githubusercontent.com","sub":"repo:org/repo:ref:refs/heads/main","iat":{{(test.Time.Now - age).ToUnixTimeSeconds()}}}""", ["sha256:github"]);

    public static Caller Presenting(this TestStore test, AuthContext context, bool isOwn, string claims, IReadOnlyList<string> revocationIds)
    {
        var parsed = Claims.Parse(Encoding.UTF8.GetBytes(claims));
        return new Caller(new VerifiedToken
        {
            Context = context,
            Claims = parsed,
            Issuer = parsed.String("iss")!,
            Subject = parsed.String("sub")!,
            IsOwn = isOwn,
            Actor = isOwn ? OwnClaims.ActorOf(parsed) : null,
            ActorDepth = isOwn ? OwnClaims.ActorDepthOf(parsed)!.Value : 0,
            Expires = test.Time.Now + TimeSpan.FromMinutes(5),
            RevocationIds = revocationIds,
        }, PolicyCompiler.Compile([], new CompileOptions(context, Issuer)).Set!.MatchRoles(parsed), "v1");
    }

    /// <summary>The same token with another end.</summary>
    public static VerifiedToken Until(this VerifiedToken token, DateTimeOffset expires) => new()
    {
        Context = token.Context, Claims = token.Claims, Issuer = token.Issuer, Subject = token.Subject, IsOwn = token.IsOwn, Expires = expires,
        RevocationIds = token.RevocationIds,
    };

    public static string Text(this IssuedToken issued) => Encoding.ASCII.GetString(issued.Token);

    /// <summary>The caller that presents a token of ours.</summary>
    public static Caller Presenting(this TestStore test, IssuedToken issued)
    {
        var token = new JsonWebToken(issued.Text());
        var claims = Base64UrlEncoder.Decode(token.EncodedPayload);
        var ancestors = JsonDocument.Parse(claims).RootElement.GetProperty("actx_ancestors").EnumerateArray().Select(id => id.GetString()!);
        return Presenting(test, AuthContext.TryParse(issued.Audience, out var context) ? context : throw new InvalidOperationException(issued.Audience),
            isOwn: true, claims, [issued.Id, .. ancestors]);
    }

    public static JsonElement Body(string json) => JsonDocument.Parse(json).RootElement;

    public static JsonElement Body(string sub, int? ttl, AuthContext? aud = null) =>
        Body(ttl is null ? $$"""{"aud":"{{aud ?? DigitalOcean}}","sub":"{{sub}}"}""" : $$"""{"aud":"{{aud ?? DigitalOcean}}","sub":"{{sub}}","ttl":{{ttl}}}""");

    /// <summary>Verifies as any relying party would, from the JWKS document; the claims.</summary>
    public static async Task<JsonElement> VerifyAsync(this TestStore test, SigningKeys keys, string token, AuthContext audience)
    {
        var result = await new JsonWebTokenHandler().ValidateTokenAsync(token, new TokenValidationParameters
        {
            ValidIssuer = Issuer,
            ValidAudience = audience.ToString(),
            IssuerSigningKeys = new JsonWebKeySet(Encoding.UTF8.GetString(new Discovery(keys, Issuer).Jwks.Span)).GetSigningKeys(),
            ValidTypes = ["JWT"],
            ClockSkew = TimeSpan.Zero,
            LifetimeValidator = (notBefore, expires, _, _) => notBefore <= test.Time.Now.UtcDateTime && test.Time.Now.UtcDateTime < expires,
        });
        Assert.True(result.IsValid, result.Exception?.Message);
        return Body(Base64UrlEncoder.Decode(((JsonWebToken)result.SecurityToken).EncodedPayload));
    }
}
