using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Net.Http.Headers;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Server;

/// <summary>How Kestrel is set up where the configuration's own <c>Kestrel</c> section says nothing.</summary>
internal static class KestrelSetup
{
    /// <summary>Whether an endpoint, or the defaults for all, name HTTP/3 among their protocols.</summary>
    public static bool AsksForHttp3(IConfiguration kestrel) =>
        kestrel.AsEnumerable(makePathsRelative: true).Any(setting => setting.Key.EndsWith("Protocols", StringComparison.OrdinalIgnoreCase)
            && setting.Value?.Contains('3') == true);

    /// <summary>A connection costs a descriptor and some tens of kilobytes: without a bound, anyone who reaches the port could take all there are.</summary>
    public const long MaxConnections = 10_000;

    /// <param name="kestrel">What is set up.</param>
    /// <param name="section">The configuration's section <c>Kestrel</c>, which has been checked; ASP.NET itself reads no limits from it.</param>
    public static void Configure(KestrelServerOptions kestrel, IConfiguration section)
    {
        kestrel.AddServerHeader = false;
        kestrel.AllowResponseHeaderCompression = true;
        // header values pass byte for byte in both directions
        kestrel.RequestHeaderEncodingSelector = name =>
            name == HeaderNames.Connection ? ConnectionEncoding.Instance
            : name == HeaderNames.ContentLength ? ContentLengthEncoding.Instance
            : Encoding.Latin1;
        kestrel.ResponseHeaderEncodingSelector = _ => Encoding.Latin1;
        var limits = kestrel.Limits;
        // a body that nothing inspects is streamed, however large and however slow
        limits.MaxRequestBodySize = null;
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = null;
        // ours are 8 KiB for a target and 16 KiB for a token, and answer with a body that says so
        limits.MaxRequestLineSize = 32 * 1024;
        limits.MaxRequestHeadersTotalSize = 64 * 1024;
        limits.Http2.MaxRequestHeaderFieldSize = 64 * 1024;
        limits.MaxConcurrentConnections = section.GetValue("Limits:MaxConcurrentConnections", MaxConnections);
        limits.MaxConcurrentUpgradedConnections = section.GetValue("Limits:MaxConcurrentUpgradedConnections", MaxConnections);
        limits.KeepAliveTimeout = section.GetValue("Limits:KeepAliveTimeout", limits.KeepAliveTimeout);
        limits.RequestHeadersTimeout = section.GetValue("Limits:RequestHeadersTimeout", limits.RequestHeadersTimeout);
        limits.Http2.MaxStreamsPerConnection = section.GetValue("Limits:Http2:MaxStreamsPerConnection", limits.Http2.MaxStreamsPerConnection);
    }
}
