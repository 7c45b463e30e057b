using System.Net;
using System.Net.Sockets;

namespace WorkloadProxy.Outbound;

/// <summary>Addresses of a name, as DNS gives them.</summary>
internal delegate Task<IPAddress[]> ResolveName(string name, CancellationToken cancellationToken);

/// <summary>
/// Opens connections to public addresses only. It connects to the very address that it checked, so a name that changes between the two is no way in.
/// </summary>
internal sealed class PublicConnection(ResolveName resolve)
{
    private const int MaxTried = 4;

    /// <summary>A name or literal without a public address.</summary>
    public sealed class RefusedException(string host) : IOException($"`{host}` has no public address");

    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var host = context.DnsEndPoint.Host;
        var addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await resolve(host, cancellationToken);
        Exception failure = new RefusedException(host);
        foreach (var address in addresses.Where(PublicAddress.Contains).Take(MaxTried))
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(new IPEndPoint(address, context.DnsEndPoint.Port), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (SocketException e)
            {
                socket.Dispose();
                failure = e;
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }

        throw failure;
    }
}
