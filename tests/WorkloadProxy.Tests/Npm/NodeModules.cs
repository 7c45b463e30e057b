using WorkloadProxy.Tests.Interop;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Npm;

/// <summary>
/// The pinned npm packages and the scripts beside this file, in one folder of the repository's <c>artifacts</c>. CI installs them before the tests; else the
/// first test that asks does.
/// </summary>
internal static class NodeModules
{
    private const string Install = "ci --no-audit --no-fund --ignore-scripts --loglevel=error";
    private static readonly TimeSpan patience = TimeSpan.FromMinutes(5);
    private static readonly string source = Path.Combine(Examples.RepositoryRoot(), "tests", "WorkloadProxy.Tests", "Npm");
    private static readonly string folder = Path.Combine(Examples.RepositoryRoot(), "artifacts", "npm");
    private static readonly Lazy<Task<string?>> installed = new(InstallAsync);

    /// <summary>Runs a script with Node.js; what it printed. Ends the test where the packages can't be had.</summary>
    public static async Task<string> RunAsync(string script, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        if (await installed.Value is { } missing) Assert.Skip(missing);
        var (code, output, error) = await RealProgram.RunAsync("node", folder, environment, patience, [script, .. arguments]);
        Assert.True(code == 0, $"{script} ended with {code}\n{output}\n{error}");
        return output;
    }

    /// <summary>A file of a package. Ends the test where the packages are missing, or have none for this platform.</summary>
    public static async Task<string> FileAsync(string path)
    {
        if (await installed.Value is { } missing) Assert.Skip(missing);
        var file = Path.Combine(folder, "node_modules", path);
        Assert.SkipUnless(File.Exists(file), $"`{path}` is not there: its package is for Linux on x64 alone");
        return file;
    }

    private static async Task<string?> InstallAsync()
    {
        foreach (var program in (string[])["node", "npm"])
        {
            if (!Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(path => File.Exists(Path.Combine(path, program))))
                return $"`{program}` is missing: apt-get install nodejs npm";
        }
        Directory.CreateDirectory(folder);
        var (written, wanted) = (Path.Combine(folder, "package-lock.json"), Path.Combine(source, "package-lock.json"));
        var isThere = File.Exists(Path.Combine(folder, "node_modules", ".package-lock.json")) && File.Exists(written)
            && File.ReadAllText(written) == File.ReadAllText(wanted);
        foreach (var file in Directory.EnumerateFiles(source).Where(file => Path.GetExtension(file) is ".json" or ".mjs" or ".npmrc"))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)), overwrite: true);
        if (isThere) return null;
        var (code, output, error) = await RealProgram.RunAsync("npm", folder, new Dictionary<string, string>(), patience, Install.Split(' '));
        return code == 0 ? null : $"the npm packages are missing: npm --prefix {folder} {Install}\n{output}\n{error}";
    }
}
