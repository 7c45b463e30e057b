using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Mcp;

namespace WorkloadProxy.Policies;

/// <summary>
/// What a server offered when somebody listed it: names and arguments. Read from the result of <c>tools/list</c> (a whole answer, its result, or the bare
/// array), or from an object that holds <c>tools</c> and <c>prompts</c>. With <c>server</c> it speaks of that server's rules alone.
/// </summary>
public sealed class McpCatalog
{
    private readonly string? server;
    private readonly ImmutableDictionary<McpKind, ImmutableArray<(string Name, ImmutableHashSet<string>? Arguments)>> items;

    private McpCatalog(string? server, ImmutableDictionary<McpKind, ImmutableArray<(string, ImmutableHashSet<string>?)>> items) =>
        (this.server, this.items) = (server, items);

    /// <summary>Reads a catalog; false with what is wrong.</summary>
    public static bool TryParse(ReadOnlyMemory<byte> utf8, [NotNullWhen(true)] out McpCatalog? catalog, [NotNullWhen(false)] out string? error)
    {
        catalog = null;
        if (!RequestBody.TryParseJson(utf8, out var body, out var fault))
        {
            error = fault!;
            return false;
        }
        var root = body.Json;
        if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("result", out var result)) root = result;
        var items = ImmutableDictionary.CreateBuilder<McpKind, ImmutableArray<(string, ImmutableHashSet<string>?)>>();
        if (root.ValueKind == JsonValueKind.Array) items.Add(McpKind.Tool, Items(root, McpKind.Tool));
        if (List(root, "tools") is { } tools) items.Add(McpKind.Tool, Items(tools, McpKind.Tool));
        if (List(root, "prompts") is { } prompts) items.Add(McpKind.Prompt, Items(prompts, McpKind.Prompt));
        if (items.Count == 0)
        {
            error = "expected the result of `tools/list`, for instance `{\"tools\": [{\"name\": \"droplet-list\", \"inputSchema\": {…}}]}`";
            return false;
        }
        catalog = new(Text(root, "server"), items.ToImmutable());
        error = null;
        return true;
    }

    /// <summary>A warning for each rule that matches nothing in the catalog, and for each argument that nothing it matches has.</summary>
    public ImmutableArray<Diagnostic> Check(PolicySet set) =>
        [.. set.Policies.SelectMany(policy => policy.Mcp).Where(block => server is null || block.Server == server || block.Server == "*")
            .SelectMany(block => block.Rules).SelectMany(Check)];

    private IEnumerable<Diagnostic> Check(McpRule rule)
    {
        // whom a claim stands for isn't known here
        if (!items.TryGetValue(rule.Kind, out var offered) || rule.Pattern.IsTemplated) yield break;
        var matched = offered.Where(item => rule.IsDeny ? rule.Pattern.Denies(item.Name) : rule.Pattern.Permits(item.Name)).ToList();
        // a wide deny is there for what a server may add; one with a name written out is a misspelling
        if (matched.Count == 0 && !(rule.IsDeny && !rule.Pattern.IsExact)) yield return McpDiagnostics.NotInCatalog(rule);
        if (matched.Count == 0 || matched.Any(item => item.Arguments is null)) yield break;
        var named = (rule.Allowed?.Body?.Members.Select(member => member.Name) ?? [])
            .Concat(rule.Denied?.Body.Values.Keys.Order(StringComparer.Ordinal) ?? Enumerable.Empty<string>());
        foreach (var name in named.Distinct(StringComparer.Ordinal))
        {
            if (!matched.Any(item => item.Arguments!.Contains(name))) yield return McpDiagnostics.ArgumentNotInCatalog(rule, name, matched);
        }
    }

    private static ImmutableArray<(string, ImmutableHashSet<string>?)> Items(JsonElement list, McpKind kind) =>
        [.. list.EnumerateArray().Where(item => Text(item, "name") is not null)
            .Select(item => (Text(item, "name")!, kind == McpKind.Tool ? OfSchema(item) : OfPrompt(item)))];

    /// <summary>Null where the schema says nothing of names, or takes any.</summary>
    private static ImmutableHashSet<string>? OfSchema(JsonElement tool)
    {
        if (!tool.TryGetProperty("inputSchema", out var schema) || schema.ValueKind != JsonValueKind.Object) return null;
        // composed schemas may name arguments anywhere
        if (schema.EnumerateObject().Any(member => member.Name is "$ref" or "allOf" or "anyOf" or "oneOf" or "patternProperties"
            || member is { Name: "additionalProperties", Value.ValueKind: not JsonValueKind.False }))
            return null;
        return schema.TryGetProperty("properties", out var properties) && properties.ValueKind == JsonValueKind.Object
            ? [.. properties.EnumerateObject().Select(property => property.Name)] : [];
    }

    private static ImmutableHashSet<string> OfPrompt(JsonElement prompt) =>
        List(prompt, "arguments") is { } arguments ? [.. arguments.EnumerateArray().Select(one => Text(one, "name")).OfType<string>()] : [];

    private static JsonElement? List(JsonElement holder, string name) =>
        holder.ValueKind == JsonValueKind.Object && holder.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array ? list : null;

    private static string? Text(JsonElement holder, string name) =>
        holder.ValueKind == JsonValueKind.Object && holder.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String
        ? text.GetString() : null;
}
