using System.Text.Json.Nodes;

namespace Sandbox.Tokens;

/// <summary>The claims of a GitHub Actions token, under the names and with the types that GitHub gives them: ids and numbers are strings.</summary>
internal static class GitHubClaims
{
    public static JsonObject Of(string issuer, string audience, DateTimeOffset now) => new()
    {
        ["jti"] = Guid.NewGuid().ToString(),
        ["sub"] = "repo:org/repo:ref:refs/heads/main",
        ["aud"] = audience,
        ["ref"] = "refs/heads/main",
        ["sha"] = "7f5ad3f0f3f8ef1e4b1d7ad3a6ab9e5cf2b3d1a0",
        ["repository"] = "org/repo",
        ["repository_owner"] = "org",
        ["repository_owner_id"] = "65",
        ["run_id"] = "16452361027",
        ["run_number"] = "10",
        ["run_attempt"] = "1",
        ["repository_visibility"] = "private",
        ["repository_id"] = "74",
        ["actor_id"] = "12",
        ["actor"] = "octocat",
        ["workflow"] = "DO Workload API",
        ["head_ref"] = "",
        ["base_ref"] = "",
        ["event_name"] = "push",
        ["ref_protected"] = "false",
        ["ref_type"] = "branch",
        ["workflow_ref"] = "org/repo/.github/workflows/do-wid.yml@refs/heads/main",
        ["workflow_sha"] = "7f5ad3f0f3f8ef1e4b1d7ad3a6ab9e5cf2b3d1a0",
        ["job_workflow_ref"] = "org/repo/.github/workflows/do-wid.yml@refs/heads/main",
        ["job_workflow_sha"] = "7f5ad3f0f3f8ef1e4b1d7ad3a6ab9e5cf2b3d1a0",
        ["runner_environment"] = "github-hosted",
        ["iss"] = issuer,
        ["nbf"] = now.ToUnixTimeSeconds() - 600,
        ["exp"] = now.ToUnixTimeSeconds() + 300,
        ["iat"] = now.ToUnixTimeSeconds(),
    };
}
