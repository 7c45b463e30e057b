namespace WorkloadProxy.Forwarding;

/// <summary>The connections of one context to one upstream, or of users' own tokens to it.</summary>
internal sealed class ConnectionPool(Func<HttpMessageInvoker> open) : IDisposable
{
    private readonly Lazy<HttpMessageInvoker> invoker = new(open);
    private volatile bool used;

    public HttpMessageInvoker Use()
    {
        // read first: a line of memory that every request writes to would travel between the processors
        if (!used) used = true;
        return invoker.Value;
    }

    /// <summary>Whether nobody has used it since the last call.</summary>
    public bool IsIdle()
    {
        var idle = !used;
        used = false;
        return idle;
    }

    public void Dispose()
    {
        if (invoker.IsValueCreated) invoker.Value.Dispose();
    }
}
