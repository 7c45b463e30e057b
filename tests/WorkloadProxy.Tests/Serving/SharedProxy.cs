namespace WorkloadProxy.Tests.Serving;

/// <summary>
/// One running server for the tests of a class that don't disturb each other: what is theirs they find by paths and request ids of their own.
/// </summary>
public sealed class SharedProxy : IAsyncLifetime
{
    internal TestProxy Proxy { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Proxy = await TestProxy.StartAsync();

    public ValueTask DisposeAsync() => Proxy.DisposeAsync();
}
