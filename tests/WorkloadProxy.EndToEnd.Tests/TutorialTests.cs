using System.Text.Json.Nodes;

namespace WorkloadProxy.EndToEnd.Tests;

/// <summary>The tutorial's commands, typed as they stand there (<c>Tutorial/*.sh</c>), on a droplet whose files lie in a folder of the test's.</summary>
[Collection(Deployment.Upstream)]
public sealed class TutorialTests(Deployment deployment) : IDisposable
{
    private readonly DirectoryInfo droplet = Directory.CreateTempSubdirectory("workload-proxy-droplet-");

    public void Dispose() => droplet.Delete(recursive: true);

    [Fact]
    public async Task The_exchanged_token_reads_the_database()
    {
        var (ran, received) = await Type("2-exchange", "3-database");

        Assert.StartsWith("postgresql://", ran.Succeeded().Output, StringComparison.Ordinal);
        var request = Assert.Single(received);
        Assert.Equal("/v2/databases/9cc10173-e9ea-4176-9dbc-a4cee4c4ff30", request["target"]!.ToString());
        Assert.Equal($"Bearer {Deployment.TeamToken}", request["headers"]!["Authorization"]![0]!.ToString());
    }

    [Fact]
    public async Task The_exchanged_token_lists_the_databases_of_its_tag()
    {
        var (ran, received) = await Type("2-exchange", "4-databases-by-tag");

        Assert.StartsWith("postgresql://", ran.Succeeded().Output, StringComparison.Ordinal);
        Assert.Equal("/v2/databases?tag_name=my-tag", Assert.Single(received)["target"]!.ToString());
    }

    [Fact]
    public async Task The_exchanged_token_creates_a_key_for_bucket_111()
    {
        var (ran, received) = await Type("2-exchange", "5-spaces-key");

        var key = JsonNode.Parse(ran.Succeeded().Output)!["key"]!;
        Assert.Equal("bucket-111-read-token-droplet", key["name"]!.ToString());
        Assert.Equal("""{"name":"bucket-111-read-token-droplet","grants":[{"bucket":"111","permission":"read"}]}""",
            Assert.Single(received)["body"]!.ToString());
    }

    [Fact]
    public async Task A_key_for_bucket_222_is_refused_with_403_and_never_sent_upstream()
    {
        var (ran, received) = await Type("2-exchange", "6-spaces-key-refused");

        Assert.Equal(22, ran.ExitCode); // what curl -f says of a 403
        Assert.Contains("403", ran.Error, StringComparison.Ordinal);
        Assert.Empty(received);
    }

    [Fact]
    public async Task The_droplet_writes_a_record_in_another_organization_s_context()
    {
        var (ran, received) = await Type("7-atproto");

        Assert.StartsWith("at://", JsonNode.Parse(ran.Succeeded().Output)!["uri"]!.ToString(), StringComparison.Ordinal);
        var request = Assert.Single(received);
        Assert.Equal("/xrpc/com.atproto.repo.createRecord", request["target"]!.ToString());
        Assert.Equal($"Bearer {Deployment.AtProtoToken}", request["headers"]!["Authorization"]![0]!.ToString());
    }

    [Fact]
    public async Task The_identity_token_alone_reads_no_database()
    {
        var (ran, received) = await Type("TOKEN=$ID_TOKEN", "3-database");

        Assert.Equal(22, ran.ExitCode);
        Assert.Empty(received);
    }

    private async Task<(Ran Ran, IReadOnlyList<JsonObject> Received)> Type(params string[] blocks)
    {
        Tool.NeedsCurlAndJq();
        var secrets = Directory.CreateDirectory(Path.Combine(droplet.FullName, "digitalocean.com/serviceaccount")).FullName;
        File.WriteAllText(Path.Combine(secrets, "base_url"), deployment.Url);
        File.WriteAllText(Path.Combine(secrets, "team_uuid"), Deployment.Team);
        File.WriteAllText(Path.Combine(secrets, "token"), await deployment.DropletToken());
        var script = string.Join('\n', (string[])["set -eo pipefail", Block("1-identity").Replace("/root/secrets", droplet.FullName, StringComparison.Ordinal),
            .. blocks.Select(Block)]);
        Ran? ran = null;
        var received = await deployment.Received(async () => ran = await Tool.Bash(script, new Dictionary<string, string> { ["USER_DID"] = Deployment.Did }));
        return (ran!, received);
    }

    private static string Block(string name) => name.Contains('=') ? name : File.ReadAllText(Repository.Beside($"Tutorial/{name}.sh"));
}
