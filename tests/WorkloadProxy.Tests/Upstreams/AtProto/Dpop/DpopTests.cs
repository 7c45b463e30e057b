using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using WorkloadProxy.Upstreams.AtProto.Dpop;

namespace WorkloadProxy.Tests.Upstreams.AtProto.Dpop;

public sealed class DpopTests
{
    private static readonly DateTimeOffset now = DateTimeOffset.FromUnixTimeSeconds(1_780_000_000);

    [Fact]
    public void A_proof_verifies_with_the_key_in_its_header()
    {
        var key = DpopKey.Create();
        var (header, _) = Read(DpopProof.Create(key, "POST", "https://pds.example/xrpc/a.b.c", null, null, now));

        Assert.Equal("dpop+jwt", header.GetProperty("typ").GetString());
        Assert.Equal("ES256", header.GetProperty("alg").GetString());
        Assert.Equal(["crv", "kty", "x", "y"], header.GetProperty("jwk").EnumerateObject().Select(member => member.Name));
    }

    [Fact]
    public void A_proof_names_the_request_without_its_query()
    {
        var (_, claims) = Read(DpopProof.Create(DpopKey.Create(), "GET", "https://pds.example/xrpc/a.b.c?repo=x#y", "n-1", "token", now));

        Assert.Equal("GET", claims.GetProperty("htm").GetString());
        Assert.Equal("https://pds.example/xrpc/a.b.c", claims.GetProperty("htu").GetString());
        Assert.Equal(now.ToUnixTimeSeconds(), claims.GetProperty("iat").GetInt64());
        Assert.Equal("n-1", claims.GetProperty("nonce").GetString());
        Assert.Equal(Base64Url.EncodeToString(SHA256.HashData("token"u8)), claims.GetProperty("ath").GetString());
    }

    [Fact]
    public void A_proof_has_neither_nonce_nor_token_hash_where_there_is_none()
    {
        var (_, claims) = Read(DpopProof.Create(DpopKey.Create(), "POST", "https://as.example/oauth/par", null, null, now));

        Assert.Equal(["jti", "htm", "htu", "iat"], claims.EnumerateObject().Select(claim => claim.Name));
    }

    [Fact]
    public void No_two_proofs_have_the_same_id()
    {
        var key = DpopKey.Create();
        var ids = Enumerable.Range(0, 50)
            .Select(_ => Read(DpopProof.Create(key, "GET", "https://pds.example/", null, null, now)).Claims.GetProperty("jti").GetString());

        Assert.Equal(50, ids.Distinct().Count());
    }

    [Fact]
    public void A_key_comes_back_as_it_was_exported()
    {
        var key = DpopKey.Create();
        var again = DpopKey.Restore(key.Export());

        Assert.Equal(key.Thumbprint, again.Thumbprint);
        Assert.Equal(key.PublicJwk, again.PublicJwk);
        Read(DpopProof.Create(again, "GET", "https://pds.example/", null, null, now));
    }

    [Fact]
    public void A_key_on_another_curve_is_refused()
    {
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        Assert.Throws<CryptographicException>(() => DpopKey.Restore(other.ExportPkcs8PrivateKey()));
    }

    [Fact]
    public void Proofs_are_signed_side_by_side()
    {
        var key = DpopKey.Create();
        Parallel.For(0, 200, _ => Read(DpopProof.Create(key, "GET", "https://pds.example/", null, null, now)));
    }

    [Fact]
    public void A_nonce_belongs_to_its_session_and_origin()
    {
        var nonces = new DpopNonces(new FakeTimeProvider(now));
        Learn(nonces, "alice", "https://one.example", "n-1");

        Assert.Equal(new DpopNonce("n-1", now), nonces.Find("alice", "https://one.example"));
        Assert.Null(nonces.Find("bob", "https://one.example"));
        Assert.Null(nonces.Find("alice", "https://two.example"));
        Learn(nonces, "alice", "https://one.example", "n-2");
        Assert.Equal("n-2", nonces.Find("alice", "https://one.example")?.Value);
    }

    [Theory]
    [InlineData("")]
    [InlineData("with space")]
    [InlineData("with\"quote")]
    [InlineData("with\\backslash")]
    [InlineData("ünïcode")]
    public void A_nonce_with_characters_that_none_may_have_is_not_kept(string nonce)
    {
        var nonces = new DpopNonces(new FakeTimeProvider(now));
        Learn(nonces, "alice", "https://one.example", nonce);
        Assert.Null(nonces.Find("alice", "https://one.example"));
    }

    [Fact]
    public void Nonces_are_few_however_many_servers_give_them()
    {
        var nonces = new DpopNonces(new FakeTimeProvider(now));
        for (var i = 0; i < 20_000; i++) Learn(nonces, "alice", $"https://{i}.example", "n");

        Assert.InRange(Enumerable.Range(0, 20_000).Count(i => nonces.Find("alice", $"https://{i}.example") is not null), 1, 8192);
        Assert.NotNull(nonces.Find("alice", "https://19999.example"));
    }

    private static void Learn(DpopNonces nonces, string session, string origin, string nonce)
    {
        using var answer = new HttpResponseMessage();
        answer.Headers.TryAddWithoutValidation("DPoP-Nonce", nonce);
        nonces.Learn(session, origin, answer.Headers);
    }

    /// <summary>Header and claims of a proof, whose signature is checked.</summary>
    private static (JsonElement Header, JsonElement Claims) Read(string proof)
    {
        var parts = proof.Split('.');
        var header = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[0])).RootElement;
        var jwk = header.GetProperty("jwk");
        using var key = ECDsa.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256,
            Q = new ECPoint { X = Base64Url.DecodeFromChars(jwk.GetProperty("x").GetString()),
                Y = Base64Url.DecodeFromChars(jwk.GetProperty("y").GetString()) },
        });
        Assert.True(key.VerifyData(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), Base64Url.DecodeFromChars(parts[2]), HashAlgorithmName.SHA256));
        return (header, JsonDocument.Parse(Base64Url.DecodeFromChars(parts[1])).RootElement);
    }
}
