namespace WorkloadProxy.EndToEnd.Tests;

public sealed class QuickstartTests
{
    private static string Program => Repository.Built("samples/Quickstart", "quickstart");

    [Fact]
    public async Task It_ends_with_0_when_every_step_went_as_it_says()
    {
        var ran = await Tool.Run("dotnet", [Program, "--once"]);

        ran.Succeeded();
        Assert.EndsWith("\n✓ as expected   every step\n", ran.Output[..ran.Output.IndexOf("removed /", StringComparison.Ordinal)], StringComparison.Ordinal);
        Assert.DoesNotContain("UNEXPECTED", ran.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Its_commands_can_be_repeated_while_it_stays_up_and_it_leaves_nothing_behind()
    {
        Tool.NeedsCurlAndJq();
        await using var quickstart = Server.Start(Program, []);
        var file = (await quickstart.Line(line => line.Contains("bash ", StringComparison.Ordinal) && line.Contains("commands.sh", StringComparison.Ordinal)))
            .Trim()["bash ".Length..];

        foreach (var next in new[] { "samples/droplet/run", "docs/sign-in.md", "samples/README.md" })
        {
            await quickstart.Line(line => line.Contains(next, StringComparison.Ordinal));
            Assert.True(File.Exists(Path.Combine(Repository.Top, next)));
        }

        var ran = (await Tool.Run("bash", [file])).Succeeded();

        Assert.Contains("postgresql://", ran.Output, StringComparison.Ordinal);
        Assert.Contains("\"access_key\"", ran.Output, StringComparison.Ordinal);
        Assert.Equal(3, ran.Output.Split("\"id\": \"forbidden\"").Length - 1);
        var policy = Path.Combine(Path.GetDirectoryName(file)!, "policy/policies/database-and-spaces-keys-access.hcl");
        await File.AppendAllTextAsync(policy, "path {\n");
        Assert.Contains("not taken", await quickstart.Line(line => line.StartsWith("the proxy says", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Equal(0, await quickstart.StopAsync());
        Assert.False(Directory.Exists(Path.GetDirectoryName(file)));
    }
}
