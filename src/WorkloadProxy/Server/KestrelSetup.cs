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
        kestrel.AddServerHeader = section.GetValue("AddServerHeader", false);
        kestrel.AllowResponseHeaderCompression = section.GetValue("AllowResponseHeaderCompression", true);
        kestrel.AllowSynchronousIO = section.GetValue("AllowSynchronousIO", false);
        kestrel.DisableStringReuse = section.GetValue("DisableStringReuse", false);
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
        limits.MaxRequestLineSize = section.GetValue("Limits:MaxRequestLineSize", 32 * 1024);
        limits.MaxRequestHeadersTotalSize = section.GetValue("Limits:MaxRequestHeadersTotalSize", 64 * 1024);
        limits.MaxRequestHeaderCount = section.GetValue("Limits:MaxRequestHeaderCount", limits.MaxRequestHeaderCount);
        limits.MaxRequestBufferSize = section.GetValue("Limits:MaxRequestBufferSize", limits.MaxRequestBufferSize);
        limits.MaxResponseBufferSize = section.GetValue("Limits:MaxResponseBufferSize", limits.MaxResponseBufferSize);
        limits.MaxConcurrentConnections = section.GetValue("Limits:MaxConcurrentConnections", MaxConnections);
        limits.MaxConcurrentUpgradedConnections = section.GetValue("Limits:MaxConcurrentUpgradedConnections", MaxConnections);
        limits.KeepAliveTimeout = section.GetValue("Limits:KeepAliveTimeout", limits.KeepAliveTimeout);
        limits.RequestHeadersTimeout = section.GetValue("Limits:RequestHeadersTimeout", limits.RequestHeadersTimeout);
        limits.Http3.MaxRequestHeaderFieldSize = section.GetValue("Limits:Http3:MaxRequestHeaderFieldSize", limits.Http3.MaxRequestHeaderFieldSize);
        Configure(limits.Http2, section.GetSection("Limits:Http2"));
    }

    private static void Configure(Http2Limits limits, IConfiguration section)
    {
        limits.MaxStreamsPerConnection = section.GetValue("MaxStreamsPerConnection", limits.MaxStreamsPerConnection);
        limits.MaxRequestHeaderFieldSize = section.GetValue("MaxRequestHeaderFieldSize", 64 * 1024);
        limits.HeaderTableSize = section.GetValue("HeaderTableSize", limits.HeaderTableSize);
        limits.MaxFrameSize = section.GetValue("MaxFrameSize", limits.MaxFrameSize);
        limits.InitialConnectionWindowSize = section.GetValue("InitialConnectionWindowSize", limits.InitialConnectionWindowSize);
        limits.InitialStreamWindowSize = section.GetValue("InitialStreamWindowSize", limits.InitialStreamWindowSize);
        limits.KeepAlivePingDelay = section.GetValue("KeepAlivePingDelay", limits.KeepAlivePingDelay);
        limits.KeepAlivePingTimeout = section.GetValue("KeepAlivePingTimeout", limits.KeepAlivePingTimeout);
    }
}
