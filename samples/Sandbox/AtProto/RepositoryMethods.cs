using System.Text.Json;
using System.Text.Json.Nodes;

namespace Sandbox.AtProto;

/// <summary><c>com.atproto.repo.*</c>: reading is anyone's, writing is for a session of the account.</summary>
internal static class RepositoryMethods
{
    private const string Writes = "com.atproto.repo.applyWrites#";

    public static void Map(Xrpc xrpc, PersonalDataServer server)
    {
        xrpc.Procedure("com.atproto.repo.createRecord", Writer(server, body => [Write("create", body, "record")]));
        xrpc.Procedure("com.atproto.repo.putRecord", Writer(server, body => [Write("update", body, "record")]));
        xrpc.Procedure("com.atproto.repo.deleteRecord", Writer(server, body => [Write("delete", body, "record")]));
        xrpc.Procedure("com.atproto.repo.applyWrites", Writer(server, Many));
        xrpc.Procedure("com.atproto.repo.uploadBlob", Xrpc.Private(server, UploadAsync));
        xrpc.Query("com.atproto.repo.getRecord", context => Task.FromResult(Get(server, context.Request.Query)));
        xrpc.Query("com.atproto.repo.listRecords", context => Task.FromResult(List(server, context.Request.Query)));
        xrpc.Query("com.atproto.repo.describeRepo", context => Task.FromResult<IResult?>(server.Find(context.Request.Query["repo"]) is { } found
            ? Results.Json(new { handle = found.Handle, did = found.Did, didDoc = found.Document(), collections = Array.Empty<string>(),
                handleIsCorrect = true })
            : Xrpc.Error(400, "RepoNotFound", "Could not find repo")));
    }

    private static Func<HttpContext, Task<IResult?>> Writer(PersonalDataServer server, Func<JsonObject, List<RepositoryWrite?>> read) =>
        Xrpc.Private(server, async (context, caller) =>
    {
        if (await Xrpc.Body(context) is not { } body) return Xrpc.Error(400, "InvalidRequest", "Input must be a JSON object");
        var writes = read(body);
        if (writes.Contains(null)) return Xrpc.Error(400, "InvalidRequest", "Input does not match the method's schema");
        var repo = body["repo"]?.ToString();
        if (!caller.Account.Is(repo))
            return server.Find(repo) is null ? Xrpc.Error(403, "AccountNotFound", "Account not found") : Xrpc.Error(401, "AuthenticationRequired",
                "Authentication Required");
        foreach (var write in writes)
        {
            if (write!.Value is { } value && value["$type"] is { } type && type.ToString() != write.Collection)
                return Xrpc.Error(400, "InvalidRequest", $"Invalid $type: expected {write.Collection}, got {type}");
            write.Value?.TryAdd("$type", write.Collection);
            if (caller.Scopes is { } scopes && !Scopes.MayWrite(scopes, write.Action, write.Collection))
                return Xrpc.Error(403, "ScopeMissingError", $"Missing required scope \"repo:{write.Collection}?action={write.Action}\"");
        }
        if (caller.Account.Repository.Write([.. writes.OfType<RepositoryWrite>()]) is not { } written)
            return Xrpc.Error(400, "InvalidRequest", "Record already exists");
        var commit = new { cid = Repository.Cid(Guid.NewGuid().ToByteArray()), rev = Repository.NewKey() };
        server.Firehose.Publish(caller.Account.Did, commit.rev, [.. writes.OfType<RepositoryWrite>()]);
        if (writes.Count == 1 && body["writes"] is null)
            return written[0] is { } record ? Results.Json(new { uri = Uri(caller.Account, record), cid = record.Cid, commit, validationStatus = "unknown" })
                : Results.Json(new { commit });
        return Results.Json(new
            { commit, results = written.Select(record => record is null
                ? (object)new { } : new { uri = Uri(caller.Account, record), cid = record.Cid, validationStatus = "unknown" }) });
    });

    private static RepositoryWrite? Write(string action, JsonObject body, string value)
    {
        if (body["collection"]?.ToString() is not { Length: > 0 } collection) return null;
        var record = action == "delete" ? null : body[value]?.DeepClone() as JsonObject;
        var key = body["rkey"]?.ToString();
        if (action != "delete" && record is null) return null;
        return action != "create" && key is null ? null : new(action, collection, key ?? Repository.NewKey(), record);
    }

    /// <summary>Of applyWrites, whose elements say what they are by their <c>$type</c>, exactly; null among them is one that doesn't.</summary>
    private static List<RepositoryWrite?> Many(JsonObject body) => body["writes"] is not JsonArray writes ? [null] : [.. writes.Select(write =>
        write is JsonObject one && one["$type"]?.ToString() is { } type && type.StartsWith(Writes, StringComparison.Ordinal)
        && type[Writes.Length..] is "create" or "update" or "delete"
            ? Write(one["$type"]!.ToString()[Writes.Length..], one, "value")
            : null)];

    private static async Task<IResult?> UploadAsync(HttpContext context, XrpcCaller caller)
    {
        var type = context.Request.ContentType ?? "*/*";
        if (caller.Scopes is { } scopes && !Scopes.MayUpload(scopes, type))
            return Xrpc.Error(403, "ScopeMissingError", $"Missing required scope \"blob:{type}\"");
        using var hash = System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
        var buffer = new byte[64 * 1024];
        var size = 0L;
        for (int read; (read = await context.Request.Body.ReadAsync(buffer, context.RequestAborted)) > 0; size += read) hash.AppendData(buffer, 0, read);
        var link = new Dictionary<string, object> { ["$link"] = Repository.Cid(hash.GetHashAndReset()) };
        return Results.Json(new { blob = new Dictionary<string, object> { ["$type"] = "blob", ["ref"] = link, ["mimeType"] = type, ["size"] = size } });
    }

    private static IResult? Get(PersonalDataServer server, IQueryCollection query) =>
        server.Find(query["repo"]) is { } account && account.Repository.Find(query["collection"].ToString(), query["rkey"].ToString()) is { } record
            ? Results.Json(new { uri = Uri(account, record), cid = record.Cid, value = record.Value })
            : Xrpc.Error(400, "RecordNotFound", "Could not locate record");

    private static IResult? List(PersonalDataServer server, IQueryCollection query) => server.Find(query["repo"]) is { } account
        ? Results.Json(new { records = account.Repository.List(query["collection"].ToString()).Take(100)
            .Select(record => new { uri = Uri(account, record), cid = record.Cid, value = record.Value }) })
        : Xrpc.Error(400, "InvalidRequest", $"Could not find repo: {query["repo"]}");

    private static string Uri(AtProtoAccount account, RepositoryRecord record) => $"at://{account.Did}/{record.Collection}/{record.Key}";
}
