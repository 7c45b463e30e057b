using System.Security.Cryptography;
using System.Text;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Tests.Authentication;

/// <summary>Which key of a JWK Set verifies which signature.</summary>
public sealed class KeySetTests
{
    private const string Claims = """{"iss":"i","sub":"s","aud":"a","exp":1700000000}""";
    private static readonly TestKey P256 = TestKey.Ec("p256");
    private static readonly TestKey P384 = TestKey.Ec("p384", ECCurve.NamedCurves.nistP384);
    private static readonly TestKey P521 = TestKey.Ec("p521", ECCurve.NamedCurves.nistP521);

    [Theory]
    [InlineData("RS256")]
    [InlineData("RS384")]
    [InlineData("RS512")]
    [InlineData("PS256")]
    [InlineData("PS384")]
    [InlineData("PS512")]
    public void An_RSA_key_verifies_each_RSA_algorithm(string algorithm)
    {
        var set = Set(TestKey.Other.Jwk(), TestKey.One.Jwk());
        Assert.True(Verifies(set, Sign(TestKey.One, algorithm)));
        Assert.True(Verifies(Set(TestKey.One.Jwk(("alg", algorithm), ("use", "sig"))), Sign(TestKey.One, algorithm)));
    }

    [Fact]
    public void An_EC_key_verifies_the_algorithm_of_its_curve_alone()
    {
        var set = Set(P256.Jwk(), P384.Jwk(), P521.Jwk());
        Assert.True(Verifies(set, Sign(P256, "ES256")));
        Assert.True(Verifies(set, Sign(P384, "ES384")));
        Assert.True(Verifies(set, Sign(P521, "ES512")));
        Assert.False(Verifies(set, Sign(P384, "ES256")));
        Assert.False(Verifies(set, Sign(P256, "ES384")));
        Assert.False(Verifies(set, Sign(P256, "ES512")));
    }

    [Fact]
    public void The_stated_alg_must_be_the_headers()
    {
        Assert.False(Verifies(Set(TestKey.One.Jwk(("alg", "RS384"))), Sign(TestKey.One, "RS256")));
        Assert.False(Verifies(Set(TestKey.One.Jwk(("alg", "RS256"))), Sign(TestKey.One, "PS256")));
        Assert.False(Verifies(Set(TestKey.One.Jwk(("alg", "RSA-OAEP"))), Sign(TestKey.One, "RS256")));
        Assert.False(Verifies(Set(TestKey.One.Jwk(("alg", ""))), Sign(TestKey.One, "RS256")));
    }

    [Fact]
    public void A_header_that_names_another_type_of_key_than_the_kid_has_is_refused()
    {
        var set = Set(TestKey.One.Jwk(), P256.Jwk());
        Assert.False(Verifies(set, P256.Token("""{"alg":"RS256","kid":"p256"}""", Claims, "ES256")));
        Assert.False(Verifies(set, TestKey.One.Token("""{"alg":"ES256","kid":"one"}""", Claims)));
        Assert.False(Verifies(set, TestKey.One.Token("""{"alg":"ES256","kid":"p256"}""", Claims)));
        Assert.False(Verifies(set, TestKey.One.Token("""{"alg":"PS256","kid":"one"}""", Claims)));
    }

    [Fact]
    public void An_HMAC_with_the_public_key_as_its_secret_is_no_signature()
    {
        foreach (var secret in new[] { TestKey.One.Pem, TestKey.One.Pem + "\n", TestKey.One.Jwk() })
        {
            foreach (var algorithm in new[] { "HS256", "RS256" })
            {
                var input = $"{TestKey.Url($$"""{"alg":"{{algorithm}}","kid":"one"}""")}.{TestKey.Url(Claims)}";
                var token = $"{input}.{TestKey.Url(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.ASCII.GetBytes(input)))}";
                var jwt = JwtDocument.Parse(token).Value;
                Assert.True(jwt is null || Set(TestKey.One.Jwk()).FindSigner(jwt) is null);
            }
        }
    }

    [Theory]
    [InlineData("""{"alg":"RS256","kid":"one","jwk":JWK}""")]
    [InlineData("""{"alg":"RS256","jwk":JWK}""")]
    [InlineData("""{"alg":"RS256","kid":"other","jwk":JWK}""")]
    [InlineData("""{"alg":"RS256","kid":"other","jku":"http://127.0.0.1:1/jwks","x5u":"http://127.0.0.1:1/x"}""")]
    public void A_key_from_the_tokens_own_header_counts_nothing(string header) =>
        Assert.False(Verifies(Set(TestKey.One.Jwk()), TestKey.Other.Token(header.Replace("JWK", TestKey.Other.Jwk()), Claims)));

    [Theory]
    [InlineData("One")]
    [InlineData("one ")]
    [InlineData("../one")]
    [InlineData("")]
    [InlineData("../../../../dev/null")]
    [InlineData("one\\u0000")]
    [InlineData("' OR 1=1 --")]
    public void A_kid_is_compared_exactly(string kid) =>
        Assert.False(Verifies(Set(TestKey.One.Jwk()), TestKey.One.Token($$"""{"alg":"RS256","kid":"{{kid}}"}""", Claims)));

    [Fact]
    public void Without_a_kid_the_keys_that_agree_are_tried()
    {
        var set = Set(P256.Jwk(), TestKey.Other.Jwk(), TestKey.One.Jwk(("kid", null)));
        Assert.True(Verifies(set, TestKey.One.Token("""{"alg":"RS256"}""", Claims)));
        Assert.True(Verifies(set, P256.Token("""{"alg":"ES256"}""", Claims, "ES256")));
        Assert.False(Verifies(set, TestKey.One.Token("""{"alg":"RS256","kid":"one"}""", Claims)));
    }

    [Fact]
    public void Keys_that_share_a_kid_are_all_tried() =>
        Assert.True(Verifies(Set(TestKey.Other.Named("one").Jwk(), P256.Named("one").Jwk(), TestKey.One.Jwk()), Sign(TestKey.One, "RS256")));

    [Fact]
    public void No_more_than_sixteen_keys_are_tried()
    {
        var others = Enumerable.Repeat(TestKey.Other.Jwk(("kid", null)), 16).ToArray();
        Assert.False(Verifies(Set([.. others, TestKey.One.Jwk()]), TestKey.One.Token("""{"alg":"RS256"}""", Claims)));
        Assert.True(Verifies(Set([.. others[..15], TestKey.One.Jwk()]), TestKey.One.Token("""{"alg":"RS256"}""", Claims)));
    }

    [Fact]
    public void A_changed_token_does_not_verify()
    {
        var parts = Sign(TestKey.One, "RS256").Split('.');
        Assert.False(Verifies(Set(TestKey.One.Jwk()), $"{parts[0]}.{TestKey.Url(Claims.Replace("\"s\"", "\"t\""))}.{parts[2]}"));
        Assert.False(Verifies(Set(TestKey.One.Jwk()), $"{parts[0]}.{parts[1]}."));
        Assert.False(Verifies(Set(TestKey.One.Jwk()), $"{parts[0]}.{parts[1]}.{TestKey.Url(new byte[256])}"));
        Assert.False(Verifies(Set(TestKey.One.Jwk()), $"{parts[0]}.{parts[1]}.{parts[2]}AAAA"));
    }

    [Fact]
    public void An_ECDSA_signature_has_one_form()
    {
        var set = Set(P256.Jwk());
        const string header = """{"alg":"ES256","kid":"p256"}""";
        Assert.False(Verifies(set, P256.Token(header, Claims, "ES256", DSASignatureFormat.Rfc3279DerSequence)));
        var parts = P256.Token(header, Claims, "ES256").Split('.');
        foreach (var length in new[] { 0, 1, 32, 63, 65, 96, 128 }) Assert.False(Verifies(set, $"{parts[0]}.{parts[1]}.{TestKey.Url(new byte[length])}"));
        // r = s = 0, which CVE-2022-21449 took
        Assert.False(Verifies(set, $"{parts[0]}.{parts[1]}.{TestKey.Url(new byte[64])}"));
        Assert.True(Verifies(set, string.Join('.', parts)));
    }

    public static TheoryData<string> KeysThatDoNotCount => new()
    {
        TestKey.One.Jwk(("use", "enc")),
        TestKey.One.Jwk(("use", "SIG")),
        TestKey.One.Jwk(("use", 1)),
        TestKey.One.Jwk(("key_ops", new[] { "encrypt" })),
        TestKey.One.Jwk(("key_ops", "verify")),
        TestKey.One.Jwk(("kty", "oct")),
        TestKey.One.Jwk(("kty", "rsa")),
        TestKey.One.Jwk(("kty", null)),
        TestKey.One.Jwk(("d", "AQAB")),
        TestKey.One.Jwk(("k", "AQAB")),
        TestKey.One.Jwk(("n", null)),
        TestKey.One.Jwk(("e", null)),
        TestKey.One.Jwk(("e", "AQ")),
        TestKey.One.Jwk(("e", "Ag")),
        TestKey.One.Jwk(("e", "")),
        TestKey.One.Jwk(("e", TestKey.Url(Enumerable.Repeat((byte)1, 9).ToArray()))),
        TestKey.One.Jwk(("n", TestKey.Url(Enumerable.Repeat((byte)1, 1025).ToArray()))),
        TestKey.One.Jwk(("n", TestKey.Url(new byte[256]))),
        TestKey.One.Jwk(("kid", 1)),
        TestKey.Rsa("one", 1024).Jwk(),
        TestKey.Rsa("one", 2040).Jwk(),
        P256.Jwk(("crv", "P-384")),
        P256.Jwk(("crv", "secp256k1")),
        P256.Jwk(("crv", null)),
        P256.Jwk(("x", TestKey.Url(new byte[32]))),
        P256.Jwk(("y", "AAAA")),
        "1",
        "null",
        "[]",
        "{}",
        """{"kty":"oct","k":"c2VjcmV0","kid":"one","alg":"HS256"}""",
        """{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}""",
    };

    [Theory]
    [MemberData(nameof(KeysThatDoNotCount))]
    public void A_key_that_does_not_count_is_left_out_and_the_others_stay(string jwk)
    {
        Assert.Equal(0, Set(jwk).Count);
        Assert.Equal(1, Set(jwk, TestKey.Other.Jwk()).Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"keys":{}}""")]
    [InlineData("""{"keys":[],"keys":[]}""")]
    [InlineData("""{"keys":[{"kty":"RSA","kty":"RSA"}]}""")]
    [InlineData("<html>")]
    public void A_text_that_is_no_JWK_Set_is_refused(string text) => Assert.False(KeySet.TryParse(Encoding.UTF8.GetBytes(text), out _, out _));

    [Fact]
    public void A_modulus_with_a_leading_zero_is_the_same_key()
    {
        using var rsa = RSA.Create(2048);
        var modulus = rsa.ExportParameters(false).Modulus!;
        var jwk = $$"""{"kty":"RSA","kid":"zero","n":"{{TestKey.Url([0, .. modulus])}}","e":"AQAB"}""";
        var input = $"{TestKey.Url("""{"alg":"RS256","kid":"zero"}""")}.{TestKey.Url(Claims)}";
        Assert.True(Verifies(Set(jwk),
            $"{input}.{TestKey.Url(rsa.SignData(Encoding.ASCII.GetBytes(input), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}"));
    }

    [Fact]
    public void A_key_in_both_sets_stays_one_object_and_one_that_is_gone_retires()
    {
        var now = DateTimeOffset.UnixEpoch;
        var first = Set(TestKey.One.Jwk(), TestKey.Other.Jwk()).Replacing(null, now.AddHours(1));
        var one = first.FindSigner(Parse(Sign(TestKey.One, "RS256")))!;
        var other = first.FindSigner(Parse(Sign(TestKey.Other, "RS256")))!;
        var second = Set(TestKey.One.Jwk(("ext", true))).Replacing(first, now.AddHours(2));
        Assert.Same(one, second.FindSigner(Parse(Sign(TestKey.One, "RS256"))));
        Assert.True(one.IsUsable(now.AddMinutes(90)));
        Assert.False(one.IsUsable(now.AddHours(2)));
        Assert.False(other.IsUsable(now));
        var third = Set(TestKey.Rsa("one").Jwk()).Replacing(second, now.AddHours(3));
        Assert.False(one.IsUsable(now));
        Assert.Equal(1, third.Count);
    }

    [Fact]
    public void Many_threads_may_use_one_key()
    {
        foreach (var (key, algorithm) in new[] { (TestKey.One, "RS256"), (P256, "ES256") })
        {
            var set = Set(key.Jwk());
            var good = Parse(Sign(key, algorithm));
            var bad = Parse(Sign(key, algorithm)[..^6] + "AAAAAA");
            Parallel.For(0, 400, new ParallelOptions { MaxDegreeOfParallelism = 16 },
                i => Assert.Equal(i % 2 == 0, set.FindSigner(i % 2 == 0 ? good : bad) is not null));
        }
    }

    private static KeySet Set(params string[] keys)
    {
        Assert.True(KeySet.TryParse(Encoding.UTF8.GetBytes(TestKey.Jwks(keys)), out var set, out var error), error);
        return set;
    }

    private static string Sign(TestKey key, string algorithm) => key.Token($$"""{"alg":"{{algorithm}}","kid":"{{key.Kid}}"}""", Claims, algorithm);

    private static JwtDocument Parse(string token) => JwtDocument.Parse(token).Value!;

    private static bool Verifies(KeySet set, string token) => set.FindSigner(Parse(token)) is not null;
}
