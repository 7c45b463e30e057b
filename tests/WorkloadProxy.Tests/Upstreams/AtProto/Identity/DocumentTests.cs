using System.Text;
using System.Text.Json.Nodes;
using WorkloadProxy.Upstreams.AtProto.Identity;

namespace WorkloadProxy.Tests.Upstreams.AtProto.Identity;

/// <summary>Names and documents that others write, and what is not believed of them.</summary>
public sealed class DocumentTests
{
    private const string Plc = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

    [Theory]
    [InlineData(Plc)]
    [InlineData("did:web:example.com")]
    [InlineData("did:web:pds.eu-1.example.com")]
    [InlineData("did:web:xn--bcher-kva.example")]
    [InlineData("did:web:localhost")]
    [InlineData("did:web:localhost%3A8080")]
    public void A_DID_is_read_and_written_as_it_stands(string text)
    {
        Assert.True(Did.TryParse(text, out var did));
        Assert.Equal(text, did.ToString());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("did:plc:")]
    [InlineData("did:plc:EWVI7nxzyoun6zhxrhs64oiz")]
    [InlineData("did:plc:ewvi7nxzyoun6zhxrhs64oi1")]
    [InlineData("did:plc:ewvi7nxzyoun6zhxrhs64oizz")]
    [InlineData("did:plc:ewvi7nxzyoun6zhxrhs64oiz ")]
    [InlineData("did:plc:../../../../secrets/here")]
    [InlineData("did:web:")]
    [InlineData("did:web:example")]
    [InlineData("did:web:example.com.")]
    [InlineData("did:web:example..com")]
    [InlineData("did:web:-a.example.com")]
    [InlineData("did:web:Example.com")]
    [InlineData("did:web:example.com%3A8080")]
    [InlineData("did:web:example.com:user")]
    [InlineData("did:web:example.com/path")]
    [InlineData("did:web:user@example.com")]
    [InlineData("did:web:192.168.0.1")]
    [InlineData("did:web:127.1")]
    [InlineData("did:web:a.0x7f")]
    [InlineData("did:web:localhost%3a8080")]
    [InlineData("did:web:localhost%3A")]
    [InlineData("did:web:localhost%3A0")]
    [InlineData("did:web:localhost%3A080")]
    [InlineData("did:web:localhost%3A65536")]
    [InlineData("did:web:localhost:8080")]
    [InlineData("did:web:localhosts")]
    [InlineData("did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme")]
    public void What_is_not_a_DID_is_none(string? text) => Assert.False(Did.TryParse(text, out _));

    [Theory]
    [InlineData("https://pds.example.com", "https://pds.example.com")]
    [InlineData("https://pds.example.com/", "https://pds.example.com")]
    [InlineData("https://pds.example.com:443", "https://pds.example.com")]
    [InlineData("https://PDS.example.com:8443", "https://pds.example.com:8443")]
    [InlineData("http://localhost:2583", "http://localhost:2583")]
    [InlineData("https://[2606:4700::1111]", "https://[2606:4700::1111]")]
    public void An_origin_is_compared_in_one_way_to_write_it(string text, string expected)
    {
        Assert.True(Origin.TryParse(text, out var origin));
        Assert.Equal(expected, origin);
    }

    [Theory]
    [InlineData("https://pds.example.com/xrpc")]
    [InlineData("https://pds.example.com//")]
    [InlineData("https://pds.example.com/.")]
    [InlineData("https://pds.example.com?x")]
    [InlineData("https://pds.example.com#x")]
    [InlineData("https://user@pds.example.com")]
    [InlineData("https://pds.example.com\\@evil.example")]
    [InlineData("https://evil.example\\pds.example.com")]
    [InlineData("https://pds.example.com ")]
    [InlineData("https://2130706433")]
    [InlineData("https://0x7f.1")]
    [InlineData("ftp://pds.example.com")]
    [InlineData("//pds.example.com")]
    [InlineData("pds.example.com")]
    public void What_is_not_an_origin_is_none(string text) => Assert.False(Origin.TryParse(text, out _));

    [Fact]
    public void The_first_service_of_the_right_id_decides()
    {
        Assert.Equal(new DidDocument("https://one.example", "alice.example.com"), Parse("""
            { "id": "DID", "alsoKnownAs": ["https://alice.example", "at://Alice.example.com", "at://other.example"], "service": [
              { "id": "#other", "type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://zero.example" },
              { "id": "DID#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://one.example/" },
              { "id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://two.example" } ] }
            """).Document);
    }

    [Theory]
    [InlineData("""{ "id": "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", "service": [] }""", "belongs to another DID")]
    [InlineData("""{ "id": "DID" }""", "names no personal data server")]
    [InlineData("""{ "id": "DID", "service": [{ "id": "#atproto_pds", "type": "Other", "serviceEndpoint": "https://one.example" }, { "id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://two.example" }] }""", "names no personal data server")]
    [InlineData("""{ "id": "DID", "service": [{ "id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://one.example/xrpc" }] }""", "names a personal data server whose address is not an origin, such as `https://pds.example.com`")]
    [InlineData("""{ "id": "DID", "id": "DID", "service": [] }""", "holds a duplicate name")]
    public void A_document_that_is_wrong_says_why(string json, string problem) => Assert.Equal(problem, Parse(json).Problem);

    [Theory]
    [InlineData("issuer", "\"https://other.example\"", "has another `issuer`")]
    [InlineData("issuer", "\"https://as.example/\"", "has another `issuer`")]
    [InlineData("token_endpoint", "\"https://evil.example/token\"", "has an endpoint that is not on the issuer's origin")]
    [InlineData("introspection_endpoint", "\"https://evil.example/x\"", "has an endpoint that is not on the issuer's origin")]
    [InlineData("revocation_endpoint", "\"http://as.example/revoke\"", "has an endpoint that is not on the issuer's origin")]
    [InlineData("authorization_endpoint", "\"https://as.example@evil.example/\"", "has an endpoint that is not on the issuer's origin")]
    [InlineData("authorization_endpoint", "7", "has an endpoint that is not on the issuer's origin")]
    [InlineData("pushed_authorization_request_endpoint", null, "lacks `pushed_authorization_request_endpoint`")]
    [InlineData("require_pushed_authorization_requests", "false", "lacks `require_pushed_authorization_requests`")]
    [InlineData("authorization_response_iss_parameter_supported", null, "lacks `authorization_response_iss_parameter_supported`")]
    [InlineData("client_id_metadata_document_supported", "\"true\"", "lacks `client_id_metadata_document_supported`")]
    [InlineData("code_challenge_methods_supported", "[\"plain\"]", "does not offer PKCE with `S256`")]
    [InlineData("dpop_signing_alg_values_supported", "[\"RS256\"]", "does not accept DPoP proofs with `ES256`")]
    public void The_metadata_of_an_authorization_server_must_have_all_of_it(string name, string? value, string problem)
    {
        var good = Metadata();
        Assert.NotNull(AuthorizationServer.Parse(Encoding.UTF8.GetBytes(good.ToJsonString()), "https://as.example", out _));
        if (value is null) good.Remove(name);
        else good[name] = JsonNode.Parse(value);

        Assert.Null(AuthorizationServer.Parse(Encoding.UTF8.GetBytes(good.ToJsonString()), "https://as.example", out var found));
        Assert.Equal(problem, found);
    }

    [Fact]
    public void Whatever_bytes_come_are_read_or_refused()
    {
        var random = new Random(4711);
        var seeds = new[] { Encoding.UTF8.GetBytes(Metadata().ToJsonString()),
            Encoding.UTF8.GetBytes(
                $$"""{"id":"{{Plc}}","service":[{"id":"#atproto_pds","type":"AtprotoPersonalDataServer","serviceEndpoint":"https://one.example"}],"alsoKnownAs":["at://a.b"]}""") };
        Did.TryParse(Plc, out var did);
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = seeds[round % 2].ToArray();
            for (var change = random.Next(1, 6); change > 0; change--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            if (DidDocument.Parse(bytes, did!, out var problem) is { } document)
                Assert.True(Origin.TryParse(document.Pds, out var origin) && origin == document.Pds);
            else Assert.NotNull(problem);
            if (AuthorizationServer.Parse(bytes, "https://as.example", out problem) is { } server)
                Assert.All(new[] { server.Authorize, server.Token, server.PushedRequest }, address => Assert.Equal("https://as.example", Origin.Of(address)));
            else Assert.NotNull(problem);
            var text = Encoding.Latin1.GetString(bytes, 0, Math.Min(bytes.Length, 40));
            if (Did.TryParse(text, out var parsed)) Assert.Equal(text, parsed.Text);
            Handle.TryParse(text, out _);
        }
    }

    private static (DidDocument? Document, string? Problem) Parse(string json)
    {
        Did.TryParse(Plc, out var did);
        return (DidDocument.Parse(Encoding.UTF8.GetBytes(json.Replace("DID", Plc, StringComparison.Ordinal)), did!, out var problem), problem);
    }

    private static JsonObject Metadata() => new()
    {
        ["issuer"] = "https://as.example",
        ["authorization_endpoint"] = "https://as.example/oauth/authorize",
        ["token_endpoint"] = "https://as.example/oauth/token",
        ["pushed_authorization_request_endpoint"] = "https://as.example/oauth/par",
        ["revocation_endpoint"] = "https://as.example/oauth/revoke",
        ["require_pushed_authorization_requests"] = true,
        ["authorization_response_iss_parameter_supported"] = true,
        ["client_id_metadata_document_supported"] = true,
        ["code_challenge_methods_supported"] = new JsonArray("S256"),
        ["dpop_signing_alg_values_supported"] = new JsonArray("ES256"),
    };
}
