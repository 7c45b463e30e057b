using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Sandbox.Cloud;

/// <summary>A build as it was asked for.</summary>
public sealed record DepotBuild(string Id, string Project, string Token)
{
    public bool IsFinished { get; set; }
}

/// <summary>
/// Depot's API as far as starting a build and tokens of a project go: Connect, in JSON or protobuf. The organization's token may do all, a project's start its
/// builds, a build's tell of the build.
/// </summary>
public sealed class Depot(SandboxOptions options)
{
    private readonly ConcurrentDictionary<string, (string Id, string Project)> projectTokens = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, DepotBuild> builds = new(StringComparer.Ordinal);

    /// <summary>The ids of the project tokens that are good now.</summary>
    public IReadOnlyCollection<string> ProjectTokens => [.. projectTokens.Values.Select(token => token.Id)];

    /// <summary>The id of each project token that is deleted, as it happens.</summary>
    public event Action<string>? TokenDeleted;

    public IReadOnlyCollection<DepotBuild> Builds => [.. builds.Values];

    /// <summary><c>depot.core.v1.ProjectService/CreateToken</c></summary>
    internal async Task<IResult> CreateTokenAsync(HttpRequest request)
    {
        if (Bearer(request) != options.DepotToken) return Error(401, "unauthenticated", "the token is not the organization's");
        var body = await JsonNode.ParseAsync(request.Body);
        if (body?["projectId"]?.GetValue<string>() is not { Length: > 0 } project) return Error(400, "invalid_argument", "a project is missing");
        var (id, secret) = (NewText("tok_"), NewText("depot_project_"));
        projectTokens[secret] = (id, project);
        return Results.Json(new { tokenId = id, secret });
    }

    /// <summary><c>depot.core.v1.ProjectService/DeleteToken</c></summary>
    internal async Task<IResult> DeleteTokenAsync(HttpRequest request)
    {
        if (Bearer(request) != options.DepotToken) return Error(401, "unauthenticated", "the token is not the organization's");
        var id = (await JsonNode.ParseAsync(request.Body))?["tokenId"]?.GetValue<string>();
        var found = projectTokens.FirstOrDefault(token => token.Value.Id == id).Key;
        if (found is null || !projectTokens.TryRemove(found, out var deleted)) return Error(404, "not_found", "no such token");
        TokenDeleted?.Invoke(deleted.Id);
        return Results.Json(new { });
    }

    /// <summary><c>depot.cli.v1.BuildService/CreateBuild</c>: the project is field 1, of the answer the build's id is field 1 and its token field 2.</summary>
    internal async Task<IResult> CreateBuildAsync(HttpRequest request)
    {
        var bearer = Bearer(request);
        var isProto = request.ContentType == "application/proto";
        using var content = new MemoryStream();
        await request.Body.CopyToAsync(content);
        var project = isProto ? FirstText(content.ToArray()) : JsonNode.Parse(content.ToArray())?["projectId"]?.GetValue<string>();
        if (string.IsNullOrEmpty(project)) return Error(400, "invalid_argument", "a project is missing");
        if (bearer != options.DepotToken && !(projectTokens.TryGetValue(bearer, out var token) && token.Project == project))
            return Error(403, "permission_denied", "the token is not good for this project");
        var build = new DepotBuild(NewText("bld_"), project, NewText("depot_build_"));
        builds[build.Token] = build;
        return isProto ? Results.Bytes([.. TextField(1, build.Id), .. TextField(2, build.Token)], "application/proto")
            : Results.Json(new { buildId = build.Id, buildToken = build.Token });
    }

    /// <summary>What a build's own token is for: health, status, the end.</summary>
    internal IResult OfBuild(HttpRequest request, string method)
    {
        if (!builds.TryGetValue(Bearer(request), out var build)) return Error(401, "unauthenticated", "the token is not a build's");
        if (method == "FinishBuild") build.IsFinished = true;
        return request.ContentType == "application/proto" ? Results.Bytes([], "application/proto") : Results.Json(new { });
    }

    private static string NewText(string prefix) => prefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));

    private static string Bearer(HttpRequest request) =>
        request.Headers.Authorization.ToString() is var value && value.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? value[7..] : "";

    private static IResult Error(int status, string code, string message) => Results.Json(new { code, message }, statusCode: status);

    /// <summary>Field 1 of a message whose other fields come after it.</summary>
    private static string? FirstText(byte[] message) =>
        message is [10, var length, ..] && length < 128 && message.Length >= length + 2 ? Encoding.UTF8.GetString(message, 2, length) : null;

    private static byte[] TextField(int number, string text) => [(byte)((number << 3) | 2), (byte)text.Length, .. Encoding.UTF8.GetBytes(text)];
}

internal static class DepotEndpoints
{
    public const string Prefix = "/depot.";

    public static void MapDepot(this WebApplication app, Depot depot)
    {
        app.MapPost("/depot.core.v1.ProjectService/CreateToken", depot.CreateTokenAsync);
        app.MapPost("/depot.core.v1.ProjectService/DeleteToken", depot.DeleteTokenAsync);
        app.MapPost("/depot.cli.v1.BuildService/CreateBuild", depot.CreateBuildAsync);
        app.MapPost("/depot.cli.v1.BuildService/{method}", depot.OfBuild);
        app.MapGet("/_sandbox/depot",
            () => Results.Json(new { tokens = depot.ProjectTokens, builds = depot.Builds.Select(build => new { build.Id, build.Project, build.IsFinished }) }));
    }
}
