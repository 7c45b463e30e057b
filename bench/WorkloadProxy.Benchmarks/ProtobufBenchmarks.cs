using System.Text;
using BenchmarkDotNet.Attributes;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Benchmarks;

/// <summary>A body of 1 KB inspected and decided on, once as JSON and once as the same message of protobuf.</summary>
[MemoryDiagnoser]
public class ProtobufBenchmarks
{
    private static readonly string[] jsonType = ["application/json"], protobufType = ["application/proto"];
    private static readonly string note = new('x', 930);
    private readonly byte[] json = Encoding.UTF8.GetBytes($$"""{"projectId":"proj-a","note":"{{note}}"}""");
    // field 1 of 6 bytes, field 2 of 930
    private readonly byte[] protobuf = [0x0a, 6, .. "proj-a"u8, 0x12, 0xa2, 0x07, .. Encoding.UTF8.GetBytes(note)];
    private readonly Grants grants = PolicyText.Compiled(
    [
        new PolicyFile("roles/r.hcl", """
            role "r" {
              iss        = "https://token.actions.githubusercontent.com"
              aud        = "api://DigitalOcean?actx={actx}"
              repository = "org/repo-5"
              policies   = ["p"]
            }
            """u8.ToArray()),
        new PolicyFile("policies/p.hcl", """
            path "/json" {
              capabilities       = ["create"]
              allowed_parameters = { "projectId" = "proj-a", "note" = any() }
            }
            path "/protobuf" {
              capabilities       = ["create"]
              allowed_parameters = { "#1" = "proj-a", "#2" = any() }
            }
            """u8.ToArray()),
    ]).MatchRoles(PolicyText.ClaimsOf(5));

    [Benchmark(Baseline = true)]
    public DecisionOutcome As_JSON() => Decide("/json", json, jsonType);

    [Benchmark]
    public DecisionOutcome As_protobuf() => Decide("/protobuf", protobuf, protobufType);

    private DecisionOutcome Decide(string path, byte[] bytes, string[] type)
    {
        if (!RequestTarget.TryParse(path, out var target, out var error, out _)) throw new InvalidOperationException(error);
        if (!RequestBody.TryParse(bytes, type, null, out var body, out _, out error)) throw new InvalidOperationException(error);
        var decision = grants.Decide(new AccessRequest { Method = "POST", Target = target, Now = default, Body = body });
        return decision.Outcome == DecisionOutcome.Allow ? decision.Outcome : throw new InvalidOperationException(decision.Reason);
    }
}
