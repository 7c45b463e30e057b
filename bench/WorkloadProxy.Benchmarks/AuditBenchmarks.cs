using System.Buffers;
using System.Net;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using WorkloadProxy.Audit;
using WorkloadProxy.Policies;
using WorkloadProxy.Stages;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Benchmarks;

/// <summary>A permitted request's line.</summary>
[MemoryDiagnoser]
public class AuditBenchmarks
{
    private readonly ArrayBufferWriter<byte> buffer = new(4096);
    private Utf8JsonWriter json = null!;
    private RequestRecord record = null!;

    [GlobalSetup]
    public void Setup()
    {
        var claims = PolicyText.ClaimsOf(5);
        var grants = PolicyText.Compiled(10).MatchRoles(claims);
        if (!RequestTarget.TryParse("/v2/droplets/5", out var target, out var error, out _)) throw new InvalidOperationException(error);
        var decision = grants.Decide(new AccessRequest { Method = "GET", Target = target, Now = default });
        json = new Utf8JsonWriter(buffer, AuditText.Json);
        record = new RequestRecord
        {
            Time = DateTimeOffset.UnixEpoch,
            Started = 0,
            RequestId = "0HNH3F6A9QK1V:00000001",
            TraceId = "4bf92f3577b34da6a3ce929d0e0e4736",
            Client = IPAddress.Loopback.ToString(),
            Method = "GET",
            Upstream = PolicyText.Context.Upstream,
            Caller = new Caller(TokenBenchmarks.Verified(claims), grants, grants.Set.ContentHash),
            Bytes = 1024,
        };
        record.AskFor(target);
        record.Decide(decision);
        record.Permit();
        record.End(200);
    }

    [Benchmark]
    public int Line()
    {
        buffer.ResetWrittenCount();
        json.Reset(buffer);
        AuditText.Write(record, json, buffer, TimeSpan.FromMilliseconds(1), AuditDetail.Full);
        return buffer.WrittenCount;
    }

    [GlobalCleanup]
    public void Cleanup() => json.Dispose();
}
