using System.Text.Json;
using System.Text.Json.Nodes;

namespace WorkloadProxy.EndToEnd.Tests;

/// <summary>
/// The commands of the pages, run as they stand there (<c>```bash</c>; what needs root, a network or another system is <c>```sh</c>). A JSON block behind one
/// is the shape of its output.
/// </summary>
[Collection(Deployment.Upstream)]
public sealed class DocumentationExamplesTests(Deployment deployment) : IDisposable
{
    /// <summary>Members whose values are part of what the page says.</summary>
    private static readonly string[] Compared = ["id", "message", "token_type", "issued_token_type", "status", "scope", "kty", "alg", "use"];

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("workload-proxy-docs-");

    public static TheoryData<string> ApiExamples => Headings("docs/api.md");

    public static TheoryData<string> OperationsExamples => Headings("docs/operations.md");

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(ApiExamples))]
    public Task An_example_of_the_api_does_what_the_page_says(string heading) => Run("docs/api.md", heading);

    [Theory]
    [MemberData(nameof(OperationsExamples))]
    public Task A_command_of_the_operations_page_runs(string heading) => Run("docs/operations.md", heading);

    [Fact]
    public async Task The_readme_s_commands_about_policies_run_and_its_configuration_is_without_a_mistake()
    {
        Tool.NeedsCurlAndJq();
        var readme = DocumentationPage.Read("README.md");
        var environment = Environment();
        File.WriteAllText(Path.Combine(folder.FullName, "claims.json"),
            """{"sub":"actx:f81d4fae-7dec-11d0-a765-00a0c91e6bf6:role:database-and-spaces-keys-access","aud":"api://DigitalOcean?actx=f81d4fae-7dec-11d0-a765-00a0c91e6bf6"}""");
        foreach (var part in (string[])["policies", "roles", "droplet-roles", "gha-roles"])
            Directory.CreateSymbolicLink(Path.Combine(folder.FullName, part), Path.Combine(Repository.Top, part));

        var policies = Assert.Single(readme.Blocks, block => block.Language == "bash" && block.Text.Contains("policy explain", StringComparison.Ordinal));
        // the links would lead out of the directory that is checked: it is the repository itself
        (await Tool.Run("bash", ["-ec", policies.Text.Replace("claims.json", Path.Combine(folder.FullName, "claims.json"), StringComparison.Ordinal)],
            environment, folder: Repository.Top)).Succeeded();

        var configuration = Assert.Single(readme.Blocks, block => block.Language == "json");
        var file = Path.Combine(folder.FullName, "proxy.json");
        File.WriteAllText(file, configuration.Text.Replace("\"Directory\": \"policy\"", $"\"Directory\": {JsonSerializer.Serialize(Repository.Top)}",
            StringComparison.Ordinal));
        (await Tool.Run("bash", ["-ec", $"workload-proxy config check --config {file}"], environment)).Succeeded();
    }

    [Theory]
    [InlineData("docs/sign-in.md")]
    [InlineData("docs/atproto.md")]
    public async Task The_configurations_of_a_page_about_signing_in_are_without_a_mistake(string page)
    {
        File.WriteAllText(Path.Combine(folder.FullName, "oauth-client-secret"), "secret");
        var blocks = DocumentationPage.Read(page).Blocks.Where(block => block.Language == "json").ToList();
        Assert.True(blocks.Count >= 2);
        foreach (var block in blocks)
        {
            var file = Path.Combine(folder.FullName, "proxy.json");
            File.WriteAllText(file, block.Text);
            (await Tool.Run("bash", ["-ec", $"workload-proxy config check --config {file}"], Environment())).Succeeded();
        }
    }

    [Theory]
    [InlineData("missing-directory", "true", "nowhere")]
    [InlineData("no-files", "true", ".")]
    [InlineData("broken-link", "mkdir policies && ln -s nothing.hcl policies/a.hcl", ".")]
    [InlineData("link-leaves-directory", "mkdir policies && ln -s /etc/hostname policies/a.hcl", ".")]
    [InlineData("link-loop", "mkdir -p policies/a && ln -s .. policies/a/b", ".")]
    [InlineData("too-deep", "mkdir -p policies$(printf '/d%.0s' $(seq 70)) && touch policies$(printf '/d%.0s' $(seq 70))/a.hcl", ".")]
    [InlineData("unreadable", "", ".")]
    public async Task A_diagnostic_about_a_directory_is_what_the_page_says(string code, string prepare, string directory)
    {
        var page = DocumentationPage.Read("docs/errors.md");
        var shown = Assert.Single(page.Blocks, block => block.Heading == code).Text;
        // root reads everything: what the page says of it is not tried here
        if (prepare.Length == 0)
        {
            Assert.StartsWith($"error[{code}]: ", shown, StringComparison.Ordinal);
            return;
        }
        (await Tool.Run("bash", ["-ec", prepare], folder: folder.FullName)).Succeeded();

        var ran = await Tool.Run("dotnet", [Repository.Built("src/WorkloadProxy", "workload-proxy"), "policy", "check", directory], folder: folder.FullName);

        // the summary is not the diagnostic's
        Assert.Equal(shown, string.Join('\n', ran.Output.Split('\n')
            .TakeWhile(line => !line.Contains(" error", StringComparison.Ordinal) || line.StartsWith("error[", StringComparison.Ordinal))).TrimEnd());
    }

    private static TheoryData<string> Headings(string page) =>
        [.. DocumentationPage.Read(page).Blocks.Where(block => block.Language == "bash").Select(block => block.Heading).Distinct()];

    private async Task Run(string page, string heading)
    {
        Tool.NeedsCurlAndJq();
        var environment = Environment();
        environment["URL"] = deployment.Url;
        environment["TEAM"] = Deployment.Team;
        environment["ID_TOKEN"] = await deployment.IdentityToken();
        environment["CONFIG"] = Path.Combine(Path.GetDirectoryName(deployment.AuditFile)!, "workload-proxy.json");
        environment["AUDIT"] = deployment.AuditFile;
        environment["BACKUP"] = Path.Combine(folder.FullName, "store.db");
        foreach (var block in DocumentationPage.Read(page).Blocks.Where(block => block.Language == "bash" && block.Heading == heading))
        {
            var ran = (await Tool.Run("bash", ["-eo", "pipefail", "-c", block.Text], environment)).Succeeded();
            if (block.Next is { Language: "json" } shown) Compare(JsonNode.Parse(shown.Text), JsonNode.Parse(ran.Output), "");
        }
    }

    private static void Compare(JsonNode? shown, JsonNode? found, string path)
    {
        switch (shown, found)
        {
            case (JsonObject a, JsonObject b):
                Assert.Equal(a.Select(member => member.Key).Order(), b.Select(member => member.Key).Order());
                foreach (var (name, value) in a) Compare(value, b[name], name);
                break;
            case (JsonArray a, JsonArray b):
                Assert.True(a.Count > 0 == b.Count > 0, $"`{path}`: {a} and {b}");
                for (var i = 0; i < Math.Min(a.Count, b.Count); i++) Compare(a[i], b[i], path);
                break;
            default:
                Assert.Equal(shown?.GetValueKind(), found?.GetValueKind());
                if (Compared.Contains(path)) Assert.Equal(shown?.ToString(), found?.ToString());
                break;
        }
    }

    /// <summary>The program on the path, as it is when it is installed.</summary>
    private Dictionary<string, string> Environment()
    {
        var program = Path.Combine(folder.FullName, "workload-proxy");
        File.WriteAllText(program, $"#!/bin/sh\nexec dotnet '{Repository.Built("src/WorkloadProxy", "workload-proxy")}' \"$@\"\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return new()
        {
            ["PATH"] = $"{folder.FullName}:{System.Environment.GetEnvironmentVariable("PATH")}",
            ["DIGITALOCEAN_TOKEN"] = Deployment.TeamToken,
            ["ATPROTO_TOKEN"] = Deployment.AtProtoToken,
        };
    }
}
