using System.Net.Sockets;
using System.Text;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Control;

/// <summary>Where the control socket of a data directory is.</summary>
internal static class ControlAddress
{
    // sockaddr_un's path holds 108 bytes on Linux and 104 on macOS, the last a NUL
    private static readonly int maxPathBytes = OperatingSystem.IsLinux() ? 107 : 103;

    /// <summary>The socket's address; a path too long for one is written relative to the working directory, if that makes it short enough.</summary>
    public static UnixDomainSocketEndPoint Of(string dataDirectory)
    {
        var path = DataDirectory.ControlSocketFile(dataDirectory);
        var relative = Path.GetRelativePath(Environment.CurrentDirectory, path);
        var fitting = new[] { path, relative }.FirstOrDefault(candidate => Encoding.UTF8.GetByteCount(candidate) <= maxPathBytes);
        return fitting is not null
            ? new UnixDomainSocketEndPoint(fitting)
            : throw new StartException($"the control socket's path `{path}` has {Encoding.UTF8.GetByteCount(path)} bytes, and the system takes "
                + $"{maxPathBytes} at most",
                "set a shorter `DataDirectory`, or start the program in a directory near it");
    }
}
