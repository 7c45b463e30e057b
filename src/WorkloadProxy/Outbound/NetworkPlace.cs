using System.Net;
using System.Net.Sockets;

namespace WorkloadProxy.Outbound;

/// <summary>Where a host lies, by its name alone: plain <c>http</c> is taken only on this machine and inside the cluster.</summary>
internal static class NetworkPlace
{
    public static bool IsLoopback(Uri uri) => IsLoopback(Host(uri));

    public static bool IsLoopbackOrInCluster(Uri uri)
    {
        var host = Host(uri);
        return IsLoopback(host) || IsUnder(host, "svc") || IsUnder(host, "cluster.local") || (IPAddress.TryParse(host, out var address) && IsPrivate(address));
    }

    /// <summary>RFC 1918 and RFC 4193. Not 100.64.0.0/10 (RFC 6598): what a carrier shares among its customers is nobody's cluster.</summary>
    public static bool IsPrivate(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        if (address.AddressFamily == AddressFamily.InterNetworkV6) return address.IsIPv6UniqueLocal;
        var bytes = address.GetAddressBytes();
        return bytes[0] == 10 || (bytes[0] == 172 && bytes[1] is >= 16 and <= 31) || (bytes[0] == 192 && bytes[1] == 168);
    }

    private static bool IsLoopback(string host) =>
        host == "localhost" || IsUnder(host, "localhost") || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    private static bool IsUnder(string host, string domain) => host.EndsWith("." + domain, StringComparison.Ordinal);

    private static string Host(Uri uri) => uri.IdnHost.TrimEnd('.').ToLowerInvariant();
}
