using System.Text.Json;
using System.Text.Json.Nodes;
using WorkloadProxy.Control;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;
using WorkloadProxy.Tokens;
using WorkloadProxy.Upstreams.AtProto.Client;
using WorkloadProxy.Upstreams.AtProto.Sessions;

namespace WorkloadProxy.Server;

/// <summary>What the control socket does for <c>keys rotate --client</c>, <c>keys revoke</c> and <c>credentials disconnect</c>.</summary>
internal static class AccountControl
{
    public const string RotateName = "keys.rotate.client", RevokeName = "keys.revoke", DisconnectName = "credentials.disconnect";

    /// <param name="atproto">The upstream of accounts, if there is one.</param>
    /// <param name="signIn">Takes back what was given.</param>
    /// <param name="time">The clock.</param>
    /// <param name="changes">Tells the other replicas; null where no server runs.</param>
    public static IEnumerable<KeyValuePair<string, ControlCommand>> Serve(AtProtoParts? atproto, SignInSetup signIn, TimeProvider time,
        StoreChanges? changes = null)
    {
        var keys = atproto?.SessionParts?.Keys;
        return
        [
            new(RotateName, async (_, cancellationToken) =>
            {
                if (keys is null) return NoKeys();
                if (!(await keys.RotateAsync(cancellationToken)).Succeeded(out var key, out var failure)) return failure;
                if (changes is not null) await changes.SettleAsync(ClientKeys.Topic, cancellationToken);
                return new JsonObject { ["key"] = Describe(key, keys, time.GetUtcNow()) };
            }),
            new(RevokeName, async (arguments, cancellationToken) =>
            {
                if (keys is null) return NoKeys();
                if (!(await atproto!.Sessions!.RevokeKeyAsync(Text(arguments, "kid") ?? "", cancellationToken)).Succeeded(out var revocation, out var failure))
                    return failure;
                if (changes is not null) await changes.SettleAsync(cancellationToken);
                return new JsonObject { ["kid"] = revocation.Id, ["sessions"] = revocation.Sessions, ["revoked"] = revocation.Revoked };
            }),
            new(DisconnectName, async (arguments, cancellationToken) =>
            {
                if (!AuthContext.TryParse(Text(arguments, "context"), out var context))
                    return new Failure(ErrorId.BadRequest,
                        $"`{Text(arguments, "context")}` is not a context, expected for instance `api://ATProto?actx=did:plc:ewvi7nxzyoun6zhxrhs64oiz`");
                if (await signIn.DisconnectAsync(context) is not { } revoked) return new Failure(ErrorId.NotFound, $"nobody has signed in for `{context}`");
                if (changes is not null) await changes.SettleAsync(cancellationToken);
                return new JsonObject { ["context"] = context.ToString(), ["revoked"] = revoked };
            }),
        ];
    }

    /// <summary>For <c>keys list</c>; null where there are none.</summary>
    public static JsonArray? ClientKeysOf(AtProtoParts? atproto, DateTimeOffset now) =>
        atproto?.SessionParts?.Keys is { } keys ? new JsonArray([.. keys.Keys.Select(key => Describe(key, keys, now))]) : null;

    private static JsonObject Describe(SigningKey key, ClientKeys keys, DateTimeOffset now) => new()
    {
        ["kid"] = key.Id,
        ["alg"] = key.Algorithm,
        ["state"] = key == keys.Current() ? "signing" : key.SignsFrom > now ? "next" : "retired",
        ["published"] = Rfc3339.Text(key.Published),
        ["signs_from"] = Rfc3339.Text(key.SignsFrom),
    };

    private static string? Text(JsonElement arguments, string name) =>
        arguments.ValueKind == JsonValueKind.Object && arguments.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
        ? value.GetString() : null;

    private static Failure NoKeys() =>
        new(ErrorId.NotFound, "there are no client keys: they are for an upstream of kind `atproto` with `OAuth`, and a `PublicUrl` that is https");
}
