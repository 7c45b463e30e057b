namespace WorkloadProxy.Requests;

/// <summary>
/// ASP.NET's <c>AllowedHosts</c> with its meaning (a list by <c>;</c>, <c>*.example.com</c> for what lies below, ports don't count), but as a refusal like any
/// other: the framework's own filter answers with a page and leaves no record.
/// </summary>
internal sealed class AllowedHosts
{
    private readonly string[] names;

    public AllowedHosts(string? setting)
    {
        names = setting?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
        if (names.Any(name => name is "*" or "[::]" or "0.0.0.0")) names = [];
    }

    /// <summary>Null when the request may be for this host. A request without one (HTTP/1.0) may.</summary>
    public Failure? Check(HttpRequest request)
    {
        if (names.Length == 0 || !request.Host.HasValue) return null;
        var host = request.Host.Host;
        foreach (var name in names)
        {
            if (name.StartsWith("*.", StringComparison.Ordinal)
                ? host.Length > name.Length - 1 && host.EndsWith(name[1..], StringComparison.OrdinalIgnoreCase)
                : host.Equals(new HostString(name).Host, StringComparison.OrdinalIgnoreCase)) return null;
        }
        return new Failure(ErrorId.BadRequest, "the `Host` is not in `AllowedHosts`");
    }
}
