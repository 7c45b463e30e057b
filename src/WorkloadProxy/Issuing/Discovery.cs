using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;
using WorkloadProxy.Hcl;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Issuing;

/// <summary>The proxy as an OIDC issuer: its metadata (OpenID Connect Discovery 1.0, RFC 8414) and its JWKS, made once for each set of keys.</summary>
internal sealed class Discovery(SigningKeys keys, string issuer)
{
    public const string ConfigurationPath = "/.well-known/openid-configuration";
    public const string JwksPath = "/.well-known/jwks";
    private static readonly string[] claims =
    [
        "iss", "aud", "sub", "iat", "nbf", "exp", "jti", OwnClaims.Actor, OwnClaims.Source, OwnClaims.ChainStart, OwnClaims.ChainEnd, OwnClaims.Ancestors,
        OwnClaims.Run,
    ];
    private Documents documents = new([], default, default);

    /// <summary>The body of <see cref="ConfigurationPath"/>.</summary>
    public ReadOnlyMemory<byte> Configuration => Current().Configuration;

    /// <summary>The body of <see cref="JwksPath"/>.</summary>
    public ReadOnlyMemory<byte> Jwks => Current().Jwks;

    /// <summary>The <c>Cache-Control</c> of both.</summary>
    public string CacheControl { get; } = string.Create(CultureInfo.InvariantCulture, $"public, max-age={(int)keys.Schedule.CacheLifetime.TotalSeconds}");

    private Documents Current()
    {
        var current = Volatile.Read(ref documents);
        var published = keys.PublicKeys;
        if (!ReferenceEquals(current.Keys, published))
            Volatile.Write(ref documents, current = new Documents(published, WriteConfiguration(published), WriteJwks(published)));
        return current;
    }

    private byte[] WriteConfiguration(IReadOnlyList<JsonWebKey> published) => Write(writer =>
    {
        writer.WriteString("issuer", issuer);
        writer.WriteString("jwks_uri", issuer + JwksPath);
        writer.WriteString("authorization_endpoint", issuer + AuthorizeEndpoint.Path);
        writer.WriteString("token_endpoint", issuer + "/v1/oidc/token");
        writer.WriteString("revocation_endpoint", issuer + "/v1/oidc/revoke");
        WriteArray(writer, "response_types_supported", ["id_token"]);
        WriteArray(writer, "subject_types_supported", ["public"]);
        WriteArray(writer, "id_token_signing_alg_values_supported", published.Select(key => key.Alg).Distinct());
        WriteArray(writer, "scopes_supported", ["openid"]);
        WriteArray(writer, "claims_supported", claims);
        WriteArray(writer, "grant_types_supported", [TokenRequestForm.GrantType, TokenRequestForm.AssertionGrantType]);
        WriteArray(writer, "token_endpoint_auth_methods_supported", ["none"]);
        WriteArray(writer, "revocation_endpoint_auth_methods_supported", ["none"]);
    });

    private static byte[] WriteJwks(IReadOnlyList<JsonWebKey> published) => Write(writer =>
    {
        writer.WriteStartArray("keys");
        foreach (var key in published)
        {
            writer.WriteStartObject();
            foreach (var (name, value) in new[] { ("kty", key.Kty), ("use", key.Use), ("alg", key.Alg), ("kid", key.Kid), ("n", key.N), ("e", key.E),
                ("crv", key.Crv), ("x", key.X), ("y", key.Y) })
            {
                if (value is not null) writer.WriteString(name, value);
            }
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    });

    private static byte[] Write(Action<Utf8JsonWriter> content)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(output, ReadableJson.Options))
        {
            writer.WriteStartObject();
            content(writer);
            writer.WriteEndObject();
        }
        return output.WrittenSpan.ToArray();
    }

    private static void WriteArray(Utf8JsonWriter writer, string name, IEnumerable<string> values)
    {
        writer.WriteStartArray(name);
        foreach (var value in values) writer.WriteStringValue(value);
        writer.WriteEndArray();
    }

    private sealed record Documents(IReadOnlyList<JsonWebKey> Keys, ReadOnlyMemory<byte> Configuration, ReadOnlyMemory<byte> Jwks);
}
