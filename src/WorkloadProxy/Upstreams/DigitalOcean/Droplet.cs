using System.Net;
using System.Text.Json;

namespace WorkloadProxy.Upstreams.DigitalOcean;

/// <summary>What the API says of a droplet, as far as it matters here.</summary>
internal sealed record Droplet(IReadOnlyList<string> Tags, IReadOnlyList<IPAddress> PublicAddresses, IReadOnlyList<IPAddress> PrivateAddresses)
{
    private const int MaxTags = 1000;
    private const int MaxAddresses = 16;

    /// <summary>The droplet <paramref name="id"/> in the answer to <c>GET /v2/droplets/{id}</c>; null for any other text.</summary>
    public static Droplet? Read(JsonElement root, string id)
    {
        if (!root.TryGetProperty("droplet", out var droplet) || droplet.ValueKind != JsonValueKind.Object) return null;
        if (!droplet.TryGetProperty("id", out var number) || number.ValueKind != JsonValueKind.Number || number.GetRawText() != id) return null;
        if (!droplet.TryGetProperty("tags", out var tags) || tags.ValueKind != JsonValueKind.Array || tags.GetArrayLength() > MaxTags) return null;
        if (tags.EnumerateArray().Any(tag => tag.ValueKind != JsonValueKind.String)) return null;
        return new Droplet([.. tags.EnumerateArray().Select(tag => tag.GetString()!)], Addresses(droplet, "public"), Addresses(droplet, "private"));
    }

    private static List<IPAddress> Addresses(JsonElement droplet, string type)
    {
        var found = new List<IPAddress>();
        if (!droplet.TryGetProperty("networks", out var networks) || networks.ValueKind != JsonValueKind.Object) return found;
        foreach (var version in (ReadOnlySpan<string>)["v4", "v6"])
        {
            if (!networks.TryGetProperty(version, out var list) || list.ValueKind != JsonValueKind.Array) continue;
            foreach (var network in list.EnumerateArray())
            {
                if (found.Count == MaxAddresses) return found;
                if (Text(network, "type") == type && IPAddress.TryParse(Text(network, "ip_address"), out var address)) found.Add(address);
            }
        }
        return found;
    }

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
        ? value.GetString() : null;
}
