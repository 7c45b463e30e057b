using System.Text;
using System.Text.Json.Nodes;
using BenchmarkDotNet.Attributes;
using Sandbox.Tokens;
using WorkloadProxy.Authentication;
using WorkloadProxy.Policies;
using WorkloadProxy.Tokens;
using OwnKey = WorkloadProxy.Tokens.SigningKey;
using ForeignKey = Sandbox.Tokens.SigningKey;

namespace WorkloadProxy.Benchmarks;

/// <summary>A token seen before, a token seen for the first time, and a token of our own made.</summary>
[MemoryDiagnoser]
public class TokenBenchmarks
{
    private readonly VerifiedTokenCache cache = new(TimeProvider.System);
    private ForeignKey foreign = null!;
    private OwnKey own = null!;
    private KeySet keys = null!;
    private string token = null!;
    private byte[] claims = null!;

    [Params("RS256", "ES256")]
    public string Algorithm { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        foreign = Algorithm == "RS256" ? ForeignKey.Rsa() : ForeignKey.Ecdsa();
        own = OwnKey.Create(Algorithm, default, default);
        if (!KeySet.TryParse(Encoding.UTF8.GetBytes(new JsonObject { ["keys"] = new JsonArray(foreign.Jwk()) }.ToJsonString()), out var parsed, out var error))
            throw new InvalidOperationException(error);
        keys = parsed.Replacing(null, DateTimeOffset.MaxValue);
        claims = Encoding.UTF8
            .GetBytes($$"""{"iss":"https://issuer.bench.example","aud":"{{PolicyText.Context}}","sub":"repo:org/repo:ref:refs/heads/main","exp":2000000000,"iat":1700000000,"jti":"1"}""");
        token = TokenForge.Sign(foreign, JsonNode.Parse(claims)!.AsObject());

        if (!JwtDocument.Parse(token).Succeeded(out var jwt, out _) || keys.FindSigner(jwt) is not { } signer || !TokenHash.TryCompute(token, out var hash))
            throw new InvalidOperationException("the token does not verify");
        cache.Add(hash, new CachedToken(Verified(Claims.Parse(claims)), signer));
        if (!Cache_hit()) throw new InvalidOperationException("the token is not in the cache");
    }

    internal static VerifiedToken Verified(Claims claims) => new()
    {
        Context = PolicyText.Context,
        Claims = claims,
        Actor = null,
        Issuer = claims.String("iss")!,
        Subject = claims.String("sub")!,
        Id = claims.String("jti"),
        IsOwn = false,
        Expires = DateTimeOffset.MaxValue,
        IssuedAt = DateTimeOffset.UnixEpoch,
        RevocationIds = [],
    };

    [Benchmark]
    public bool Cache_hit() => TokenHash.TryCompute(token, out var hash) && cache.TryGet(hash, out _);

    [Benchmark]
    public bool Verify() => JwtDocument.Parse(token).Succeeded(out var jwt, out _) && keys.FindSigner(jwt) is not null;

    [Benchmark]
    public byte[] Mint() => own.Sign(claims);

    [GlobalCleanup]
    public void Cleanup() => foreign.Dispose();
}
