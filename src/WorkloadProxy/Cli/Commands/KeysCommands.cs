using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Configuration;
using WorkloadProxy.Control;
using WorkloadProxy.Issuing;
using WorkloadProxy.Outbound;
using WorkloadProxy.Requests;
using WorkloadProxy.Server;
using WorkloadProxy.Storage;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Cli.Commands;

/// <summary><c>keys list</c>, <c>keys rotate</c> and <c>keys revoke</c>: asked of the running server, or done on the store itself while none runs.</summary>
internal static class KeysCommands
{
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(30), startPatience = TimeSpan.FromSeconds(2);

    /// <summary>Prints the published keys; the exit code.</summary>
    /// <exception cref="StartException">The store can't be opened, or the directory is in use by what doesn't answer.</exception>
    public static Task<int> ListAsync(ProxyOptions options, TextWriter output, TextWriter errors, TimeProvider time, CancellationToken cancellationToken,
        Terminal? json = null) =>
        RunAsync(options, KeysControl.ListName, null, result =>
        {
            WriteTable(output, "KEY", result.GetProperty("keys"));
            if (!result.TryGetProperty("client_keys", out var clientKeys)) return;
            output.WriteLine();
            WriteTable(output, "CLIENT KEY", clientKeys);
        }, errors, time, cancellationToken, json);

    /// <summary>Publishes a new key and prints when it will sign; the exit code.</summary>
    /// <exception cref="StartException">As for <see cref="ListAsync"/>.</exception>
    public static Task<int> RotateAsync(ProxyOptions options, TextWriter output, TextWriter errors, TimeProvider time, CancellationToken cancellationToken,
        Terminal? json = null, bool client = false) =>
        RunAsync(options, client ? AccountControl.RotateName : KeysControl.RotateName, null, result =>
        {
            var key = result.GetProperty("key");
            if (client)
                output.WriteLine($"{Text(key, "kid")} ({Text(key, "alg")}) is published now and begins sessions from {Text(key, "signs_from")}; a session that "
                    + "is there keeps its key for life");
            else
                output.WriteLine($"{Text(key, "kid")} ({Text(key, "alg")}) is published now and signs from {Text(key, "signs_from")}; the keys before it "
                    + "verify until their last token has expired");
        }, errors, time, cancellationToken, json);

    /// <summary>Revokes a client key and prints what that ended; the exit code.</summary>
    /// <exception cref="StartException">As for <see cref="ListAsync"/>.</exception>
    public static Task<int> RevokeAsync(ProxyOptions options, string kid, TextWriter output, TextWriter errors, TimeProvider time,
        CancellationToken cancellationToken, Terminal? json = null) =>
        RunAsync(options, AccountControl.RevokeName, new JsonObject { ["kid"] = kid }, result => output.WriteLine(
            $"{kid} is revoked; sessions ended: {result.GetProperty("sessions").GetInt32()}, of which {result.GetProperty("revoked").GetInt32()} are known to "
                + "have ended at their authorization servers"), errors, time, cancellationToken, json);

    /// <summary>Takes back what somebody gave by signing in, and prints what that came to; the exit code.</summary>
    /// <exception cref="StartException">As for <see cref="ListAsync"/>.</exception>
    public static Task<int> DisconnectAsync(ProxyOptions options, string context, TextWriter output, TextWriter errors, TimeProvider time,
        CancellationToken cancellationToken, Terminal? json = null) =>
        RunAsync(options, AccountControl.DisconnectName, new JsonObject { ["context"] = context }, result => output.WriteLine(
            $"{context} is disconnected; its credential is deleted here and "
                + $"{(result.GetProperty("revoked").GetBoolean() ? "revoked where it came from" : "could not be revoked where it came from")}"), errors, time,
                cancellationToken, json);

    private static async Task<int> RunAsync(ProxyOptions options, string command, JsonObject? arguments, Action<JsonElement> print, TextWriter errors,
        TimeProvider time, CancellationToken cancellationToken, Terminal? json)
    {
        var reply = await AskAsync(options, command, arguments, time, cancellationToken);
        if (reply.Error is null)
        {
            if (json is null) print(reply.Result);
            else json.WriteJson(reply.Result.WriteTo);
            return 0;
        }
        json?.WriteJsonError(reply.Error);
        await errors.WriteLineAsync(reply.Error);
        return 1;
    }

    private static async Task<ControlReply> AskAsync(ProxyOptions options, string command, JsonObject? arguments, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            if (await ControlClient.SendAsync(options.DataDirectory, command, arguments, patience, cancellationToken) is { } reply) return reply;
            try
            {
                return await RunHereAsync(options, command, arguments, time, cancellationToken);
            }
            catch (StartException e) when (DataDirectory.IsInUse(e) && time.GetElapsedTime(began) < startPatience)
            {
                // a server that starts has the lock a moment before it listens, one that ends a moment after
                await Task.Delay(TimeSpan.FromMilliseconds(50), time, cancellationToken);
            }
        }
    }

    private static async Task<ControlReply> RunHereAsync(ProxyOptions options, string command, JsonObject? arguments, TimeProvider time,
        CancellationToken cancellationToken)
    {
        try
        {
            using var store = await Store.OpenAsync(options, time, cancellationToken);
            var keys = await SigningKeys.OpenAsync(store, options.Tokens, time, cancellationToken);
            using var fetch = new BoundedFetch(time);
            var logs = NullLoggerFactory.Instance;
            var atproto = await AtProtoParts.OpenAsync(options, store, fetch, time, logs, cancellationToken);
            var revocations = await RevocationSet.OpenAsync(store.Database, options.Tokens, time, cancellationToken);
            var commands = KeysControl.Serve(keys, time, clientKeys: () => AccountControl.ClientKeysOf(atproto, time.GetUtcNow()))
                .Concat(AccountControl.Serve(atproto, new SignInSetup(options, store, atproto, null, fetch, revocations, time, logs), time));
            var result = await commands.Single(entry => entry.Key == command).Value(JsonSerializer.SerializeToElement(arguments), cancellationToken);
            return result.Succeeded(out var value, out var failure)
                ? new ControlReply(JsonSerializer.SerializeToElement(value), null) : new ControlReply(default, failure.Message);
        }
        catch (StoreException e)
        {
            return new ControlReply(default, e.Message);
        }
    }

    private static void WriteTable(TextWriter output, string name, JsonElement keys)
    {
        output.WriteLine($"{name,-44}  {"ALG",-5}  {"STATE",-7}  {"PUBLISHED",-20}  SIGNS FROM");
        foreach (var key in keys.EnumerateArray())
        {
            output.WriteLine($"{Text(key, "kid"),-44}  {Text(key, "alg"),-5}  {Text(key, "state"),-7}  "
                + $"{Text(key, "published"),-20}  {Text(key, "signs_from")}");
        }
    }

    private static string Text(JsonElement key, string name) => key.GetProperty(name).GetString()!;
}
