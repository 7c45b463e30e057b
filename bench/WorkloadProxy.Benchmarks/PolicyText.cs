using System.Collections.Concurrent;
using System.Text;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Benchmarks;

/// <summary>
/// Policy sets of any size: role N is for repository N and has policy N, or N modulo a thousand where one file each would be more than a set may hold.
/// </summary>
internal static class PolicyText
{
    public static readonly AuthContext Context = new("DigitalOcean", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
    public static readonly CompileOptions Options = new(Context, "https://proxy.example.com");

    private const int MostPolicies = 1_000;
    private const int RolesPerFile = 100;

    /// <summary>All benchmarks of a size have one set: each sets itself up, and 100,000 roles take a while.</summary>
    private static readonly ConcurrentDictionary<int, PolicySet> sets = new();

    /// <summary>One role and one policy a file.</summary>
    public static IReadOnlyList<PolicyFile> Files(int roles) =>
        [.. Enumerable.Range(0, roles).SelectMany(i => new[] { File($"roles/r{i}.hcl", Role(i, i)), Policy(i) })];

    public static PolicySet Compiled(int roles) => sets.GetOrAdd(roles, Compile);

    private static PolicySet Compile(int roles)
    {
        var roleFiles = Enumerable.Range(0, roles).Chunk(RolesPerFile)
            .Select(chunk => File($"roles/r{chunk[0]}.hcl", string.Join('\n', chunk.Select(i => Role(i, PolicyOf(i))))));
        return Compiled([.. roleFiles, .. Enumerable.Range(0, Math.Min(roles, MostPolicies)).Select(Policy)]);
    }

    /// <summary>The policy, and so the droplet and the bucket, of a role in <see cref="Compiled(int)"/>.</summary>
    public static int PolicyOf(int role) => role % MostPolicies;

    public static PolicySet Compiled(IReadOnlyList<PolicyFile> files)
    {
        var result = PolicyCompiler.Compile(files, Options);
        return result.Set ?? throw new InvalidOperationException(string.Join('\n', result.Diagnostics));
    }

    public static Claims ClaimsOf(int role) => Claims.Parse(Encoding.UTF8.GetBytes($$"""
        {"iss":"https://token.actions.githubusercontent.com","aud":"{{Context}}","sub":"repo:org/repo-{{role}}:ref:refs/heads/main",
         "repository":"org/repo-{{role}}","job_workflow_ref":"org/repo-{{role}}/.github/workflows/ci.yml@refs/heads/main","exp":2000000000,"iat":1700000000}
        """));

    private static string Role(int i, int policy) => $$"""
        role "r{{i}}" {
          iss              = "https://token.actions.githubusercontent.com"
          aud              = "api://DigitalOcean?actx={actx}"
          sub              = "repo:org/repo-{{i}}:ref:refs/heads/main"
          job_workflow_ref = "org/repo-{{i}}/.github/workflows/ci.yml@refs/heads/main"
          policies         = ["p{{policy}}"]
        }
        """;

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
