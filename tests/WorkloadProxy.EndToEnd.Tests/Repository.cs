namespace WorkloadProxy.EndToEnd.Tests;

/// <summary>Where things lie: the sources, and the programs built beside this one, in the same configuration.</summary>
internal static class Repository
{
    // tests/PROJECT/bin/CONFIGURATION/FRAMEWORK/
    private static readonly DirectoryInfo Here = new(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));

    public static string Top { get; } = Here.Parent!.Parent!.Parent!.Parent!.Parent!.FullName;

    public static string Built(string project, string name)
    {
        var file = Path.Combine(Top, project, "bin", Here.Parent!.Name, Here.Name, $"{name}.dll");
        Assert.True(File.Exists(file), $"`{file}` is not built");
        return file;
    }

    /// <summary>A file that lies beside the tests.</summary>
    public static string Beside(string name) => Path.Combine(Here.FullName, name);
}
