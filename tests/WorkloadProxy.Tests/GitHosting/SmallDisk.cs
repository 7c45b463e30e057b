using System.Diagnostics;
using WorkloadProxy.Cli.Output;

namespace WorkloadProxy.Tests.GitHosting;

/// <summary>A file system of its own with little room (tmpfs).</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly TemporaryDirectory mountPoint = new();

    private SmallDisk()
    {
    }

    public string Path => mountPoint.Path;

    private string Filler => System.IO.Path.Combine(Path, "filler");

    /// <summary>Skips the test where this user may not mount.</summary>
    public static SmallDisk Mount(int megabytes)
    {
        var disk = new SmallDisk();
        var (exitCode, errors) = Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "none", disk.Path);
        if (exitCode == 0) return disk;
        disk.mountPoint.Dispose();
        Assert.Skip($"a tmpfs can't be mounted ({errors.Trim()}): run the tests as root, in a container with `--cap-add SYS_ADMIN`");
        return disk;
    }

    /// <summary>Leaves room for so many bytes.</summary>
    public void Fill(int left)
    {
        using var filler = File.Create(Filler);
        var block = new byte[4096];
        try
        {
            while (true)
            {
                filler.Write(block);
                filler.Flush();
            }
        }
        catch (IOException)
        {
            // full
        }
        filler.SetLength(filler.Length / block.Length * block.Length - left);
    }

    public void Free() => File.Delete(Filler);

    public void Dispose()
    {
        // lazily: a process that ends just now may still have a file open there
        _ = Run("umount", "--lazy", Path);
        mountPoint.Dispose();
    }

    private static (int ExitCode, string Errors) Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, errors);
    }
}
