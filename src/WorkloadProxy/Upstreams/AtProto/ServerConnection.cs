using System.Net;
using System.Net.Sockets;
using WorkloadProxy.Outbound;
using WorkloadProxy.Upstreams.AtProto.Identity;

namespace WorkloadProxy.Upstreams.AtProto;

/// <summary>
/// Opens connections to accounts' servers. Whoever owns an account names its server, so it must have a public address (a name may lead anywhere, and is checked
/// when connecting); those that the operator has listed may be anywhere.
/// </summary>
internal sealed class ServerConnection(IReadOnlyList<string> listed, ResolveName? resolve = null)
{
    private readonly PublicConnection guard = new(resolve ?? ((name, cancellationToken) => Dns.GetHostAddressesAsync(name, cancellationToken)));

    public ValueTask<Stream> OpenAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken) =>
        context.InitialRequestMessage.RequestUri is { } address && listed.Contains(Origin.Of(address), StringComparer.Ordinal)
        ? OpenListedAsync(context.DnsEndPoint, cancellationToken) : guard.ConnectAsync(context, cancellationToken);

    private static async ValueTask<Stream> OpenListedAsync(DnsEndPoint place, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(place, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
