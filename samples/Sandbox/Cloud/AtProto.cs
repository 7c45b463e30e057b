using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Sandbox.Cloud;

/// <summary>One account's personal data server, as far as writing a record goes.</summary>
internal static class AtProto
{
    public static void MapAtProto(this WebApplication app, SandboxOptions options) =>
        app.MapPost("/xrpc/com.atproto.repo.createRecord", async (HttpRequest request) =>
    {
        if (await Wire.ReadObject(request) is not { } body || body["collection"] is null || body["record"] is not JsonObject)
        {
            return Wire.Json(new { error = "InvalidRequest", message = "Input must have the properties \"repo\", \"collection\" and \"record\"" }, 400);
        }
        var key = RandomNumberGenerator.GetString("234567abcdefghijklmnopqrstuvwxyz", 13);
        var cid = "bafyrei" + RandomNumberGenerator.GetString("234567abcdefghijklmnopqrstuvwxyz", 52);
        return Results.Json(new
        {
            uri = $"at://{body["repo"]?.ToString() ?? options.AtProtoDid}/{body["collection"]}/{key}",
            cid,
            commit = new { cid, rev = key },
            validationStatus = "valid",
        });
    });
}
