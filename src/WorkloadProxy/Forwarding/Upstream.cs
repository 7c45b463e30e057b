using System.Diagnostics;
using System.Net;
using System.Text;
using WorkloadProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;

namespace WorkloadProxy.Forwarding;

/// <summary>One upstream: where it is and its own connection pool. Lives as long as the process.</summary>
internal sealed class Upstream
{
    public Upstream(UpstreamOptions options)
    {
        Options = options;
        Origin = options.Address is null ? null : options.Address.AbsoluteUri.TrimEnd('/');
        Hygiene = new HeaderHygiene(options.DropHeaders);
        Invoker = new HttpMessageInvoker(new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            EnableMultipleHttp2Connections = true,
            ConnectTimeout = options.ConnectTimeout,
            // an upstream that moves is found within minutes
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            ActivityHeadersPropagator = new ReverseProxyPropagator(DistributedContextPropagator.Current),
            // header values pass through byte for byte, whatever they hold
            RequestHeaderEncodingSelector = (_, _) => Encoding.Latin1,
            ResponseHeaderEncodingSelector = (_, _) => Encoding.Latin1,
        });
        Forwarding = new ForwarderRequestConfig
        {
            ActivityTimeout = options.ActivityTimeout ?? Timeout.InfiniteTimeSpan,
            Version = options.HttpVersion,
            // HTTP/2 is what the operator said the upstream speaks (gRPC needs it); nothing is negotiated down
            VersionPolicy = options.HttpVersion.Major == 2 ? HttpVersionPolicy.RequestVersionExact : HttpVersionPolicy.RequestVersionOrLower,
        };
    }

    public UpstreamOptions Options { get; }
    /// <summary>Scheme, host, port and base path without a trailing slash; null when it has no address (each account's own server).</summary>
    public string? Origin { get; }
    public HeaderHygiene Hygiene { get; }
    public HttpMessageInvoker Invoker { get; }
    public ForwarderRequestConfig Forwarding { get; }
}
