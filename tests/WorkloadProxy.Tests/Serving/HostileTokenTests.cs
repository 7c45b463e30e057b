using System.Buffers.Text;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Sandbox.Tokens;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Tests.Serving;

/// <summary>the specification through a real socket: each is 401, reaches no upstream, is audited, and says why in a header that can't be broken.</summary>
public sealed class HostileTokenTests(SharedProxy shared) : IClassFixture<SharedProxy>
{
    private static readonly SigningKey attacker = SigningKey.Ecdsa();
    private static readonly string otherContext = "api://DigitalOcean?actx=00000000-0000-4000-8000-000000000000";

    private static readonly Dictionary<string, (Func<TestProxy, string> Token, string Reason)> hostile = new()
    {
        ["no signature"] = (p => TokenForge.Unsigned("{\"alg\":\"none\",\"typ\":\"JWT\"}"u8, Claims(p)), "has an `alg` that is not accepted"),
        ["none over a good signature"] = (p => With(p, header: new JsonObject { ["alg"] = "none" }), "has an `alg` that is not accepted"),
        ["the public key as an HMAC secret"] = (p => TokenForge.Sign(SigningKey.Symmetric("HS256", Key(p).PublicPem(), Key(p).Kid), ClaimsOf(p)),
            "has an `alg` that is not accepted"),
        ["an algorithm in lower case"] = (p => With(p, header: new JsonObject { ["alg"] = "rs256" }), "has an `alg` that is not accepted"),
        ["an algorithm that the key does not state"] = (p => TokenForge.Sign(Key(p).As("PS256"), ClaimsOf(p)), "is unknown or not trusted here"),
        ["a key in the header"] = (p => TokenForge.Sign(attacker, ClaimsOf(p), new JsonObject { ["jwk"] = attacker.Jwk() }), "is unknown or not trusted here"),
        ["a key set in the header"] = (p => TokenForge.Sign(attacker, ClaimsOf(p),
            new JsonObject { ["jku"] = $"{p.Sandbox.Issuer.Issuer}/evil", ["x5u"] = $"{p.Sandbox.Issuer.Issuer}/evil" }), "is unknown or not trusted here"),
        ["another key under the issuer's kid"] = (p => TokenForge.Sign(attacker.As("ES256", Key(p).Kid), ClaimsOf(p)), "is unknown or not trusted here"),
        ["claims that were changed"] =
            (p => Replace(p.IdentityToken(), 1, Encode("{\"iss\":\"" + p.Sandbox.Issuer.Issuer + "\",\"sub\":\"root\",\"aud\":\"" + TestProxy.DigitalOcean
                + "\",\"exp\":4102444800}")), "is unknown or not trusted here"),
        ["an empty signature"] = (p => Replace(p.IdentityToken(), 2, ""), "is unknown or not trusted here"),
        ["crit"] = (p => With(p, header: new JsonObject { ["crit"] = new JsonArray("exp") }), "has `crit` in its header"),
        ["b64"] = (p => With(p, header: new JsonObject { ["b64"] = false }), "has `b64` in its header"),
        ["an encrypted token"] = (_ => "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.AA.AA.AA.AA", "is encrypted"),
        ["two parts"] = (p => string.Join('.', p.IdentityToken().Split('.')[..2]), "expected three parts"),
        ["four parts"] = (p => p.IdentityToken() + ".AA", "expected three parts"),
        ["a provisioning token's type"] = (p => With(p, header: new JsonObject { ["typ"] = "provisioning+jwt" }), "has a `typ` that is not accepted"),
        ["a type that is no string"] = (p => With(p, header: new JsonObject { ["typ"] = 1 }), "has a `typ` that is not accepted"),
        ["a kid that is no string"] = (p => With(p, header: new JsonObject { ["kid"] = 1 }), "has a `kid` that is not a string"),
        ["padded base64"] = (p => p.IdentityToken() + "==", "is not canonical base64url in its signature"),
        ["ordinary base64"] = (p => Replace(p.IdentityToken(), 1, "a+/b"), "is not canonical base64url in its claims"),
        ["unused bits that are set"] = (p => Replace(p.IdentityToken(), 0, Encode("{}")[..^1] + "1"), "is not canonical base64url in its header"),
        ["a duplicate claim"] = (p => Raw(p, claims => claims.Insert(1, "\"sub\":\"repo:org/evil\",")), "has claims whose text holds a duplicate name"),
        ["a duplicate claim written with an escape"] = (p => Raw(p, claims => claims.Insert(1, "\"s\\u0075b\":\"repo:org/evil\",")),
            "has claims whose text holds a duplicate name"),
        ["a duplicate inside a claim"] = (p => Raw(p, claims => claims.Insert(1, "\"x\":{\"a\":1,\"a\":2},")), "has claims whose text holds a duplicate name"),
        ["a duplicate in the header"] = (p => Sign(p, "{\"alg\":\"RS256\",\"alg\":\"RS256\"}", ClaimsOf(p).ToJsonString()),
            "has a header that holds a duplicate name"),
        ["claims nested deeper than 16"] = (p => Raw(p, claims => claims.Insert(1, $"\"x\":{new string('[', 17)}{new string(']', 17)},")), "nested too deeply"),
        ["claims that are a list"] = (p => Sign(p, $"{{\"alg\":\"RS256\",\"kid\":\"{Key(p).Kid}\"}}", "[]"), "is not a JSON object"),
        ["text behind the claims"] = (p => Raw(p, claims => claims + "{}"), "has claims whose text"),
        ["claims that are not UTF-8"] = (p => Raw(p, claims => claims.Insert(1, "\"x\":\"\u00ff\","), Encoding.Latin1), "is not valid UTF-8"),
        ["more than 16 KiB"] = (p => With(p, new JsonObject { ["x"] = new string('a', 16 * 1024) }), "longer than 16384 bytes"),
        ["no exp"] = (p => With(p, new JsonObject { ["exp"] = null }), "has no `exp`"),
        ["an exp that is a string"] = (p => With(p, new JsonObject { ["exp"] = "4102444800" }), "has an `exp` that is not a time"),
        ["an exp beyond the calendar"] = (p => With(p, new JsonObject { ["exp"] = 1e300 }), "has an `exp` that is not a time"),
        ["an exp that passed 61 s ago"] = (p => With(p, new JsonObject { ["exp"] = Now() - 61 }), "the token has expired"),
        ["an nbf in two minutes"] = (p => With(p, new JsonObject { ["nbf"] = Now() + 120 }), "the token is not valid yet"),
        ["an iat in two minutes"] = (p => With(p, new JsonObject { ["iat"] = Now() + 120 }), "the token is not valid yet"),
        ["an iss that is a list"] = (p => With(p, new JsonObject { ["iss"] = new JsonArray(p.Sandbox.Issuer.Issuer) }), "has no `iss` that is a string"),
        ["a sub that is a number"] = (p => With(p, new JsonObject { ["sub"] = 7 }), "has no `sub` that is a string"),
        ["no sub"] = (p => With(p, new JsonObject { ["sub"] = null }), "has no `sub` that is a string"),
        ["no aud"] = (p => With(p, new JsonObject { ["aud"] = null }), "has no `aud`"),
        ["two contexts in aud"] = (p => With(p, new JsonObject { ["aud"] = new JsonArray(TestProxy.DigitalOcean.ToString(), otherContext) }),
            "names more than one auth context"),
        ["an unknown context"] = (p => With(p, new JsonObject { ["aud"] = otherContext }), "is unknown or not trusted here"),
        ["an untrusted issuer"] = (p => With(p, new JsonObject { ["iss"] = p.Sandbox.Issuer.Issuer + "/evil" }), "is unknown or not trusted here"),
        ["the issuer with one more slash"] = (p => With(p, new JsonObject { ["iss"] = p.Sandbox.Issuer.Issuer + "/" }), "is unknown or not trusted here"),
        ["a token in our own name"] = (p => With(p, new JsonObject { ["iss"] = p.Options.PublicUrl }), "is unknown or not trusted here"),
    };

    public static TheoryData<string> Hostile => [.. hostile.Keys];

    [Theory]
    [MemberData(nameof(Hostile))]
    public async Task A_hostile_token_is_401_reaches_no_upstream_and_is_audited(string what)
    {
        var proxy = shared.Proxy;
        var target = $"/v2/echo/hostile-{hostile.Keys.ToList().IndexOf(what)}";

        var answer = await proxy.GetAsync(target, hostile[what].Token(proxy));

        Assert.Equal(HttpStatusCode.Unauthorized, answer.Status);
        Assert.Equal("invalid_token", answer.ErrorId);
        var message = answer.Json.GetProperty("message").GetString()!;
        Assert.Contains(hostile[what].Reason, message);
        Assert.Matches("^Bearer error=\"invalid_token\", error_description=\"[^\"\\\\\\x00-\\x1f\\x7f-\\uffff]*\"$", answer.Headers["WWW-Authenticate"]);
        Assert.DoesNotContain(proxy.Sandbox.Requests.All, request => request.Target == target);
        Assert.DoesNotContain(proxy.Sandbox.Issuer.Requests.All, request => request.Target.Contains("evil", StringComparison.Ordinal));
        var line = await proxy.AuditOfAsync(answer);
        Assert.Equal(("deny", 401, target),
            (line.GetProperty("decision").GetString(), line.GetProperty("status").GetInt32(), line.GetProperty("path").GetString()));
        Assert.StartsWith(message, line.GetProperty("reason").GetString());
        Assert.False(line.TryGetProperty("sub", out _), "an identity that was not verified stands in the audit");
    }

    [Fact]
    public async Task An_unknown_context_and_an_untrusted_issuer_can_not_be_told_apart()
    {
        var context = await shared.Proxy.GetAsync("/v2/echo/a", With(shared.Proxy, new JsonObject { ["aud"] = otherContext }));
        var issuer = await shared.Proxy.GetAsync("/v2/echo/a", With(shared.Proxy, new JsonObject { ["iss"] = "https://evil.example" }));

        Assert.Equal(context.Json.GetProperty("message").GetString(), issuer.Json.GetProperty("message").GetString());
        Assert.Equal(context.Headers["WWW-Authenticate"], issuer.Headers["WWW-Authenticate"]);
    }

    public static TheoryData<string, string> Accepted => new()
    {
        { "no typ", """{"header":{"typ":null}}""" },
        { "at+JWT", """{"header":{"typ":"at+JWT"}}""" },
        { "an unknown header", """{"header":{"x":1,"x5c":["AA=="]}}""" },
        { "expired 30 s ago", """{"claims":{"exp":-30}}""" },
        { "issued in 30 s", """{"claims":{"iat":30}}""" },
        { "a time with a fraction", """{"claims":{"exp":100.5}}""" },
    };

    [Theory]
    [MemberData(nameof(Accepted))]
    public async Task An_unusual_but_honest_token_is_accepted(string what, string over)
    {
        var parts = JsonNode.Parse(over)!.AsObject();
        var claims = parts["claims"]?.AsObject() ?? [];
        // times are relative to now
        foreach (var (name, value) in claims.ToList()) claims[name] = Now() + value!.GetValue<double>();

        var answer = await shared.Proxy.GetAsync("/v2/echo/a", With(shared.Proxy, claims, parts["header"]?.AsObject()));

        Assert.True(answer.Status == HttpStatusCode.OK, $"{what}: {answer.Body}");
    }

    [Fact]
    public async Task Other_names_beside_the_context_in_aud_are_no_harm()
    {
        var token = With(shared.Proxy,
            new JsonObject { ["aud"] = new JsonArray("https://other.example", TestProxy.DigitalOcean.ToString(), TestProxy.DigitalOcean.ToString()) });

        Assert.Equal(HttpStatusCode.OK, (await shared.Proxy.GetAsync("/v2/echo/a", token)).Status);
    }

    [Theory]
    [InlineData("Basic dXNlcjpwYXNz", 401)]
    [InlineData("Bearer", 401)]
    [InlineData("Bearer ", 401)]
    [InlineData("Bearer a b", 401)]
    [InlineData("Bearer TOKEN, Bearer TOKEN", 401)]
    [InlineData("TOKEN", 401)]
    [InlineData("bearer TOKEN", 200)]
    [InlineData("BEARER   TOKEN", 200)]
    public async Task Only_one_bearer_token_is_taken_whatever_the_schemes_letter_case(string authorization, int status)
    {
        var answer = await shared.Proxy.SendRawAsync(
            "GET /v2/echo/scheme HTTP/1.1\r\nHost: proxy.test\r\nConnection: close\r\nAuthorization: "
                + $"{authorization.Replace("TOKEN", shared.Proxy.IdentityToken(), StringComparison.Ordinal)}\r\n\r\n");

        Assert.StartsWith($"HTTP/1.1 {status} ", answer);
    }

    [Theory]
    [InlineData("/health/live")]
    [InlineData("/")]
    [InlineData("/v2/echo/two")]
    public async Task Two_authorization_headers_are_400_on_every_path(string target)
    {
        var answer = await shared.Proxy.SendRawGetAsync(target, shared.Proxy.IdentityToken(), $"Authorization: Bearer {shared.Proxy.IdentityToken()}\r\n");

        Assert.StartsWith("HTTP/1.1 400 ", answer);
        Assert.Contains("\"id\":\"bad_request\"", answer);
    }

    private static SigningKey Key(TestProxy proxy) => proxy.Sandbox.Issuer.Keys[0];
    private static long Now() => TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
    private static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
    private static JsonObject ClaimsOf(TestProxy proxy) => JsonNode.Parse(Base64Url.DecodeFromChars(proxy.IdentityToken().Split('.')[1]))!.AsObject();
    private static byte[] Claims(TestProxy proxy) => Encoding.UTF8.GetBytes(ClaimsOf(proxy).ToJsonString());
    private static string With(TestProxy proxy, JsonObject? claims = null, JsonObject? header = null) =>
        TokenForge.Sign(Key(proxy), ClaimsOf(proxy).With(claims), header);

    private static string Replace(string token, int part, string text)
    {
        var parts = token.Split('.');
        parts[part] = text;
        return string.Join('.', parts);
    }

    private static string Sign(TestProxy proxy, string header, string claims, Encoding? encoding = null) =>
        TokenForge.Sign(Key(proxy), Encoding.UTF8.GetBytes(header), (encoding ?? Encoding.UTF8).GetBytes(claims));

    private static string Raw(TestProxy proxy, Func<string, string> change, Encoding? encoding = null) =>
        Sign(proxy, $"{{\"alg\":\"RS256\",\"kid\":\"{Key(proxy).Kid}\"}}", change(ClaimsOf(proxy).ToJsonString()), encoding);
}
