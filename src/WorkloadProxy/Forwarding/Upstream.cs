using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Text;
using WorkloadProxy.Configuration;
using WorkloadProxy.Forwarding.Bodies;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using Yarp.ReverseProxy.Forwarder;

namespace WorkloadProxy.Forwarding;

/// <summary>One upstream: where it is, and the connections to it. Lives as long as the process.</summary>
internal sealed class Upstream : IDisposable
{
    private readonly string? origin;
    private readonly UpstreamParts parts;
    private readonly ServerTrust? trust;

    public Upstream(UpstreamOptions options, UpstreamParts parts)
    {
        Options = options;
        this.parts = parts;
        origin = options.Address?.AbsoluteUri.TrimEnd('/');
        PublicHost = options.PublicHost?.Authority;
        if (options.CaFile is not null || options.PublicHost is not null)
            trust = new ServerTrust(options.CaFile, options.PublicHost is null ? null : options.Address?.IdnHost);
        Hygiene = new HeaderHygiene(options.DropHeaders, options.PassHeaders);
        Pools = new ConnectionPools(OpenPool);
        Forwarding = new ForwarderRequestConfig
        {
            ActivityTimeout = options.ActivityTimeout ?? Timeout.InfiniteTimeSpan,
            Version = options.HttpVersion,
            // HTTP/2 is what the operator said the upstream speaks (gRPC needs it); nothing is negotiated down
            VersionPolicy = options.HttpVersion.Major == 2 ? HttpVersionPolicy.RequestVersionExact : HttpVersionPolicy.RequestVersionOrLower,
        };
    }

    public UpstreamOptions Options { get; }
    /// <summary>What is sent as <c>Host</c>, where that is not the address's.</summary>
    public string? PublicHost { get; }
    public HeaderHygiene Hygiene { get; }
    public ConnectionPools Pools { get; }
    public ForwarderRequestConfig Forwarding { get; }

    /// <summary>
    /// Scheme, host, port and base path without a trailing slash. The context is null for a user's own token, which goes to the one address that the
    /// configuration names.
    /// </summary>
    public ValueTask<Result<string>> FindOriginAsync(AuthContext? context, string path, CancellationToken cancellationToken)
    {
        if (origin is not null) return new(origin);
        if (parts.Address is { } address && context is not null) return address.FindAsync(context, path, cancellationToken);
        return new(new Failure(ErrorId.UpstreamUnreachable, $"the address of upstream `{Options.Name}` is not known"));
    }

    /// <summary>Nothing answered at <paramref name="origin"/>.</summary>
    public void NoAnswer(AuthContext? context, string origin)
    {
        if (context is not null) parts.Address?.NoAnswer(context, origin);
    }

    /// <summary>The interceptor for a method and canonical path, or null.</summary>
    public IInterceptor? FindInterceptor(string method, ReadOnlySpan<char> path)
    {
        foreach (var interceptor in parts.Interceptors)
        {
            if (interceptor.Method == method && path.SequenceEqual(interceptor.Path)) return interceptor;
        }
        return null;
    }

    public void Dispose() => Pools.Dispose();

    private HttpMessageInvoker OpenPool() => new(new OutgoingHandler(new SocketsHttpHandler
    {
        UseProxy = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        UseCookies = false,
        EnableMultipleHttp2Connections = true,
        ConnectTimeout = Options.ConnectTimeout,
        SslOptions = trust?.NewOptions() ?? new SslClientAuthenticationOptions(),
        // an upstream that moves is found within minutes
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        ActivityHeadersPropagator = new ReverseProxyPropagator(DistributedContextPropagator.Current),
        // header values pass through byte for byte, whatever they hold
        RequestHeaderEncodingSelector = (_, _) => Encoding.Latin1,
        ResponseHeaderEncodingSelector = (_, _) => Encoding.Latin1,
        ConnectCallback = parts.Connect is { } connect ? (context, cancellationToken) => connect(context, cancellationToken) : null,
    }));
}
