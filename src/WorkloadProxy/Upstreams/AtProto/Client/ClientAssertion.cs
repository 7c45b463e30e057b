using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Upstreams.AtProto.Client;

/// <summary>How a confidential client says who it is (RFC 7523 §2.2): a JWT for one authorization server, which lives for a minute and serves once.</summary>
internal static class ClientAssertion
{
    public const string Type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    private static readonly TimeSpan lifetime = TimeSpan.FromSeconds(60);

    public static string Create(SigningKey key, string clientId, string issuer, DateTimeOffset now)
    {
        var claims = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(claims))
        {
            json.WriteStartObject();
            json.WriteString("iss", clientId);
            json.WriteString("sub", clientId);
            json.WriteString("aud", issuer);
            json.WriteString("jti", Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16)));
            json.WriteNumber("iat", now.ToUnixTimeSeconds());
            json.WriteNumber("exp", (now + lifetime).ToUnixTimeSeconds());
            json.WriteEndObject();
        }
        return Encoding.ASCII.GetString(key.Sign(claims.WrittenSpan));
    }
}
