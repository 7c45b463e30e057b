using System.Net;
using System.Net.Sockets;

namespace WorkloadProxy.Tests;

/// <summary>For a configuration that has to name its own port.</summary>
internal static class Ports
{
    /// <summary>Below those that the system gives to whoever asks for any: nobody is given it before the one that it is for listens there.</summary>
    public static int Free()
    {
        while (true)
        {
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, Random.Shared.Next(20_000, 32_000));
                listener.Start();
                return ((IPEndPoint)listener.LocalEndpoint).Port;
            }
            catch (SocketException)
            {
                // taken: another
            }
        }
    }
}
