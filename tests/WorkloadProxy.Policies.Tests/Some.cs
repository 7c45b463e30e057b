using System.Text;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Tests;

/// <summary>Policy sets, tokens and requests as tests want them: one role, <c>r</c>, with all policies given.</summary>
internal static class Some
{
    public static readonly AuthContext Context = new("DigitalOcean", "f81d4fae");
    public static readonly CompileOptions Options = new(Context, "https://proxy.example.com");
    public static readonly DateTimeOffset Now = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    public static CompileResult Compile(params (string Name, string Hcl)[] policies) => Compile(policies, "");

    public static CompileResult Compile((string Name, string Hcl)[] policies, string roleAttributes)
    {
        var role = $$"""
            role "r" {
              aud = "api://DigitalOcean?actx={actx}"
              sub = "actx:{actx}:role:r"
              policies = [{{string.Join(", ", policies.Select(policy => $"\"{policy.Name}\""))}}]
              {{roleAttributes}}
            }
            """;
        return PolicyCompiler.Compile([.. policies.Select(policy => File($"policies/{policy.Name}.hcl", policy.Hcl)), File("roles/r.hcl", role)], Options);
    }

    public static PolicyFile File(string path, string text) => new(path, Encoding.UTF8.GetBytes(text));

    public static PolicySet Set(params (string Name, string Hcl)[] policies) => Set(Compile(policies));

    public static PolicySet Set(CompileResult result)
    {
        Assert.DoesNotContain(result.Diagnostics, diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);
        return result.Set!;
    }

    /// <summary>A token of this proxy for the role <c>r</c>, with further members.</summary>
    public static Claims Token(string further = "")
        => Claims.Parse(Encoding.UTF8.GetBytes($$"""
            {"iss":"https://proxy.example.com","aud":"api://DigitalOcean?actx=f81d4fae","sub":"actx:f81d4fae:role:r","actx_source":"api://DigitalOcean?actx=f81d4fae"{{(further.Length > 0 ? "," + further : "")}}}
            """));

    public static RequestTarget Target(string raw)
    {
        Assert.True(RequestTarget.TryParse(raw, out var target, out var error, out _), error);
        return target;
    }

    /// <summary>In the two phases of a server: the body is parsed only when it is needed.</summary>
    public static Decision Decide(Grants grants, string method, string target, string body = "", string contentType = "application/json", bool upgrade = false)
    {
        if (!RequestTarget.TryParse(target, out var parsed, out var error, out _)) return new Decision(DecisionOutcome.BadRequest, null, null, error, null);
        var request = new AccessRequest { Method = method, Target = parsed, Now = Now, Upgrade = upgrade };
        var decision = grants.Decide(request);
        if (decision.Outcome != DecisionOutcome.BodyNeeded) return decision;
        if (!RequestBody.TryParse(Encoding.UTF8.GetBytes(body), contentType.Length == 0 ? [] : contentType.Split('|'), null, out var read, out var problem,
            out error))
            return new Decision(problem == RequestBody.Problem.Malformed ? DecisionOutcome.BadRequest : DecisionOutcome.UnsupportedMediaType, null, null,
                error!, null);
        return grants.Decide(request with { Body = read });
    }
}
