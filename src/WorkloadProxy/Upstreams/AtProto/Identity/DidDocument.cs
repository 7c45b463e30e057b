using System.Text.Json;
using WorkloadProxy.Outbound;

namespace WorkloadProxy.Upstreams.AtProto.Identity;

/// <summary>What a DID's document says: the origin of the account's server, and the handle that the account calls its own (null: none).</summary>
internal sealed record DidDocument(string Pds, string? Handle)
{
    private const int MaxDepth = 16;
    private const string ServiceId = "#atproto_pds", ServiceType = "AtprotoPersonalDataServer", HandleScheme = "at://";

    /// <summary>Null, and why, unless it is the document of <paramref name="did"/> and names a server.</summary>
    public static DidDocument? Parse(ReadOnlyMemory<byte> json, Did did, out string? problem)
    {
        if (!StrictJson.TryParseObject(json, MaxDepth, out var document, out problem)) return null;
        using (document)
        {
            var root = document.RootElement;
            if (Text(root, "id") != did.Text) problem = "belongs to another DID";
            else if (!TryFindPds(root, did, out var endpoint)) problem = "names no personal data server";
            else if (!Origin.TryParse(endpoint, out var pds))
                problem = "names a personal data server whose address is not an origin, such as `https://pds.example.com`";
            else return new DidDocument(pds, HandleOf(root));
            return null;
        }
    }

    /// <summary>The first service of that id decides, whatever comes after it.</summary>
    private static bool TryFindPds(JsonElement root, Did did, out string? endpoint)
    {
        endpoint = null;
        if (!root.TryGetProperty("service", out var services) || services.ValueKind != JsonValueKind.Array) return false;
        foreach (var service in services.EnumerateArray())
        {
            if (service.ValueKind != JsonValueKind.Object || Text(service, "id") is not { } id || (id != ServiceId && id != did.Text + ServiceId)) continue;
            endpoint = Text(service, "serviceEndpoint");
            return Text(service, "type") == ServiceType && endpoint is not null;
        }
        return false;
    }

    private static string? HandleOf(JsonElement root)
    {
        if (!root.TryGetProperty("alsoKnownAs", out var aliases) || aliases.ValueKind != JsonValueKind.Array) return null;
        foreach (var alias in aliases.EnumerateArray())
        {
            if (alias.ValueKind == JsonValueKind.String && alias.GetString() is { } text && text.StartsWith(HandleScheme, StringComparison.Ordinal))
                return text[HandleScheme.Length..].ToLowerInvariant();
        }
        return null;
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
