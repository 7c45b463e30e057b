using System.Text.Json.Nodes;

namespace WorkloadProxy.EndToEnd.Tests;

/// <summary>
/// The steps of <c>samples/github-actions</c>, one after the other, as a runner would run them: the real <c>@actions/core</c>, bash, curl and jq.
/// </summary>
[Collection(Deployment.Upstream)]
public sealed class GitHubActionsTests(Deployment deployment, NodeModules node) : IClassFixture<NodeModules>, IDisposable
{
    private readonly DirectoryInfo runner = Directory.CreateTempSubdirectory("workload-proxy-runner-");
    private readonly WorkflowFile workflow = new(Path.Combine(Repository.Top, "samples/github-actions/.github/workflows/do-wid.yml"));

    public void Dispose() => runner.Delete(recursive: true);

    [Fact]
    public async Task Its_three_steps_end_with_the_database_s_address()
    {
        Tool.NeedsCurlAndJq();
        node.Needed();

        var identity = await Step("token", new(), script: true);
        var scoped = await Step("data-readwrite", new()
        {
            ["SUBJECT"] = $"actx:{Deployment.Team}:role:database-and-spaces-keys-access",
            ["GH_OIDC_TOKEN"] = identity["oidc"],
        });
        var received = await deployment.Received(async () =>
        {
            var database = await Step("db", new() { ["DO_OIDC_TOKEN"] = scoped["oidc"] });
            Assert.StartsWith("postgresql://", database["uri"], StringComparison.Ordinal);
        });

        Assert.Equal($"Bearer {Deployment.TeamToken}", Assert.Single(received)["headers"]!["Authorization"]![0]!.ToString());
    }

    [Fact]
    public async Task The_same_job_called_from_another_workflow_file_is_refused()
    {
        Tool.NeedsCurlAndJq();
        var token = await deployment.IdentityToken(new JsonObject { ["job_workflow_ref"] = "org/repo/.github/workflows/other.yml@refs/heads/main" });

        var ran = await Run(workflow.Block("data-readwrite", "run"),
            new() { ["SUBJECT"] = $"actx:{Deployment.Team}:role:database-and-spaces-keys-access", ["GH_OIDC_TOKEN"] = token });

        Assert.Equal(22, ran.ExitCode);
    }

    /// <summary>Runs a step and returns its outputs.</summary>
    private async Task<Dictionary<string, string>> Step(string id, Dictionary<string, string> environment, bool script = false)
    {
        var output = Path.Combine(runner.FullName, $"{id}.out");
        File.WriteAllText(output, "");
        environment["GITHUB_OUTPUT"] = output;
        var ran = script
            ? await node.Run("github-script.mjs", With(environment),
                workflow.Block(id, "script").Replace("${{ env.DO_TEAM_UUID }}", Deployment.Team, StringComparison.Ordinal))
            : await Run(workflow.Block(id, "run"), environment);
        ran.Succeeded();
        return Outputs(File.ReadAllLines(output));
    }

    private Task<Ran> Run(string script, Dictionary<string, string> environment) => Tool.Bash(script, With(environment));

    private Dictionary<string, string> With(Dictionary<string, string> environment) => new(environment)
    {
        ["DO_BASE_URL"] = deployment.Url,
        ["DO_TEAM_UUID"] = Deployment.Team,
        ["DO_DATABASE_UUID"] = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30",
        ["ACTIONS_ID_TOKEN_REQUEST_URL"] = deployment.TokenRequestUrl,
        ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = deployment.TokenRequestToken,
        ["GITHUB_OUTPUT"] = environment.GetValueOrDefault("GITHUB_OUTPUT", "/dev/null"),
    };

    /// <summary><c>name=value</c>, or <c>name&lt;&lt;DELIMITER</c>, the value, and the delimiter again.</summary>
    private static Dictionary<string, string> Outputs(string[] lines)
    {
        var outputs = new Dictionary<string, string>();
        for (var i = 0; i < lines.Length; i++)
        {
            if (lines[i].Split("<<", 2) is [var name, var delimiter] && !name.Contains('='))
            {
                var value = lines.Skip(i + 1).TakeWhile(line => line != delimiter).ToArray();
                outputs[name] = string.Join('\n', value);
                i += value.Length + 1;
            }
            else if (lines[i].Split('=', 2) is [var key, var single]) outputs[key] = single;
        }
        return outputs;
    }
}
