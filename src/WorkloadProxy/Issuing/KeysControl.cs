using System.Text.Json.Nodes;
using WorkloadProxy.Control;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Issuing;

/// <summary>What the control socket does for <c>keys list</c> and <c>keys rotate</c>.</summary>
internal static class KeysControl
{
    public const string ListName = "keys.list", RotateName = "keys.rotate";

    /// <param name="keys">The proxy's own signing keys.</param>
    /// <param name="time">The clock.</param>
    /// <param name="changes">Tells the other replicas; null where no server runs.</param>
    /// <param name="clientKeys">Those that the proxy has as a client, for the list.</param>
    public static IEnumerable<KeyValuePair<string, ControlCommand>> Serve(SigningKeys keys, TimeProvider time, StoreChanges? changes = null,
        Func<JsonArray?>? clientKeys = null) =>
    [
        new(ListName, (_, _) => Task.FromResult<Result<JsonObject>>(Describe(keys, time.GetUtcNow(), clientKeys?.Invoke()))),
        new(RotateName, async (_, cancellationToken) =>
        {
            if (!(await keys.RotateAsync(cancellationToken)).Succeeded(out var key, out var failure)) return failure;
            if (changes is not null) await changes.SettleAsync(SigningKeys.Topic, cancellationToken);
            return new JsonObject { ["key"] = Describe(key, keys, time.GetUtcNow()) };
        }),
    ];

    private static JsonObject Describe(SigningKeys keys, DateTimeOffset now, JsonArray? clientKeys)
    {
        var listed = new JsonObject { ["keys"] = new JsonArray([.. keys.Keys.Select(key => Describe(key, keys, now))]) };
        if (clientKeys is not null) listed["client_keys"] = clientKeys;
        return listed;
    }

    private static JsonObject Describe(SigningKey key, SigningKeys keys, DateTimeOffset now) => new()
    {
        ["kid"] = key.Id,
        ["alg"] = key.Algorithm,
        ["state"] = key == keys.Current(now) ? "signing" : key.SignsFrom > now ? "next" : "retired",
        ["published"] = Rfc3339.Text(key.Published),
        ["signs_from"] = Rfc3339.Text(key.SignsFrom),
    };
}
