using System.Text;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Benchmarks;

/// <summary>Policy sets of any size: role N is for repository N and may read droplet N.</summary>
internal static class PolicyText
{
    public static readonly AuthContext Context = new("DigitalOcean", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
    public static readonly CompileOptions Options = new(Context, "https://proxy.example.com");

    public static IReadOnlyList<PolicyFile> Files(int roles) => [.. Enumerable.Range(0, roles).SelectMany(i => new[] { Role(i), Policy(i) })];

    public static PolicySet Compiled(int roles)
    {
        var result = PolicyCompiler.Compile(Files(roles), Options);
        return result.Set ?? throw new InvalidOperationException(string.Join('\n', result.Diagnostics));
    }

    public static Claims ClaimsOf(int role) => Claims.Parse(Encoding.UTF8.GetBytes($$"""
        {"iss":"https://token.actions.githubusercontent.com","aud":"{{Context}}","sub":"repo:org/repo-{{role}}:ref:refs/heads/main",
         "repository":"org/repo-{{role}}","job_workflow_ref":"org/repo-{{role}}/.github/workflows/ci.yml@refs/heads/main","exp":2000000000,"iat":1700000000}
        """));

    private static PolicyFile Role(int i) => File($"roles/r{i}.hcl", $$"""
        role "r{{i}}" {
          iss              = "https://token.actions.githubusercontent.com"
          aud              = "api://DigitalOcean?actx={actx}"
          sub              = "repo:org/repo-{{i}}:ref:refs/heads/main"
          job_workflow_ref = "org/repo-{{i}}/.github/workflows/ci.yml@refs/heads/main"
          policies         = ["p{{i}}"]
        }
        """);

    private static PolicyFile Policy(int i) => File($"policies/p{i}.hcl", $$"""
        path "/v2/droplets/{{i}}" {
          capabilities = ["read"]
        }
        path "/v2/spaces/keys" {
          capabilities       = ["create"]
          allowed_parameters = {
            "name"   = "bucket-{{i}}-read-token-*"
            "grants" = [{ "bucket" = "{{i}}", "permission" = "read" }]
          }
        }
        """);

    private static PolicyFile File(string path, string text) => new(path, Encoding.UTF8.GetBytes(text));
}
