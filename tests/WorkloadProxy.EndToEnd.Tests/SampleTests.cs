namespace WorkloadProxy.EndToEnd.Tests;

/// <summary>What the samples hold is taken by the program that they are for.</summary>
public sealed class SampleTests
{
    private const string Team = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

    private static string Program => Repository.Built("src/WorkloadProxy", "workload-proxy");

    [Theory]
    [InlineData("droplet")]
    [InlineData("rwx-depot")]
    [InlineData("dex-opendepot")]
    [InlineData("agent")]
    public async Task Its_configuration_is_without_a_mistake(string sample)
    {
        var ran = await Tool.Run("dotnet", [Program, "config", "check", "--config", Path.Combine(Repository.Top, "samples", sample, "workload-proxy.json")],
            new Dictionary<string, string>
        {
            ["DIGITALOCEAN_TOKEN"] = "a",
            ["DEPOT_ORGANIZATION_TOKEN"] = "b",
            ["OPENDEPOT_TOKEN"] = "c",
        });

        ran.Succeeded();
    }

    [Theory]
    [InlineData(".", Team)]
    [InlineData(".", "did:plc:ewvi7nxzyoun6zhxrhs64oiz")]
    [InlineData("samples/agent", Team)]
    [InlineData("samples/rwx-depot", "acme")]
    [InlineData("samples/dex-opendepot", "registry")]
    [InlineData("samples/kubernetes", "prod")]
    [InlineData("samples/kubernetes/people", "prod")]
    [InlineData("samples/github-app", "acme")]
    public async Task Its_policies_compile(string folder, string actx)
    {
        var ran = await Tool.Run("dotnet", [Program, "policy", "check", folder, "--actx", actx], folder: Repository.Top);

        ran.Succeeded();
    }

    [Fact]
    public async Task The_droplet_gets_its_identity_and_uses_it()
    {
        if (!Environment.IsPrivilegedProcess || !OperatingSystem.IsLinux()) Assert.Skip("the stand-in VM needs root on Linux");
        foreach (var (program, package) in new[]
            { ("/usr/bin/cloud-init", "cloud-init"), ("/usr/sbin/sshd", "openssh-server"), ("/usr/bin/jq", "jq"), ("/usr/bin/curl", "curl") })
            if (!File.Exists(program)) Assert.Skip($"`{program}` is missing: apt-get install {package}");

        var ran = await Tool.Run(Path.Combine(Repository.Top, "samples/droplet/run"), ["--no-build"]);

        ran.Succeeded();
        Assert.Contains("\nthe user data of its owner ran too\n", ran.Output, StringComparison.Ordinal);
        Assert.Contains("\npostgresql://", ran.Output, StringComparison.Ordinal);
        Assert.Contains("\nPOST\t/v1/oidc/prove\tallow\t200\t", ran.Output, StringComparison.Ordinal);
        Assert.Contains("\nPOST\t/v1/oidc/refresh\tallow\t200\t", ran.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_accounts_on_two_servers_are_written_to_through_one_proxy()
    {
        Tool.NeedsCurlAndJq();

        var ran = await Tool.Run(Path.Combine(Repository.Top, "samples/atproto/run"), ["--no-build"]);

        ran.Succeeded();
        Assert.Equal(2, ran.Output.Split(" Hello World\non its firehose: a #commit of did:plc:").Length - 1);
        Assert.Contains("\"error\": \"AccountNotFound\"", ran.Output, StringComparison.Ordinal);
        Assert.Equal(["502", "200", "200", "403"], ran.Output.Trim().Split('\n')[^4..].Select(line => line.Split('\t')[4]));
    }

    [Fact]
    public async Task The_bad_policy_prints_what_its_readme_says()
    {
        var ran = await Tool.Run("dotnet", [Program, "policy", "check", "samples/bad-policy", "--actx", Team], folder: Repository.Top);

        Assert.Equal(1, ran.ExitCode);
        Assert.Equal(File.ReadAllText(Path.Combine(Repository.Top, "samples/bad-policy/expected.txt")).Trim(), (ran.Output + ran.Error).Trim());
    }

    [Theory]
    [InlineData("agent")]
    [InlineData("rwx-depot")]
    [InlineData("github-app")]
    [InlineData("dex-opendepot")]
    [InlineData("kubernetes")]
    public async Task Its_run_prints_what_its_readme_says(string sample)
    {
        Tool.NeedsCurlAndJq();
        var ran = await Tool.Run("bash", [Path.Combine(Repository.Top, $"samples/{sample}/run")], new Dictionary<string, string>
        {
            ["WORKLOAD_PROXY"] = $"dotnet {Program}",
            ["SANDBOX"] = $"dotnet {Repository.Built("samples/Sandbox", "sandbox")}",
        });

        ran.Succeeded();
        var readme = File.ReadAllText(Path.Combine(Repository.Top, $"samples/{sample}/README.md"));
        Assert.Contains($"$ samples/{sample}/run\n{ran.Output.Trim()}\n```", readme, StringComparison.Ordinal);
    }
}
