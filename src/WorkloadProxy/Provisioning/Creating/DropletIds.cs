using System.Text.Json;
using WorkloadProxy.Outbound;

namespace WorkloadProxy.Provisioning.Creating;

/// <summary>Which droplets the cloud says that it created: <c>{"droplet":{"id"}}</c>, or with several names <c>{"droplets":[{"id"}]}</c>.</summary>
internal static class DropletIds
{
    private const int MaxDepth = 64;
    private const int MaxDroplets = 100;

    /// <summary>None unless all of the answer is understood.</summary>
    public static IReadOnlyList<string> Read(byte[] answer)
    {
        if (!StrictJson.TryParseObject(answer, MaxDepth, out var json, out string? _)) return [];
        using var document = json;
        var root = json.RootElement;
        if (root.TryGetProperty("droplet", out var one)) return IdOf(one) is { } id ? [id] : [];
        if (!root.TryGetProperty("droplets", out var many) || many.ValueKind != JsonValueKind.Array || many.GetArrayLength() > MaxDroplets) return [];
        var ids = many.EnumerateArray().Select(IdOf).ToList();
        return ids.Contains(null) ? [] : [.. ids.Distinct()!];
    }

    private static string? IdOf(JsonElement droplet) =>
        droplet.ValueKind == JsonValueKind.Object && droplet.TryGetProperty("id", out var id)
        && id.ValueKind == JsonValueKind.Number && id.TryGetInt64(out var number) && number > 0 ? id.GetRawText() : null;
}
