using System.CommandLine;
using WorkloadProxy.Cli.Input;
using WorkloadProxy.Cli.Output;

namespace WorkloadProxy.Cli.Commands;

/// <summary><c>policy init</c>: a first policy set of one role, one policy and one test, to be changed.</summary>
internal static class PolicyInitCommand
{
    private static readonly (string Path, string Content)[] files =
    [
        ("roles/ci.hcl",
            """"
            # Who: jobs of one repository's main branch on GitHub Actions. Replace `acme/app` with your repository.
            role "ci" {
              iss        = "https://token.actions.githubusercontent.com"
              aud        = "api://DigitalOcean?actx={actx}"
              repository = "acme/app"
              ref        = "refs/heads/main"
              policies   = ["ci"]
            }

            """"),
        ("policies/ci.hcl",
            """"
            # What: read databases, but only those with this tag. Whatever no rule permits is denied.
            path "/v2/databases" {
              capabilities       = ["read"]
              allowed_parameters = { "?" = { "tag_name" = "my-tag" } }
            }

            """"),
        ("tests/ci.hcl",
            """"
            # `workload-proxy policy check` runs these; a set whose tests fail does not come into force.
            test "the main branch reads its databases" {
              now     = "2026-03-01T12:00:00Z"
              token   = { iss = "https://token.actions.githubusercontent.com", repository = "acme/app", ref = "refs/heads/main" }
              request = { method = "GET", path = "/v2/databases", query = "tag_name=my-tag" }
              expect  = "allow"
            }

            test "another branch reads nothing" {
              now     = "2026-03-01T12:00:00Z"
              token   = { iss = "https://token.actions.githubusercontent.com", repository = "acme/app", ref = "refs/heads/feature" }
              request = { method = "GET", path = "/v2/databases", query = "tag_name=my-tag" }
              expect  = "deny"
            }

            """"),
    ];

    public static Command Create(Terminal terminal)
    {
        var target = new Argument<string>("DIR") { Description = "Where the set is made; the directory may exist.", DefaultValueFactory = _ => "." }.NoOption();
        var format = OutputFormat.TextOrJson();
        var command = new Command("init", "Writes a first policy set: a role, a policy and a test.") { target, format };
        command.SetAction(parsed => Run(parsed.GetValue(target)!, parsed.GetValue(format) == "json", terminal));
        return command;
    }

    private static int Run(string directory, bool isJson, Terminal terminal)
    {
        // all of it or nothing: half a set beside another one would be neither
        foreach (var top in (string[])["policies", "roles", "tests"])
        {
            if (Path.Exists(Path.Combine(directory, top))) return terminal.Fail($"`{Path.Combine(directory, top)}` exists already: nothing was written");
        }
        try
        {
            foreach (var (path, content) in files)
            {
                var file = Path.Combine(directory, path);
                Directory.CreateDirectory(Path.GetDirectoryName(file)!);
                File.WriteAllText(file, content);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return terminal.Fail($"the policy set can't be written: {e.Message}");
        }
        if (isJson)
        {
            terminal.WriteJson(json =>
            {
                json.WriteStartObject();
                json.WriteStartArray("written");
                foreach (var (path, _) in files) json.WriteStringValue(Path.Combine(directory, path));
                json.WriteEndArray();
                json.WriteEndObject();
            });
            return ExitCode.Ok;
        }
        foreach (var (path, _) in files) terminal.WriteLine(Path.Combine(directory, path));
        terminal.WriteLine($"next: replace `acme/app` with your repository, then run `workload-proxy policy check {directory}`");
        return ExitCode.Ok;
    }
}
