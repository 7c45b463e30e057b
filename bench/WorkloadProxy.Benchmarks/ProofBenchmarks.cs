using BenchmarkDotNet.Attributes;
using WorkloadProxy.Upstreams.AtProto.Dpop;

namespace WorkloadProxy.Benchmarks;

/// <summary>What a request with an account's session costs over one with an ordinary credential: a proof, which is a signature and little else.</summary>
[MemoryDiagnoser]
public class ProofBenchmarks
{
    private readonly DpopKey key = DpopKey.Create();
    private readonly byte[] input = new byte[400];
    private readonly byte[] signature = new byte[64];
    private readonly string token = new('t', 800);

    [Benchmark(Baseline = true)]
    public void Signature() => key.Sign(input, signature);

    [Benchmark]
    public string Proof() =>
        DpopProof.Create(key, "POST", "https://pds.bench.example/xrpc/com.atproto.repo.createRecord", "TAZqwGmRXuz1Yqf8Yx3dYIB2sqGqsxsgHp-EN1a6YdY", token,
            DateTimeOffset.UnixEpoch);
}
