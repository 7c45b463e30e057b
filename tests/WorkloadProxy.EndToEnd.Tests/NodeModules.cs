namespace WorkloadProxy.EndToEnd.Tests;

/// <summary>A folder with the pinned npm packages and the scripts that use them; installed once, when a test asks for it.</summary>
public sealed class NodeModules : IAsyncLifetime
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("workload-proxy-npm-");
    private string? missing;

    public async ValueTask InitializeAsync()
    {
        foreach (var program in (string[])["node", "npm"])
        {
            if (!Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(path => File.Exists(Path.Combine(path, program))))
                missing = $"`{program}` is missing: apt-get install nodejs npm";
        }
        if (missing is not null) return;
        foreach (var file in Directory.EnumerateFiles(Repository.Beside("npm"))) File.Copy(file, Path.Combine(folder.FullName, Path.GetFileName(file)));
        var ran = await Tool.Run("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts"], folder: folder.FullName);
        ran.Succeeded();
    }

    public string Folder => folder.FullName;

    /// <summary>Ends the test where Node.js is not installed; CI installs it.</summary>
    public void Needed()
    {
        if (missing is not null) Assert.Skip(missing);
    }

    internal Task<Ran> Run(string script, IReadOnlyDictionary<string, string> environment, string input = "") =>
        Tool.Run("node", [Path.Combine(folder.FullName, script)], environment, input, folder.FullName);

    public ValueTask DisposeAsync()
    {
        folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }
}
