using System.Net;
using System.Net.Sockets;

namespace WorkloadProxy.Http;

/// <summary>Where http without TLS is acceptable for what the operator listed: on loopback and inside the cluster (SPEC §4).</summary>
internal static class PlainHttp
{
    private static readonly IPNetwork[] Private =
    [
        IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("172.16.0.0/12"), IPNetwork.Parse("192.168.0.0/16"), IPNetwork.Parse("100.64.0.0/10"), IPNetwork.Parse("fc00::/7"),
    ];

    /// <summary><c>https</c> anywhere, or <c>http</c> where it is acceptable; no other scheme, and no user in the address.</summary>
    public static bool IsHttpsOrPermitted(Uri address) =>
        address.IsAbsoluteUri && address.UserInfo.Length == 0
        && (address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && IsPermittedHost(address.IdnHost)));

    private static bool IsPermittedHost(string host)
    {
        if (IPAddress.TryParse(host, out var address))
        {
            if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
            return IPAddress.IsLoopback(address) || Array.Exists(Private, network => network.Contains(address));
        }

        var name = host.TrimEnd('.');
        return name.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || name.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
            || name.EndsWith(".svc", StringComparison.OrdinalIgnoreCase)
            || name.EndsWith(".cluster.local", StringComparison.OrdinalIgnoreCase);
    }
}
