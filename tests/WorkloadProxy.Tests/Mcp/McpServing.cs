using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Mcp;

/// <summary>One proxy for all facts of a class that change nothing of it.</summary>
public sealed class McpServing : IAsyncLifetime
{
    public const string Page = "https://app.example";

    internal TestProxy Proxy { get; private set; } = null!;

    public async ValueTask InitializeAsync() =>
        Proxy = await McpProxy.StartAsync(configure: server => server with { Origins = [Page], MaxMessage = 4096, MaxAnswer = 2 * 1024 * 1024 },
            with: options => options with
                { Policies = [.. options.Policies, new PolicySourceOptions(new AuthContext("Notes", "team"), Directory: options.Policies[0].Directory)] });

    public ValueTask DisposeAsync() => Proxy.DisposeAsync();
}
