namespace Compare;

/// <summary>The policies that are measured.</summary>
internal static class PolicyFiles
{
    /// <summary>A role and a policy for each of so many, in files of their own: 10,000 files.</summary>
    private const int Many = 5_000;

    /// <summary>What the jobs may do.</summary>
    private const string Bench = Paths + Tools;

    private const string Paths = """
        path "/v1/oidc/issue" {
          capabilities       = ["create"]
          allowed_parameters = { "aud" = "api://DigitalOcean?actx={actx}", "sub" = "actx:{actx}:role:bench", "ttl" = 300 }
        }
        path "/v2/databases/+" {
          capabilities       = ["read"]
          allowed_parameters = {}
        }
        path "/v2/spaces/keys" {
          capabilities       = ["create"]
          allowed_parameters = {
            "name"   = "bucket-111-read-token-*"
            "grants" = [{ "bucket" = "111", "permission" = "read" }]
            "note"   = []
          }
        }
        path "/_rbac/DigitalOcean/{actx}" {
          capabilities = ["read", "update"]
        }

        """;

    private const string Tools = """
        mcp "bench" {
          tool "droplet-create" {
            allowed_parameters = { "Name" = "agent-*", "Size" = optional("s-*"), "Note" = any() }
          }
        }

        """;

    /// <summary>One role for the jobs that are measured, among a hundred of others.</summary>
    public static string Ordinary(WorkFolder folder, string directory) => Write(folder, directory, others: 100);

    /// <summary>The same for a build that knows no MCP servers.</summary>
    public static string WithoutTools(WorkFolder folder, string directory) => Write(folder, directory, others: 100, Paths);

    /// <summary>The same among thousands: 10,000 files.</summary>
    public static string Large(WorkFolder folder, string directory) => Write(folder, directory, others: Many - 1);

    /// <summary>One role that may write to the account of its context.</summary>
    public static void Writer(WorkFolder folder, string directory)
    {
        folder.File($"{directory}/policies/writer.hcl", "path \"/xrpc/com.atproto.repo.createRecord\" {\n  capabilities = [\"create\"]\n}\n");
        folder.File($"{directory}/roles/writer.hcl", $$"""
            role "writer" {
              iss      = "{{Tokens.Issuer}}"
              aud      = "api://ATProto?actx={actx}"
              sub      = "repo:org/repo:ref:refs/heads/main"
              policies = ["writer"]
            }
            """);
    }

    /// <summary>The jobs' policy with or without one more path, as a change.</summary>
    public static void Change(WorkFolder folder, string directory, string path, bool permitted, int number) => folder.File(
        $"{directory}/policies/bench.hcl",
        $"{Bench}# {number}\n" + (permitted ? $"path \"{path}\" {{\n  capabilities = [\"read\"]\n}}\n" : ""));

    private static string Write(WorkFolder folder, string directory, int others, string bench = Bench)
    {
        folder.File($"{directory}/policies/bench.hcl", bench);
        folder.File($"{directory}/roles/bench.hcl", $$"""
            role "bench" {
              iss              = "{{Tokens.Issuer}}"
              aud              = "api://DigitalOcean?actx={actx}"
              sub              = "repo:org/repo:ref:refs/heads/main"
              job_workflow_ref = "org/repo/.github/workflows/do-wid.yml@refs/heads/main"
              policies         = ["bench"]
            }
            """);
        for (var i = 0; i < others; i++)
        {
            folder.File($"{directory}/roles/other-{i}.hcl", $$"""
                role "other-{{i}}" {
                  iss      = "{{Tokens.Issuer}}"
                  aud      = "api://DigitalOcean?actx={actx}"
                  sub      = "repo:org/other-{{i}}:*"
                  policies = ["other-{{i}}"]
                }
                """);
            folder.File($"{directory}/policies/other-{i}.hcl", $$"""
                path "/v2/droplets/{{i}}" {
                  capabilities = ["read"]
                }
                """);
        }
        return folder.File(directory);
    }
}
