using System.Text.Json;
using WorkloadProxy.Policies.Deciding;

namespace WorkloadProxy.Policies;

/// <summary>What a caller wants of a server, as rules see it.</summary>
public sealed class McpRequest
{
    private RequestBody? arguments;

    /// <summary>Which kind of rule decides.</summary>
    public required McpKind Kind { get; init; }
    /// <summary>The tool's or prompt's name, the URI, or the method.</summary>
    public required string Name { get; init; }
    /// <summary>The JSON-RPC method.</summary>
    public required string Method { get; init; }
    /// <summary>When it is decided.</summary>
    public required DateTimeOffset Now { get; init; }
    /// <summary>
    /// <c>params.arguments</c> as UTF-8 JSON that was found unambiguous; empty if there are none, which counts as <c>{}</c>. Parsed only if a rule asks.
    /// </summary>
    public ReadOnlyMemory<byte> Arguments { get; init; }
    /// <summary>The same where it was parsed already and found unambiguous; it goes before <see cref="Arguments"/>.</summary>
    public JsonElement Parsed { get; init; }
    /// <summary>What is asked is whether a list shows it: arguments are not known yet, and what rules say of them counts as true.</summary>
    public bool IsListing { get; init; }

    /// <summary>What deciding on it may cost, over all rules.</summary>
    internal StepBudget Steps { get; } = new();

    internal RequestBody Body => arguments ??= Parsed.ValueKind != JsonValueKind.Undefined ? RequestBody.Of(Parsed)
        : Arguments.IsEmpty ? RequestBody.Absent : RequestBody.Of(JsonElement.Parse(Arguments.Span));
}
