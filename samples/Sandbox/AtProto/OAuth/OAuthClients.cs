using System.Collections.Concurrent;
using System.Text.Json;
using System.Web;

namespace Sandbox.AtProto.OAuth;

/// <summary>
/// Clients are what their documents say, fetched from the web and kept for ten minutes; <c>http://localhost</c> needs none. A confidential client signs an
/// assertion with one of its keys.
/// </summary>
internal sealed class OAuthClients(PersonalDataServer server, TimeProvider time)
{
    private static readonly HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false }) { Timeout = TimeSpan.FromSeconds(5) };
    private readonly ConcurrentDictionary<string, ClientDocument> known = new();
    private readonly ConcurrentDictionary<string, byte> assertions = new();

    /// <summary>How long a document is kept.</summary>
    public TimeSpan Kept { get; set; } = TimeSpan.FromMinutes(10);

    public async Task<(OAuthClient? Client, OAuthFailure? Failure)> AuthenticateAsync(IFormCollection form)
    {
        var id = form["client_id"].ToString();
        if (id == "http://localhost" || id.StartsWith("http://localhost/?", StringComparison.Ordinal)
            || id.StartsWith("http://localhost?", StringComparison.Ordinal))
            return (new(id, null, Loopback(id)), null);
        if (await FindAsync(id) is not { } document) return (null, new("invalid_client_metadata", "Unable to obtain client metadata"));
        if (document.Keys.Count == 0) return (null, new("invalid_client_metadata", "This client has no keys"));
        if (form["client_assertion_type"] != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
            return (null, new("invalid_client", "client_assertion required"));
        return Verify(id, document, form["client_assertion"].ToString()) is { } wrong
            ? (null, new("invalid_client", wrong)) : (new(id, Header(form)!, document), null);
    }

    private string? Verify(string id, ClientDocument document, string assertion)
    {
        if (Jws.Read(assertion) is not var (header, claims, verify)) return "The client assertion is not a JWT";
        if (Text(header, "alg") != "ES256" || Text(header, "kid") is not { } kid || !document.Keys.TryGetValue(kid, out var jwk))
            return "No key of the client has this kid";
        if (Jws.Key(jwk) is not var (key, _)) return "The client's key is not on P-256";
        using (key)
        {
            if (!verify(key)) return "The client assertion's signature is wrong";
        }
        if (Text(claims, "iss") != id || Text(claims, "sub") != id) return "iss and sub must be the client_id";
        if (Text(claims, "aud") != server.Url) return "aud must be the issuer";
        if (!claims.TryGetProperty("iat", out var iat) || !iat.TryGetInt64(out var issued)
            || (time.GetUtcNow() - DateTimeOffset.FromUnixTimeSeconds(issued)).Duration() > TimeSpan.FromMinutes(1))
            return "iat is not now";
        return Text(claims, "jti") is { Length: > 0 } token && assertions.TryAdd(token, 0) ? null : "jti is missing or was used";
    }

    private async Task<ClientDocument?> FindAsync(string id)
    {
        if (known.TryGetValue(id, out var cached) && time.GetUtcNow() - cached.Read < Kept) return cached;
        if (!Uri.TryCreate(id, UriKind.Absolute, out var address) || address.Scheme != "https" || address.AbsolutePath == "/") return null;
        var fetched = server.Network.ClientHosts.TryGetValue(address.Authority, out var mapped) ? new Uri(mapped, address.PathAndQuery) : address;
        try
        {
            using var answer = await http.GetAsync(fetched);
            if (!answer.IsSuccessStatusCode || answer.Content.Headers.ContentType?.MediaType != "application/json") return null;
            var json = JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync());
            if (Text(json, "client_id") != id || !json.GetProperty("dpop_bound_access_tokens").GetBoolean()) return null;
            if (Text(json, "token_endpoint_auth_method") != "private_key_jwt" || Text(json, "token_endpoint_auth_signing_alg") != "ES256") return null;
            return known[id] = new(
                [.. json.GetProperty("redirect_uris").EnumerateArray().Select(uri => uri.GetString()!)],
                Text(json, "scope")?.Split(' ') ?? ["atproto"],
                json.GetProperty("jwks").GetProperty("keys").EnumerateArray().ToDictionary(key => Text(key, "kid")!, key => key.Clone()),
                IsLoopback: false, time.GetUtcNow());
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }

    private ClientDocument Loopback(string id)
    {
        var question = id.IndexOf('?');
        var query = HttpUtility.ParseQueryString(question < 0 ? "" : id[question..]);
        return new(query.GetValues("redirect_uri") ?? ["http://127.0.0.1/", "http://[::1]/"], query["scope"]?.Split(' ') ?? ["atproto"],
            new Dictionary<string, JsonElement>(), IsLoopback: true, time.GetUtcNow());
    }

    private static string? Header(IFormCollection form) => Jws.Read(form["client_assertion"].ToString()) is var (header, _, _) ? Text(header, "kid") : null;

    private static string? Text(JsonElement of, string name) =>
        of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
