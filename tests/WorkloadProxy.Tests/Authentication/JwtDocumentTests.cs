using System.Text;
using WorkloadProxy.Authentication;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Tests.Authentication;

/// <summary>The structure of a token, before any key is looked at.</summary>
public sealed class JwtDocumentTests
{
    private const string Header = """{"alg":"RS256","typ":"JWT","kid":"one"}""";
    private const string Claims = """{"iss":"https://issuer.example","sub":"s","aud":"a","exp":1700000000}""";
    private static readonly DateTimeOffset Expires = DateTimeOffset.FromUnixTimeSeconds(1700000000);

    [Fact]
    public void A_token_is_taken_apart()
    {
        var jwt = Read(Header,
            """{"iss":"https://issuer.example","sub":"s","aud":["a","b"],"exp":1700000000.25,"nbf":1,"iat":2,"jti":"x","nested":{"a":[1]}}""");
        Assert.Equal(("https://issuer.example", "s", "x", "one", "jwt", "RS256"), (jwt.Issuer, jwt.Subject, jwt.Id, jwt.KeyId, jwt.Type, jwt.Algorithm.Name));
        Assert.Equal(["a", "b"], jwt.Audiences);
        Assert.Equal(Expires.AddMilliseconds(250), jwt.Expires);
        Assert.Equal((DateTimeOffset.FromUnixTimeSeconds(1), DateTimeOffset.FromUnixTimeSeconds(2)), (jwt.NotBefore, jwt.IssuedAt));
        Assert.Equal($"{TestKey.Url(Header)}.", Encoding.ASCII.GetString(jwt.SigningInput)[..(TestKey.Url(Header).Length + 1)]);
    }

    public static TheoryData<string, string> Headers => new()
    {
        { """{"alg":"none"}""", "has an `alg` that is not accepted" },
        { """{"alg":"None"}""", "has an `alg` that is not accepted" },
        { """{"alg":"NONE"}""", "has an `alg` that is not accepted" },
        { """{"alg":"nOnE"}""", "has an `alg` that is not accepted" },
        { """{"alg":""}""", "has an `alg` that is not accepted" },
        { """{"alg":"HS256"}""", "has an `alg` that is not accepted" },
        { """{"alg":"HS512"}""", "has an `alg` that is not accepted" },
        { """{"alg":"rs256"}""", "has an `alg` that is not accepted" },
        { """{"alg":"RS256 "}""", "has an `alg` that is not accepted" },
        { """{"alg":"RS1"}""", "has an `alg` that is not accepted" },
        { """{"alg":"ES256K"}""", "has an `alg` that is not accepted" },
        { """{"alg":"EdDSA"}""", "has an `alg` that is not accepted" },
        { """{"alg":"RSA-OAEP"}""", "has an `alg` that is not accepted" },
        { """{"alg":"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"}""", "has an `alg` that is not accepted" },
        { """{"alg":["RS256"]}""", "has no `alg` in its header" },
        { """{"alg":null}""", "has no `alg` in its header" },
        { """{"typ":"JWT"}""", "has no `alg` in its header" },
        { """{}""", "has no `alg` in its header" },
        { """[]""", "has a header that is not a JSON object" },
        { """{"alg":"RS256","crit":[]}""", "has `crit` in its header" },
        { """{"alg":"RS256","crit":["exp"],"exp":1}""", "has `crit` in its header" },
        { """{"alg":"RS256","crit":null}""", "has `crit` in its header" },
        { """{"alg":"RS256","b64":true}""", "has `b64` in its header" },
        { """{"alg":"RS256","zip":"DEF"}""", "has `zip` in its header" },
        { """{"alg":"RS256","enc":"A256GCM"}""", "has `enc` in its header" },
        { """{"alg":"RS256","typ":"provisioning+jwt"}""", "has a `typ` that is not accepted here" },
        { """{"alg":"RS256","typ":"application/jwt"}""", "has a `typ` that is not accepted here" },
        { """{"alg":"RS256","typ":"JWE"}""", "has a `typ` that is not accepted here" },
        { """{"alg":"RS256","typ":"dpop+jwt"}""", "has a `typ` that is not accepted here" },
        { """{"alg":"RS256","typ":""}""", "has a `typ` that is not accepted here" },
        { """{"alg":"RS256","typ":null}""", "has a `typ` that is not accepted here" },
        { """{"alg":"RS256","typ":1}""", "has a `typ` that is not accepted here" },
        { """{"alg":"RS256","kid":1}""", "has a `kid` that is not a string" },
        { """{"alg":"RS256","kid":null}""", "has a `kid` that is not a string" },
        { """{"alg":"RS256","kid":["one"]}""", "has a `kid` that is not a string" },
        { """{"alg":"none","alg":"RS256"}""", "has a header that holds a duplicate name" },
        { """{"alg":"RS256","\u0061lg":"none"}""", "has a header that holds a duplicate name" },
        { """{"alg":"RS256","x":{"a":1,"a":1}}""", "has a header that holds a duplicate name" },
        { """{"alg":"RS256"} """ + "x", "has a header that is not JSON" },
    };

    [Theory]
    [MemberData(nameof(Headers))]
    public void A_hostile_header_is_refused(string header, string error) => Assert.StartsWith("the bearer token " + error, ErrorOf(Token(header, Claims)));

    [Theory]
    [InlineData("""{"alg":"PS384"}""")]
    [InlineData("""{"alg":"ES512","typ":"jwt"}""")]
    [InlineData("""{"alg":"RS256","typ":"AT+JWT"}""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt"}""")]
    [InlineData("""{"alg":"RS256","jwk":{"kty":"oct"},"jku":"https://evil.example","x5u":"https://evil.example","x5c":["AA"],"x5t":"a","unknown":1}""")]
    public void A_header_with_what_is_ignored_is_read(string header) => Assert.NotNull(Read(header, Claims));

    public static TheoryData<string, string> HostileClaims => new()
    {
        { """{"sub":"s","aud":"a","exp":1700000000}""", "has no `iss` that is a string" },
        { """{"iss":["https://issuer.example"],"sub":"s","aud":"a","exp":1700000000}""", "has no `iss` that is a string" },
        { """{"iss":null,"sub":"s","aud":"a","exp":1700000000}""", "has no `iss` that is a string" },
        { """{"iss":"","sub":"s","aud":"a","exp":1700000000}""", "has no `iss` that is a string" },
        { """{"iss":"i","aud":"a","exp":1700000000}""", "has no `sub` that is a string" },
        { """{"iss":"i","sub":7,"aud":"a","exp":1700000000}""", "has no `sub` that is a string" },
        { """{"iss":"i","sub":"","aud":"a","exp":1700000000}""", "has no `sub` that is a string" },
        { """{"iss":"i","sub":"s","exp":1700000000}""", "has no `aud` that is a string or a list of strings" },
        { """{"iss":"i","sub":"s","aud":[],"exp":1700000000}""", "has no `aud` that is a string or a list of strings" },
        { """{"iss":"i","sub":"s","aud":["a",1],"exp":1700000000}""", "has no `aud` that is a string or a list of strings" },
        { """{"iss":"i","sub":"s","aud":{"a":1},"exp":1700000000}""", "has no `aud` that is a string or a list of strings" },
        { """{"iss":"i","sub":"s","aud":null,"exp":1700000000}""", "has no `aud` that is a string or a list of strings" },
        { """{"iss":"i","sub":"s","aud":"a"}""", "has no `exp`" },
        { """{"iss":"i","sub":"s","aud":"a","exp":null}""", "has an `exp` that is not a time" },
        { """{"iss":"i","sub":"s","aud":"a","exp":"1700000000"}""", "has an `exp` that is not a time" },
        { """{"iss":"i","sub":"s","aud":"a","exp":1e400}""", "has an `exp` that is not a time" },
        { """{"iss":"i","sub":"s","aud":"a","exp":1e300}""", "has an `exp` that is not a time" },
        { """{"iss":"i","sub":"s","aud":"a","exp":99999999999999999999}""", "has an `exp` that is not a time" },
        { """{"iss":"i","sub":"s","aud":"a","exp":253402300800}""", "has an `exp` that is not a time" },
        { """{"iss":"i","sub":"s","aud":"a","exp":-1}""", "has an `exp` that is not a time" },
        { """{"iss":"i","sub":"s","aud":"a","exp":[1700000000]}""", "has an `exp` that is not a time" },
        { """{"iss":"i","sub":"s","aud":"a","exp":true}""", "has an `exp` that is not a time" },
        { """{"iss":"i","sub":"s","aud":"a","exp":1700000000,"nbf":"1"}""", "has an `nbf` that is not a time" },
        { """{"iss":"i","sub":"s","aud":"a","exp":1700000000,"nbf":null}""", "has an `nbf` that is not a time" },
        { """{"iss":"i","sub":"s","aud":"a","exp":1700000000,"nbf":-5}""", "has an `nbf` that is not a time" },
        { """{"iss":"i","sub":"s","aud":"a","exp":1700000000,"iat":"1"}""", "has an `iat` that is not a time" },
        { """{"iss":"i","sub":"s","aud":"a","exp":1700000000,"iat":-1e400}""", "has an `iat` that is not a time" },
        { """{"iss":"i","sub":"s","aud":"a","aud":"b","exp":1700000000}""", "has claims whose text holds a duplicate name" },
        { """{"iss":"i","sub":"s","aud":"a","\u0061ud":"b","exp":1700000000}""", "has claims whose text holds a duplicate name" },
        { """{"iss":"i","sub":"s","aud":"a","exp":1,"\u0065\u0078\u0070":1700000000}""", "has claims whose text holds a duplicate name" },
        { """{"iss":"i","sub":"s","aud":"a","exp":1700000000,"deep":{"list":[{"a":1,"\u0061":2}]}}""", "has claims whose text holds a duplicate name" },
        { """{"iss":"i","sub":"\ud800","aud":"a","exp":1700000000}""", "has claims whose text holds half of a surrogate pair" },
        { """["iss"]""", "has claims whose text is not a JSON object" },
        { "\"iss\"", "has claims whose text is not a JSON object" },
        { """{"iss":"i","sub":"s","aud":"a","exp":1700000000}{}""", "has claims whose text is not JSON" },
        { "", "has claims whose text is not JSON" },
    };

    [Theory]
    [MemberData(nameof(HostileClaims))]
    public void Hostile_claims_are_refused(string claims, string error) => Assert.StartsWith("the bearer token " + error, ErrorOf(Token(Header, claims)));

    [Fact]
    public void Invalid_UTF8_in_claims_is_refused()
    {
        byte[] claims = [.. "{\"iss\":\"i\",\"sub\":\""u8, 0xFF, .. "\",\"aud\":\"a\",\"exp\":1700000000}"u8];
        Assert.Equal("the bearer token has claims whose text is not valid UTF-8", ErrorOf($"{TestKey.Url(Header)}.{TestKey.Url(claims)}.AAAA"));
    }

    [Fact]
    public void Nesting_ends_at_sixteen_levels()
    {
        string Nested(int levels) => Claims[..^1] + ",\"n\":" + new string('[', levels - 1) + new string(']', levels - 1) + "}";
        Assert.NotNull(Read(Header, Nested(16)));
        Assert.Equal("the bearer token has claims whose text is not JSON, or nested too deeply", ErrorOf(Token(Header, Nested(17))));
        Assert.StartsWith("the bearer token has a header that is not JSON",
            ErrorOf(Token($$"""{"alg":"RS256","x":{{new string('[', 16)}}{{new string(']', 16)}}}""", Claims)));
    }

    [Fact]
    public void Length_ends_at_sixteen_kibibytes()
    {
        var signature = new string('A', (JwtDocument.MaxLength - Token(Header, Claims, "").Length) / 4 * 4);
        Assert.NotNull(JwtDocument.Parse(Token(Header, Claims, signature)).Value);
        Assert.Equal("the bearer token is longer than 16384 bytes", ErrorOf(Token(Header, Claims, signature + "AAAA")));
    }

    [Fact]
    public void Anything_but_three_parts_is_refused()
    {
        var (header, claims) = (TestKey.Url(Header), TestKey.Url(Claims));
        foreach (var token in new[] { "", ".", "..", "...", header, $"{header}.{claims}", $"{header}.{claims}.AAAA.", $"{header}.{claims}.AAAA.AAAA",
            $".{claims}.AAAA", $"{header}..AAAA", $".{header}.{claims}.AAAA", new string('.', 16384) })
            Assert.NotNull(ErrorOf(token));
        Assert.Equal("the bearer token is encrypted, which is not accepted", ErrorOf($"{header}.AA.AA.{claims}.AA"));
    }

    [Fact]
    public void Only_canonical_base64url_is_read()
    {
        var (header, claims) = (TestKey.Url("""{"alg":"RS256" }"""), TestKey.Url(Claims));
        Assert.NotNull(JwtDocument.Parse($"{header}.{claims}.AAAA").Value);
        Assert.Equal("the bearer token is not canonical base64url in its header", ErrorOf($"{header}=.{claims}.AAAA"));
        Assert.Equal("the bearer token is not canonical base64url in its header", ErrorOf($"{header[..^1]}{(char)(header[^1] + 1)}.{claims}.AAAA"));
        foreach (var changed in new[] { " " + claims, claims + " ", claims + "\n", claims + "=", claims.Insert(4, "\t"), claims.Insert(4, "+"), claims
            + "/", claims + "\0" })
            Assert.Equal("the bearer token is not canonical base64url in its claims", ErrorOf($"{header}.{changed}.AAAA"));
        foreach (var changed in new[] { "A", "AAAAA", "AB", "AA=", "AA==", "A A", "AAA+" })
            Assert.Equal("the bearer token is not canonical base64url in its signature", ErrorOf($"{header}.{claims}.{changed}"));
    }

    [Theory]
    [InlineData(59, false, null)]
    [InlineData(60, false, "the token has expired")]
    [InlineData(-1, true, null)]
    [InlineData(0, true, "the token has expired")]
    public void A_token_ends_with_its_exp_and_the_skew(int after, bool own, string? error) =>
        Assert.Equal(error, Read(Header, Claims).CheckTimes(Expires.AddSeconds(after), Skew(own), TimeSpan.Zero, own)?.Message);

    [Theory]
    [InlineData("nbf", -60, false, null)]
    [InlineData("nbf", -61, false, "the token is not valid yet")]
    [InlineData("nbf", 0, true, null)]
    [InlineData("nbf", -1, true, "the token is not valid yet")]
    [InlineData("iat", -60, false, null)]
    [InlineData("iat", -61, false, "the token is not valid yet")]
    [InlineData("iat", -5, true, null)]
    public void A_token_begins_with_its_nbf_and_iat(string claim, int before, bool own, string? error)
    {
        var jwt = Read(Header, Claims[..^1] + $",\"{claim}\":1699990000}}");
        Assert.Equal(error, jwt.CheckTimes(DateTimeOffset.FromUnixTimeSeconds(1699990000 + before), Skew(own), TimeSpan.Zero, own)?.Message);
    }

    private static TimeSpan Skew(bool own) => own ? TimeSpan.Zero : TimeSpan.FromSeconds(60);

    private static string Token(string header, string claims, string signature = "AAAA") => $"{TestKey.Url(header)}.{TestKey.Url(claims)}.{signature}";

    private static JwtDocument Read(string header, string claims)
    {
        JwtDocument.Parse(Token(header, claims)).Succeeded(out var jwt, out var failure);
        Assert.Null(failure?.Message);
        return jwt!;
    }

    private static string ErrorOf(string token)
    {
        var failure = JwtDocument.Parse(token).Failure;
        Assert.NotNull(failure);
        Assert.Equal(ErrorId.InvalidToken, failure.Id);
        return failure.Message;
    }
}
