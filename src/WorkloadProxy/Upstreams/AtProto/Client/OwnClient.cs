using System.Buffers;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;
using WorkloadProxy.Configuration;

namespace WorkloadProxy.Upstreams.AtProto.Client;

/// <summary>
/// The proxy as an OAuth client. Over https it is a confidential one, whose id is the address of its document; on loopback, where no authorization server can
/// fetch one, the development client that the AT Protocol has for that, whose id says all.
/// </summary>
internal sealed class OwnClient
{
    public const string DocumentPath = "/oauth-client-metadata.json", LoginPath = "/auth/atproto/v1/login", CallbackPath = "/auth/atproto/v1/callback";

    private readonly string publicUrl;

    public OwnClient(string publicUrl, IReadOnlyList<string> scopes)
    {
        this.publicUrl = publicUrl;
        Scopes = scopes;
        Scope = string.Join(' ', scopes);
        var address = new Uri(publicUrl);
        IsConfidential = address.Scheme == Uri.UriSchemeHttps;
        // servers refuse `localhost` in redirect addresses: the name could be resolved to another machine
        BrowserUrl = IsConfidential ? publicUrl : $"http://127.0.0.1:{address.Port}{address.AbsolutePath.TrimEnd('/')}";
        RedirectUri = BrowserUrl + CallbackPath;
        Id = IsConfidential ? publicUrl
            + DocumentPath : $"http://localhost?redirect_uri={Uri.EscapeDataString(RedirectUri)}&scope={Uri.EscapeDataString(Scope)}";
    }

    /// <summary>The <c>client_id</c>.</summary>
    public string Id { get; }
    /// <summary>It authenticates with a key of its own; otherwise it does not authenticate.</summary>
    public bool IsConfidential { get; }
    public string RedirectUri { get; }
    /// <summary>Under which address the browser must come, so that the cookies of the start are there at the end.</summary>
    public string BrowserUrl { get; }
    public IReadOnlyList<string> Scopes { get; }
    /// <summary>All scopes in one text.</summary>
    public string Scope { get; }

    /// <summary>Where the account signs in.</summary>
    public string LoginUrlFor(string did) => $"{publicUrl}{LoginPath}?did={Uri.EscapeDataString(did)}";

    /// <summary>The document that authorization servers fetch, with the public keys of <paramref name="keys"/>.</summary>
    public ReadOnlyMemory<byte> Document(IEnumerable<JsonWebKey> keys)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("client_id", Id);
            json.WriteString("client_name", "WorkloadProxy");
            json.WriteString("client_uri", publicUrl);
            json.WriteString("application_type", "web");
            WriteList(json, "grant_types", "authorization_code", "refresh_token");
            WriteList(json, "response_types", "code");
            json.WriteString("scope", Scope);
            WriteList(json, "redirect_uris", RedirectUri);
            json.WriteBoolean("dpop_bound_access_tokens", true);
            json.WriteString("token_endpoint_auth_method", "private_key_jwt");
            json.WriteString("token_endpoint_auth_signing_alg", SecurityAlgorithms.EcdsaSha256);
            json.WriteStartObject("jwks");
            json.WriteStartArray("keys");
            foreach (var key in keys) Write(json, key);
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return buffer.WrittenMemory;
    }

    private static void Write(Utf8JsonWriter json, JsonWebKey key)
    {
        json.WriteStartObject();
        json.WriteString("kty", key.Kty);
        json.WriteString("crv", key.Crv);
        json.WriteString("x", key.X);
        json.WriteString("y", key.Y);
        json.WriteString("kid", key.Kid);
        json.WriteString("alg", key.Alg);
        json.WriteString("use", key.Use);
        json.WriteEndObject();
    }

    private static void WriteList(Utf8JsonWriter json, string name, params ReadOnlySpan<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values) json.WriteStringValue(value);
        json.WriteEndArray();
    }
}
