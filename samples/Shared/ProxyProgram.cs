using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Shared;

/// <summary>The proxy as a process, from its configuration file to <c>/health/ready</c>.</summary>
internal static class ProxyProgram
{
    public static ChildProgram Start(string configuration, IReadOnlyDictionary<string, string> environment) =>
        ChildProgram.Start("src/WorkloadProxy", "workload-proxy", ["serve", "--config", configuration], environment);

    public static async Task Ready(ChildProgram proxy, string url, CancellationToken cancellation)
    {
        using var http = new HttpClient();
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < TimeSpan.FromSeconds(60))
        {
            if (proxy.HasExited) throw new CannotStartException(proxy.Failed());
            try
            {
                using var answer = await http.GetAsync($"{url}/health/ready", cancellation);
                if (answer.IsSuccessStatusCode) return;
            }
            catch (HttpRequestException)
            {
                // not listening yet
            }
            await Task.Delay(20, cancellation);
        }
        throw new CannotStartException($"the proxy was not ready after 60 s: {url}/health/ready says why\n{proxy.Failed()}");
    }

    /// <summary>What a line of the proxy's log says about a policy set: that an edit is in force, or why it was not taken. Null for any other line.</summary>
    public static string? PolicyNews(string line)
    {
        try
        {
            using var log = JsonDocument.Parse(line);
            var isNews = log.RootElement.TryGetProperty("Category", out var category)
                && category.GetString()!.StartsWith("WorkloadProxy.PolicyDelivery", StringComparison.Ordinal);
            return isNews ? log.RootElement.GetProperty("Message").GetString()!.TrimEnd() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
