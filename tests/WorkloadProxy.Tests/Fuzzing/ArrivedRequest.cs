namespace WorkloadProxy.Tests.Fuzzing;

/// <summary>A request as the upstream read it, with all of its bytes as Latin-1, and the number of the connection that it came over.</summary>
internal sealed record ArrivedRequest(int Connection, string Method, string Target, IReadOnlyList<(string Name, string Value)> Fields, byte[] Body,
    string Bytes)
{
    /// <summary>Names of HTTP/2 are in lower case.</summary>
    public bool IsHttp2 { get; init; }

    public string? Single(string name) => Fields.SingleOrDefault(field => field.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;

    public IEnumerable<string> All(string name) =>
        Fields.Where(field => field.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(field => field.Value);
}
