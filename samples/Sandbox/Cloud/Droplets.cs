using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Sandbox.Cloud;

/// <summary>Droplets that exist on paper: enough for doctl and for the proxy's provisioning to create, list, look up and destroy.</summary>
internal static class Droplets
{
    public static void MapDroplets(this WebApplication app)
    {
        var droplets = new ConcurrentDictionary<int, JsonObject>();
        var userData = new ConcurrentDictionary<int, string>();
        var last = 3164443;

        // what the droplet's own metadata service would say, and changes that are made in the control panel
        app.MapGet("/_sandbox/droplets/{id:int}/user-data", (int id) => userData.TryGetValue(id, out var text)
            ? Results.Text(text) : DigitalOceanError.NotFound);
        app.MapPut("/_sandbox/droplets/{id:int}", async (int id, HttpRequest request) =>
        {
            if (!droplets.TryGetValue(id, out var droplet)) return DigitalOceanError.NotFound;
            if (await Wire.ReadObject(request) is not { } body) return DigitalOceanError.BadRequest("the body is not a JSON object");
            var changed = (JsonObject)droplet.DeepClone();
            foreach (var (name, value) in body) changed[name] = value?.DeepClone();
            droplets[id] = changed;
            return Results.NoContent();
        });

        app.MapGet("/v2/droplets", (HttpRequest request) =>
        {
            var tag = request.Query["tag_name"].ToString();
            var found = droplets.OrderBy(d => d.Key).Select(d => d.Value).Where(d => tag.Length == 0 || d["tags"]!.AsArray().Any(t => t!.ToString() == tag))
                .ToArray();
            return Wire.Json(new { droplets = found, links = new { }, meta = new { total = found.Length } });
        });
        app.MapGet("/v2/droplets/{id:int}", (int id) => droplets.TryGetValue(id, out var droplet) ? Wire.Json(new { droplet }) : DigitalOceanError.NotFound);
        app.MapDelete("/v2/droplets/{id:int}", (int id) => droplets.TryRemove(id, out _) ? Results.NoContent() : DigitalOceanError.NotFound);
        app.MapPost("/v2/droplets", async (HttpRequest request) =>
        {
            if (await Wire.ReadObject(request) is not { } body) return DigitalOceanError.BadRequest("the body is not a JSON object");
            var names = body["names"] is JsonArray many ? many.Select(n => n?.ToString() ?? "").ToArray() : body["name"] is { } one ? [one.ToString()] : [];
            if (names.Length == 0 || names.Contains("")) return DigitalOceanError.Unprocessable("Name can't be blank");
            if (body["region"] is null || body["size"] is null || body["image"] is null)
                return DigitalOceanError.Unprocessable("You must specify a region, a size and an image.");
            if (body["user_data"]?.ToString().Length > 64 * 1024) return DigitalOceanError.Unprocessable("User data can't be longer than 64 KiB.");

            var created = names.Select(name =>
            {
                var id = Interlocked.Increment(ref last);
                if (body["user_data"] is { } text) userData[id] = text.ToString();
                return droplets[id] = New(id, name, body);
            }).ToArray();
            var actions = created.Select((d, i) => new { id = 7515 + i, rel = "create", href = $"https://api.digitalocean.com/v2/actions/{7515 + i}" });
            return body["names"] is null
            ? Wire.Json(new { droplet = created[0], links = new { actions } }, 202) : Wire.Json(new { droplets = created, links = new { actions } }, 202);
        });
    }

    private static JsonObject New(int id, string name, JsonObject body) => new()
    {
        ["id"] = id,
        ["name"] = name,
        ["memory"] = 1024,
        ["vcpus"] = 1,
        ["disk"] = 25,
        ["locked"] = false,
        ["status"] = "new",
        ["created_at"] = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ssZ"),
        ["features"] = new JsonArray(),
        ["backup_ids"] = new JsonArray(),
        ["snapshot_ids"] = new JsonArray(),
        ["volume_ids"] = new JsonArray(),
        ["image"] = new JsonObject { ["slug"] = body["image"]!.DeepClone() },
        ["region"] = new JsonObject { ["slug"] = body["region"]!.DeepClone() },
        ["size_slug"] = body["size"]!.DeepClone(),
        ["networks"] = JsonNode.Parse("""{"v4":[{"ip_address":"127.0.0.1","netmask":"255.0.0.0","gateway":"127.0.0.1","type":"public"}],"v6":[]}"""),
        ["tags"] = body["tags"] is JsonArray tags ? tags.DeepClone() : new JsonArray(),
    };
}
