using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace WorkloadProxy.Requests;

/// <summary>
/// Who called, as far as it can be known: the connection's address, or behind trusted proxies the last address in <c>X-Forwarded-For</c> that none of them has.
/// </summary>
internal sealed class ClientAddress(IReadOnlyList<IPNetwork> trustedProxies)
{
    /// <summary>An IPv4 address as such, also where the socket speaks IPv6.</summary>
    public static string? Text(IPAddress? address) => (address is { IsIPv4MappedToIPv6: true } ? address.MapToIPv4() : address)?.ToString();

    public string? Of(HttpContext http)
    {
        var address = http.Connection.RemoteIpAddress;
        if (address is null) return null;
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        if (trustedProxies.Count == 0 || !IsTrusted(address)) return address.ToString();
        // right to left: each trusted proxy appended the address that it saw
        var hops = http.Request.Headers["X-Forwarded-For"].ToString().Split(',', StringSplitOptions.TrimEntries);
        for (var i = hops.Length - 1; i >= 0; i--)
        {
            if (!TryParse(hops[i], out var hop)) break;
            address = hop.IsIPv4MappedToIPv6 ? hop.MapToIPv4() : hop;
            if (!IsTrusted(address)) break;
        }
        return address.ToString();
    }

    /// <summary>Some balancers write the port too: <c>203.0.113.7:4711</c>, <c>[2001:db8::1]:4711</c>.</summary>
    private static bool TryParse(string hop, [NotNullWhen(true)] out IPAddress? address)
    {
        if (IPAddress.TryParse(hop, out address)) return true;
        address = IPEndPoint.TryParse(hop, out var endPoint) ? endPoint.Address : null;
        return address is not null;
    }

    private bool IsTrusted(IPAddress address)
    {
        for (var i = 0; i < trustedProxies.Count; i++)
        {
            if (trustedProxies[i].Contains(address)) return true;
        }
        return false;
    }
}
