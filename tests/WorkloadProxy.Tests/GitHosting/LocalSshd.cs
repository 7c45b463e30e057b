using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace WorkloadProxy.Tests.GitHosting;

/// <summary>OpenSSH's server on loopback, for this user alone, with keys and configuration of its own.</summary>
internal sealed class LocalSshd : IAsyncDisposable
{
    private const string Program = "/usr/sbin/sshd";
    private readonly Process process;

    private LocalSshd(Process process, int port, string key, string knownHosts) => (this.process, Port, Key, KnownHosts) = (process, port, key, knownHosts);

    public int Port { get; }

    /// <summary>The private key that it lets in.</summary>
    public string Key { get; }

    /// <summary>A file with its own public key.</summary>
    public string KnownHosts { get; }

    /// <summary>Skips the test where sshd is not installed.</summary>
    public static async Task<LocalSshd> StartAsync(
        TemporaryDirectory files, string hostKeyType = "ed25519", int? at = null, string name = "host", string address = "127.0.0.1")
    {
        if (!File.Exists(Program)) Assert.Skip($"`{Program}` is not there: apt-get install openssh-server");
        // sshd as root wants it, and only its package's start script makes it
        if (Environment.IsPrivilegedProcess) Directory.CreateDirectory("/run/sshd");
        var (host, key) = (await SignedCommitTests.KeyAsync(files, name, hostKeyType), await SignedCommitTests.KeyAsync(files, $"{name}-user"));
        var port = at ?? Ports.Free();
        var configuration = files.Write($"{name}-sshd_config", $"""
            ListenAddress {address}
            Port {port}
            HostKey {host}
            AuthorizedKeysFile {key}.pub
            StrictModes no
            UsePAM no
            PidFile none
            PasswordAuthentication no
            KbdInteractiveAuthentication no

            """);
        var process = Process.Start(new ProcessStartInfo(Program, ["-D", "-e", "-f", configuration]) { RedirectStandardError = true })!;
        process.BeginErrorReadLine();
        var sshd = new LocalSshd(process, port, key, files.Write("known_hosts", KnownHost(port, host)));
        await sshd.ListeningAsync(IPAddress.Parse(address));
        return sshd;
    }

    /// <summary>The line of a known hosts file that gives the port this host key.</summary>
    public static string KnownHost(int port, string key) => $"[127.0.0.1]:{port} {File.ReadAllText(key + ".pub")}";

    public string Url(string path) => $"ssh://{Environment.UserName}@127.0.0.1:{Port}{path}";

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited) process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        process.Dispose();
    }

    private async Task ListeningAsync(IPAddress address)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        for (var left = 3000; left > 0 && !process.HasExited && await poll.WaitForNextTickAsync(); left--)
        {
            using var client = new TcpClient();
            try
            {
                await client.ConnectAsync(address, Port);
                return;
            }
            catch (SocketException)
            {
                // not yet
            }
        }
        Assert.Fail(process.HasExited ? "sshd has ended" : "sshd does not listen");
    }
}
