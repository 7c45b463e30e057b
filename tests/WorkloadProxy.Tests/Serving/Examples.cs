using System.Text.Json.Nodes;

namespace WorkloadProxy.Tests.Serving;

/// <summary>The policy sets that several tests use.</summary>
internal static class Examples
{
    /// <summary>The claims of the one job that the examples know.</summary>
    public static JsonObject Job => new()
    {
        ["sub"] = "repo:org/repo:ref:refs/heads/main",
        ["job_workflow_ref"] = "org/repo/.github/workflows/do-wid.yml@refs/heads/main",
    };

    private const string JobRole = """
        role "job" {
          iss      = "ISSUER"
          aud      = "api://DigitalOcean?actx={actx}"
          sub      = "repo:org/repo:ref:refs/heads/main"
          policies = ["job"]
        }
        """;

    /// <summary>The job may do everything at the upstream.</summary>
    public static IReadOnlyDictionary<string, string> EverythingForOneJob { get; } = new Dictionary<string, string>
    {
        ["gha-roles/job.hcl"] = JobRole,
        ["policies/job.hcl"] = """
            path "/*" {
              capabilities = ["create", "read", "update", "patch", "delete", "connect"]
            }
            """,
    };

    /// <summary>The job may do what <paramref name="policy"/> says.</summary>
    public static IReadOnlyDictionary<string, string> ForOneJob(string policy) => new Dictionary<string, string>
    {
        ["gha-roles/job.hcl"] = JobRole,
        ["policies/job.hcl"] = policy,
    };

    /// <summary>The tutorial's example set, as it stands at the top of the repository, with the sandbox as GitHub.</summary>
    public static IReadOnlyDictionary<string, string> Tutorial { get; } =
        new[] { "policies", "roles", "droplet-roles", "gha-roles" }
            .SelectMany(folder => Directory.GetFiles(Path.Combine(RepositoryRoot(), folder), "*.hcl"))
            .ToDictionary(
                file => Path.GetRelativePath(RepositoryRoot(), file).Replace('\\', '/'),
                file => File.ReadAllText(file).Replace("https://token.actions.githubusercontent.com", "ISSUER", StringComparison.Ordinal));

    public static string RepositoryRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "WorkloadProxy.sln"))) directory = directory.Parent!;
        return directory.FullName;
    }
}
