using System.Text.Json;
using System.Text.Json.Nodes;
using WorkloadProxy.Policies;

namespace WorkloadProxy.GitHosting;

/// <summary>What access changes from one set to the next, in a line for each role and rule.</summary>
internal static class AccessChanges
{
    private const int MaxLines = 60;

    public static IReadOnlyList<string> Between(PolicySet? before, PolicySet after)
    {
        var (old, now) = (Describe(before), Describe(after));
        var lines = new List<string>();
        foreach (var name in old.Keys.Union(now.Keys).Order(StringComparer.Ordinal))
        {
            var (was, be) = (old.GetValueOrDefault(name), now.GetValueOrDefault(name));
            if (was is null || be is null)
            {
                lines.Add(was is null ? $"  + role `{name}`" : $"  - role `{name}`");
                lines.AddRange((was ?? be)!.Rules.Select(rule => $"      {(was is null ? '+' : '-')} {rule.Key}"));
                continue;
            }
            var changed = was.Rules.Keys.Except(be.Rules.Keys).Select(rule => $"      - {rule}")
                .Concat(be.Rules.Keys.Except(was.Rules.Keys).Select(rule => $"      + {rule}"))
                .Concat(be.Rules.Where(rule => was.Rules.TryGetValue(rule.Key, out var text) && text != rule.Value).Select(rule => $"      ~ {rule.Key}")).ToList();
            if (was.Identity == be.Identity && changed.Count == 0) continue;
            lines.Add(was.Identity == be.Identity ? $"  ~ role `{name}`" : $"  ~ role `{name}`: other conditions");
            lines.AddRange(changed);
        }
        if (lines.Count == 0) return ["access: no change"];
        var shown = lines.Take(MaxLines).Prepend("access:");
        return [.. lines.Count > MaxLines ? shown.Append($"  … and {lines.Count - MaxLines} more lines") : shown];
    }

    private static Dictionary<string, Access> Describe(PolicySet? set)
    {
        if (set is null) return [];
        var json = ToJson(set);
        var rules = new Dictionary<string, Dictionary<string, string>>(StringComparer.Ordinal);
        foreach (var policy in json["policies"]!.AsArray())
        {
            var described = rules[policy!["name"]!.ToString()] = new(StringComparer.Ordinal);
            foreach (var rule in policy["rules"]!.AsArray())
            {
                var key = $"{string.Join(", ", rule!["capabilities"]!.AsArray().Select(capability => capability!.ToString()))} {rule["path"]}";
                described[key] = described.GetValueOrDefault(key) + WithoutPlaces(rule);
            }
        }
        return json["roles"]!.AsArray().ToDictionary(role => role!["name"]!.ToString(), role =>
        {
            var granted = role!["policies"]!.AsArray().Select(policy => policy is JsonObject ? policy["name"]!.ToString() : policy!.ToString()).Where(rules.ContainsKey)
                .SelectMany(policy => rules[policy]).GroupBy(rule => rule.Key, StringComparer.Ordinal).ToDictionary(rule => rule.Key, rule => string.Concat(rule.Select(same => same.Value)), StringComparer.Ordinal);
            role.AsObject().Remove("policies");
            role.AsObject().Remove("description");
            return new Access(WithoutPlaces(role), granted);
        }, StringComparer.Ordinal);
    }

    public static JsonObject ToJson(PolicySet set)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream)) PolicySetJson.Write(writer, set);
        return JsonNode.Parse(stream.ToArray())!.AsObject();
    }

    private static string WithoutPlaces(JsonNode node)
    {
        var copy = node.DeepClone().AsObject();
        foreach (var name in new[] { "file", "line", "column", "range", "place" }) copy.Remove(name);
        return copy.ToJsonString();
    }

    private sealed record Access(string Identity, Dictionary<string, string> Rules);
}
