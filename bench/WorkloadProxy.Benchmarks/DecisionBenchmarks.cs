using BenchmarkDotNet.Attributes;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Benchmarks;

/// <summary>Matching a token's roles, and deciding one request: both must be flat in the number of roles, and the decision must not allocate.</summary>
[MemoryDiagnoser]
public class DecisionBenchmarks
{
    private PolicySet set = null!;
    private Claims claims = null!;
    private Grants grants = null!;
    private RequestTarget target = null!;
    private RequestTarget other = null!;
    private RequestTarget keys = null!;
    private RequestBody body = null!;

    [Params(10, 1_000, 100_000)]
    public int Roles { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        set = PolicyText.Compiled(Roles);
        var role = Roles / 2;
        var policy = PolicyText.PolicyOf(role);
        claims = PolicyText.ClaimsOf(role);
        grants = set.MatchRoles(claims);
        target = Target($"/v2/droplets/{policy}");
        other = Target("/v2/databases/9cc10173-e9ea-4176-9dbc-a4cee4c4ff30");
        keys = Target("/v2/spaces/keys");
        if (!RequestBody.TryParse(BodyBenchmarks.Json(policy), ["application/json"], null, out body!, out _, out var error))
            throw new InvalidOperationException(error);
        if (Allowed().Outcome != DecisionOutcome.Allow || Denied().Outcome != DecisionOutcome.Deny || AllowedBody().Outcome != DecisionOutcome.Allow)
            throw new InvalidOperationException("the decisions measured are not the right ones");
    }

    [Benchmark]
    public Grants Match_roles() => set.MatchRoles(claims);

    [Benchmark]
    public Decision Allowed() => grants.Decide(new AccessRequest { Method = "GET", Target = target, Now = default });

    [Benchmark]
    public Decision Denied() => grants.Decide(new AccessRequest { Method = "GET", Target = other, Now = default });

    [Benchmark]
    public Decision AllowedBody() => grants.Decide(new AccessRequest { Method = "POST", Target = keys, Body = body, Now = default });

    private static RequestTarget Target(string raw) =>
        RequestTarget.TryParse(raw, out var target, out var error, out _) ? target : throw new InvalidOperationException(error);
}
