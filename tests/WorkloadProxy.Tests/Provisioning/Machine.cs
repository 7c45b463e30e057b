using System.Diagnostics;

namespace WorkloadProxy.Tests.Provisioning;

/// <summary>A VM in a root file system of its own on this machine (samples/droplet/machine.sh): real cloud-init boots it, and a real sshd runs in it.</summary>
internal sealed class Machine : IAsyncDisposable
{
    private static readonly string script = Path.Combine(Top(), "samples", "droplet", "machine.sh");
    private readonly Process process;

    private Machine(Process process) => this.process = process;

    /// <summary>Boots; skips the test where that is not possible.</summary>
    public static async Task<Machine> BootAsync(TemporaryDirectory files, string userData, int sshPort, string name = "machine")
    {
        if (!Environment.IsPrivilegedProcess || !OperatingSystem.IsLinux()) Assert.Skip("only root on Linux can lay a root file system over this one's");
        foreach (var (program, package) in new[] { ("/usr/bin/cloud-init", "cloud-init"), ("/usr/sbin/sshd", "openssh-server"), ("/usr/bin/jq", "jq"),
            ("/usr/bin/curl", "curl"), ("/usr/bin/systemd-analyze", "systemd") })
            if (!File.Exists(program)) Assert.Skip($"`{program}` is missing: apt-get install {package}");
        var process = Process.Start(new ProcessStartInfo(script,
            ["start", Path.Combine(files.Path, name), files.Write(name + ".user-data", userData), $"{sshPort}"])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, Environment = { ["INSTANCE_ID"] = name },
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        var machine = new Machine(process);
        if (await process.StandardOutput.ReadLineAsync() != "up") Assert.Fail(await errors);
        return machine;
    }

    /// <summary>What a shell on the machine prints for <paramref name="commands"/>, which must succeed.</summary>
    public async Task<string> RunAsync(string commands)
    {
        var (exitCode, output, errors) = await TryAsync(commands);
        Assert.True(exitCode == 0, $"{commands}\n{output}{errors}");
        return output;
    }

    public Task<(int ExitCode, string Output, string Errors)> TryAsync(string commands) =>
        Shell.RunAsync(script, ["exec", $"{process.Id}", "bash", "-c", commands]);

    public async ValueTask DisposeAsync()
    {
        // its first process ends with this one, and all others with that
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    private static string Top()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "WorkloadProxy.sln"))) folder = Path.GetDirectoryName(folder)!;
        return folder;
    }
}
