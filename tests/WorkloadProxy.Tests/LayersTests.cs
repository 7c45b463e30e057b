using System.Text.RegularExpressions;

namespace WorkloadProxy.Tests;

/// <summary>
/// The layers of the server, read from its sources: a folder is a namespace, and an arrow (a <c>using</c>) points down only. `docs/architecture.md` draws the
/// same.
/// </summary>
public sealed partial class LayersTests
{
    // from the bottom up: a folder may use those in lines above its own, and its neighbours in one line as long as no cycle comes of it
    private static readonly string[][] layers =
    [
        ["Requests", "Secrets", "Outbound", "Processes", "Configuration.Keys", "Configuration.Sources", "Configuration.Options"],
        ["Upstreams.AtProto.Identity"],
        ["Configuration"],
        ["Storage"],
        ["Mcp.Protocol", "Control", "Git", "Tokens", "Credentials", "Upstreams.DigitalOcean", "Upstreams.GitHub", "Upstreams.AtProto.Dpop"],
        ["Stages"],
        ["Credentials.OAuth", "Credentials.Exchange", "Upstreams.AtProto.Client"],
        ["Upstreams.AtProto.Sessions"],
        ["PolicyDelivery.Publishing"],
        ["Authentication.Issuers"],
        ["Authentication"],
        ["Audit"],
        ["Telemetry", "Web", "Endpoints", "Authorization", "Forwarding", "Forwarding.Bodies", "PolicyDelivery.Directories", "PolicyDelivery.Remote",
            "PolicyDelivery.Hosted", "PolicyDelivery.Hosted.Repositories"],
        ["PolicyDelivery", "Issuing", "Health", "Mcp", "HandedOut", "Upstreams.AtProto.AppPasswords"],
        ["Upstreams.AtProto"],
        ["SignIn", "SignIn.AtProto"],
        ["Provisioning"],
        ["Provisioning.Creating"],
        [""],
        ["Server"],
        ["Cli.Output", "Cli.Input"],
        ["Cli.Commands", "Cli.Agents"],
        ["Cli"],
    ];

    private static readonly string source = Path.Combine(Top(), "src", "WorkloadProxy");

    [Fact]
    public void A_folder_is_a_namespace()
    {
        Assert.All(Files(), file => Assert.Equal($"WorkloadProxy.{file.Folder}".TrimEnd('.'), Namespace().Match(file.Text).Groups[1].Value));
    }

    [Fact]
    public void Every_folder_has_a_layer()
    {
        Assert.Equal([], Files().Select(file => file.Folder).Distinct().Except(layers.SelectMany(layer => layer)));
    }

    [Fact]
    public void Arrows_point_down()
    {
        // Program.cs stands above everything: it is the command line's entry
        var upwards = from file in Files()
                      where file.Name != "Program.cs"
                      from used in Uses(file.Text)
                      where LayerOf(used) > LayerOf(file.Folder)
                      select $"{file.Folder}/{file.Name} uses {used}";
        Assert.Equal([], upwards);
    }

    [Fact]
    public void No_folders_use_each_other_in_a_circle()
    {
        var arrows = Files().Where(file => file.Name != "Program.cs").GroupBy(file => file.Folder)
            .ToDictionary(folder => folder.Key, folder => folder.SelectMany(file => Uses(file.Text)).Where(used => used != folder.Key).ToHashSet());
        Assert.Equal([], arrows.Keys.Where(folder => Reaches(folder, folder, [])));

        bool Reaches(string from, string to, HashSet<string> seen) =>
            arrows.TryGetValue(from, out var next) && next.Any(folder => folder == to || (seen.Add(folder) && Reaches(folder, to, seen)));
    }

    [Theory]
    [InlineData("src/WorkloadProxy")]
    [InlineData("src/WorkloadProxy.Policies")]
    public void No_folder_holds_more_than_twenty_files(string project)
    {
        var folders = Directory.EnumerateFiles(Path.Combine(Top(), project), "*.cs", SearchOption.AllDirectories).Where(IsSource)
            .GroupBy(file => Path.GetDirectoryName(file)!);
        Assert.Equal([], folders.Where(folder => folder.Count() > 20).Select(folder => $"{folder.Count()} files in {folder.Key}"));
    }

    [Fact]
    public void Lines_have_at_most_160_columns()
    {
        var wide = from file in Directory.EnumerateFiles(Path.Combine(Top(), "src"), "*.cs", SearchOption.AllDirectories).Where(IsSource)
                   from line in File.ReadLines(file).Index()
                   where line.Item.Length > 160
                   select $"{Path.GetRelativePath(Top(), file)}:{line.Index + 1}";
        Assert.Equal([], wide);
    }

    private static int LayerOf(string folder) => Array.FindIndex(layers, layer => layer.Contains(folder));

    private static IEnumerable<(string Folder, string Name, string Text)> Files() =>
        Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories).Where(IsSource)
        .Select(file => (Path.GetRelativePath(source, Path.GetDirectoryName(file)!).Replace(Path.DirectorySeparatorChar, '.').TrimStart('.'),
            Path.GetFileName(file), File.ReadAllText(file)));

    private static bool IsSource(string file) => !Path.GetRelativePath(source, file).Split(Path.DirectorySeparatorChar).Any(part => part is "obj" or "bin");

    private static IEnumerable<string> Uses(string text) => Usings().Matches(text).Select(match => match.Groups[1].Value).Where(name => LayerOf(name) >= 0);

    private static string Top()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory!.FullName, "WorkloadProxy.sln"))) directory = directory.Parent;
        return directory.FullName;
    }

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Namespace();

    [GeneratedRegex(@"^using (?:\w+ = )?WorkloadProxy\.([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Usings();
}
