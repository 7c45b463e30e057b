using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Sandbox.Cloud;

internal static class SpacesKeys
{
    public static void MapSpacesKeys(this WebApplication app)
    {
        var keys = new ConcurrentQueue<JsonObject>();
        app.MapGet("/v2/spaces/keys", () => Wire.Json(new { keys = keys.ToArray(), links = new { }, meta = new { total = keys.Count } }));
        app.MapPost("/v2/spaces/keys", async (HttpRequest request) =>
        {
            if (await Wire.ReadObject(request) is not { } body) return DigitalOceanError.BadRequest("the body is not a JSON object");
            if (body["name"]?.GetValueKind() != JsonValueKind.String || body["grants"] is not JsonArray grants)
                return DigitalOceanError.Unprocessable("name and grants are required");
            var key = new JsonObject
            {
                ["name"] = body["name"]!.DeepClone(),
                ["access_key"] = "DO00" + RandomNumberGenerator.GetHexString(16),
                ["grants"] = grants.DeepClone(),
                ["created_at"] = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ssZ"),
            };
            keys.Enqueue(key);
            // the secret half is shown once, as in the real API
            var created = (JsonObject)key.DeepClone();
            created["secret_key"] = RandomNumberGenerator.GetHexString(43, lowercase: true);
            return Wire.Json(new { key = created }, 201);
        });
    }
}
