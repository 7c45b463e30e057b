using System.Diagnostics;

namespace WorkloadProxy.Git;

/// <summary>
/// This program as git's <c>ssh</c> (<c>GIT_SSH</c>): it runs OpenSSH with our options before git's. <c>GIT_SSH_COMMAND</c> could carry options, but a shell
/// would read it.
/// </summary>
internal static class GitSsh
{
    private const string KnownHostsVariable = "WORKLOAD_PROXY_SSH_KNOWN_HOSTS";
    private const string KeyVariable = "WORKLOAD_PROXY_SSH_KEY";

    public static bool IsCalled => System.Environment.GetEnvironmentVariable(KnownHostsVariable) is not null;

    /// <summary>What git needs in its environment to reach a host by ssh.</summary>
    public static IReadOnlyList<(string, string)> Environment(GitDirectories directories, string knownHosts, string? key)
    {
        var variables = new List<(string, string)>
            { ("GIT_SSH", directories.Ssh), ("GIT_SSH_VARIANT", "ssh"), (KnownHostsVariable, knownHosts), ("DOTNET_EnableDiagnostics", "0") };
        if (key is not null) variables.Add((KeyVariable, key));
        if (OwnProgram.DotnetRoot is { } root) variables.Add(("DOTNET_ROOT", root));
        return variables;
    }

    public static async Task<int> RunAsync(string[] arguments)
    {
        var start = new ProcessStartInfo("ssh") { UseShellExecute = false };
        foreach (var argument in Options().Concat(arguments)) start.ArgumentList.Add(argument);
        try
        {
            using var ssh = Process.Start(start)!;
            await ssh.WaitForExitAsync();
            return ssh.ExitCode;
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidDataException)
        {
            await Console.Error.WriteLineAsync($"fatal: ssh can't be run: {e.Message}");
            return 255;
        }
    }

    /// <summary>No configuration file, no agent, no question, and no host that is not in the file of known ones.</summary>
    internal static IReadOnlyList<string> Options()
    {
        var options = new List<string>
        {
            "-F", "none", "-T", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "GlobalKnownHostsFile=/dev/null", "-o", "UpdateHostKeys=no",
            "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none",
            "-o", "ForwardAgent=no", "-o", "PermitLocalCommand=no", "-o", "ConnectTimeout=10", "-o",
            $"UserKnownHostsFile={Quote(System.Environment.GetEnvironmentVariable(KnownHostsVariable)!)}",
        };
        if (System.Environment.GetEnvironmentVariable(KeyVariable) is { } key) options.AddRange(["-o", $"IdentityFile={Quote(key)}"]);
        else options.AddRange(["-o", "PubkeyAuthentication=no"]);
        return options;
    }

    // ssh reads a value as in its configuration file: quoted against spaces, `%` doubled against its own expansion
    private static string Quote(string path) => path.AsSpan().ContainsAny("\"$\\\n")
        ? throw new InvalidDataException($"the path `{path}` holds a character that ssh's options can't carry")
        : $"\"{path.Replace("%", "%%", StringComparison.Ordinal)}\"";
}
