using System.Runtime.InteropServices;

namespace WorkloadProxy.Git;

/// <summary>This program as git can run it: its executable, and what it needs of the environment.</summary>
internal static class OwnProgram
{
    /// <summary>The executable, also where the process was started as <c>dotnet workload-proxy.dll</c>.</summary>
    public static string Path { get; } = Find();

    /// <summary>The installation of .NET that this process runs on; the executable would look only in the usual places. Null where it brings its own.</summary>
    public static string? DotnetRoot { get; } = FindRoot();

    private static string Find()
    {
        var beside = System.IO.Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "workload-proxy.exe" : "workload-proxy");
        return File.Exists(beside) ? beside : Environment.ProcessPath!;
    }

    private static string? FindRoot()
    {
        // …/shared/Microsoft.NETCore.App/10.0.0/
        var root = System.IO.Path.GetFullPath(System.IO.Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        return Directory.Exists(System.IO.Path.Combine(root, "host", "fxr")) ? root : null;
    }
}
