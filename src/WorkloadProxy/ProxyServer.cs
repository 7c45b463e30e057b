using WorkloadProxy.Configuration;
using WorkloadProxy.Storage;

namespace WorkloadProxy;

/// <summary>The server from start to stop.</summary>
internal static class ProxyServer
{
    /// <exception cref="StartException">It can't start as it is configured.</exception>
    public static Task<int> RunAsync(ProxyOptions options, CancellationToken cancellationToken) => throw new NotImplementedException();
}
