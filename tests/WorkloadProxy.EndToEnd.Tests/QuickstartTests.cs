namespace WorkloadProxy.EndToEnd.Tests;

public sealed class QuickstartTests
{
    private static string Program => Repository.Built("samples/Quickstart", "quickstart");

    [Fact]
    public async Task It_ends_with_0_when_every_step_went_as_it_says()
    {
        var ran = await Tool.Run("dotnet", [Program, "--once"]);

        ran.Succeeded();
        Assert.Contains("every step went as said", ran.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("NOT AS IT SHOULD", ran.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Its_commands_can_be_repeated_while_it_stays_up_and_it_leaves_nothing_behind()
    {
        Tool.NeedsCurlAndJq();
        await using var quickstart = Server.Start(Program, []);
        var file = (await quickstart.Line(line => line.Contains("bash ", StringComparison.Ordinal) && line.Contains("commands.sh", StringComparison.Ordinal))).Trim()["bash ".Length..];

        var ran = (await Tool.Run("bash", [file])).Succeeded();

        Assert.Contains("postgresql://", ran.Output, StringComparison.Ordinal);
        Assert.Contains("\"access_key\"", ran.Output, StringComparison.Ordinal);
        Assert.Equal(3, ran.Output.Split("\"id\": \"forbidden\"").Length - 1);
        Assert.Equal(0, await quickstart.StopAsync());
        Assert.False(Directory.Exists(Path.GetDirectoryName(file)));
    }
}
