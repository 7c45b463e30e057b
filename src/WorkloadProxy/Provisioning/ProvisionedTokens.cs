using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using WorkloadProxy.Configuration;
using WorkloadProxy.Issuing;
using WorkloadProxy.Policies;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Provisioning;

/// <summary>Mints the two JWTs of a VM: the one that it proves itself with, and its identity.</summary>
internal sealed class ProvisionedTokens(SigningKeys keys, ProxyOptions options, TimeProvider time)
{
    public const string ProvePath = "/v1/oidc/prove";
    public const string RefreshPath = "/v1/oidc/refresh";
    public static readonly TimeSpan ProvisioningLifetime = TimeSpan.FromHours(1);
    private static readonly TimeSpan identityLifetime = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan notBefore = TimeSpan.FromSeconds(5);
    private static readonly JsonWriterOptions json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Good at <c>/v1/oidc/prove</c> alone: another <c>typ</c>, another audience, and a subject without a role.</summary>
    public byte[] Provisioning(AuthContext context)
    {
        var now = time.GetUtcNow();
        var claims = Claims(now, ProvisioningLifetime, $"{options.PublicUrl}{ProvePath}", $"actx:{context.Id}:provisioning", NewId(), null);
        return keys.Current(now).Sign(claims, "provisioning+jwt");
    }

    /// <summary>The identity of a droplet. Revoking <paramref name="family"/> ends it, and all that it was exchanged for.</summary>
    public IssuedToken Identity(AuthContext context, string subject, string dropletId, string family)
    {
        var now = time.GetUtcNow();
        var id = NewId();
        var token = keys.Current(now).Sign(Claims(now, identityLifetime, context.ToString(), subject, id, writer =>
        {
            writer.WriteString("droplet_id", dropletId);
            writer.WriteString(OwnClaims.Source, context.ToString());
            writer.WriteStartArray(OwnClaims.Ancestors);
            writer.WriteStringValue(family);
            writer.WriteEndArray();
        }));
        return new IssuedToken
        {
            Token = token,
            Audience = context.ToString(),
            Subject = subject,
            Id = id,
            Expires = DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds()) + identityLifetime,
            LifetimeSeconds = (int)identityLifetime.TotalSeconds,
            Sha256 = Convert.ToHexStringLower(SHA256.HashData(token)),
        };
    }

    private byte[] Claims(DateTimeOffset now, TimeSpan lifetime, string audience, string subject, string id, Action<Utf8JsonWriter>? more)
    {
        var claims = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(claims, json))
        {
            writer.WriteStartObject();
            writer.WriteString("iss", options.PublicUrl);
            writer.WriteString("aud", audience);
            writer.WriteString("sub", subject);
            writer.WriteNumber("iat", now.ToUnixTimeSeconds());
            writer.WriteNumber("nbf", (now - notBefore).ToUnixTimeSeconds());
            writer.WriteNumber("exp", now.ToUnixTimeSeconds() + (long)lifetime.TotalSeconds);
            writer.WriteString("jti", id);
            more?.Invoke(writer);
            writer.WriteEndObject();
        }
        return claims.WrittenSpan.ToArray();
    }

    private static string NewId() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16));
}
