using System.Text.Json;
using WorkloadProxy.Configuration;
using WorkloadProxy.Control;
using WorkloadProxy.Issuing;
using WorkloadProxy.Storage;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Cli.Commands;

/// <summary><c>keys list</c> and <c>keys rotate</c>: asked of the running server, or done on the store itself while none runs.</summary>
internal static class KeysCommands
{
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(30), startPatience = TimeSpan.FromSeconds(2);

    /// <summary>Prints the published keys; the exit code.</summary>
    /// <exception cref="StartException">The store can't be opened, or the directory is in use by what doesn't answer.</exception>
    public static Task<int> ListAsync(ProxyOptions options, TextWriter output, TextWriter errors, TimeProvider time, CancellationToken cancellationToken) =>
        RunAsync(options, KeysControl.ListName, result =>
        {
            output.WriteLine($"{"KEY",-44}  {"ALG",-5}  {"STATE",-7}  {"PUBLISHED",-20}  SIGNS FROM");
            foreach (var key in result.GetProperty("keys").EnumerateArray())
            {
                output.WriteLine($"{Text(key, "kid"),-44}  {Text(key, "alg"),-5}  {Text(key, "state"),-7}  {Text(key, "published"),-20}  {Text(key, "signs_from")}");
            }
        }, errors, time, cancellationToken);

    /// <summary>Publishes a new key and prints when it will sign; the exit code.</summary>
    /// <exception cref="StartException">As for <see cref="ListAsync"/>.</exception>
    public static Task<int> RotateAsync(ProxyOptions options, TextWriter output, TextWriter errors, TimeProvider time, CancellationToken cancellationToken) =>
        RunAsync(options, KeysControl.RotateName, result =>
        {
            var key = result.GetProperty("key");
            output.WriteLine($"{Text(key, "kid")} ({Text(key, "alg")}) is published now and signs from {Text(key, "signs_from")}; the keys before it verify until their last token has expired");
        }, errors, time, cancellationToken);

    private static async Task<int> RunAsync(ProxyOptions options, string command, Action<JsonElement> print, TextWriter errors, TimeProvider time, CancellationToken cancellationToken)
    {
        var reply = await AskAsync(options, command, time, cancellationToken);
        if (reply.Error is null)
        {
            print(reply.Result);
            return 0;
        }
        await errors.WriteLineAsync(reply.Error);
        return 1;
    }

    private static async Task<ControlReply> AskAsync(ProxyOptions options, string command, TimeProvider time, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            if (await ControlClient.SendAsync(options.DataDirectory, command, null, patience, cancellationToken) is { } reply) return reply;
            try
            {
                return await RunHereAsync(options, command, time, cancellationToken);
            }
            catch (StartException e) when (DataDirectory.IsInUse(e) && time.GetElapsedTime(began) < startPatience)
            {
                // a server that starts has the lock a moment before it listens, one that ends a moment after
                await Task.Delay(TimeSpan.FromMilliseconds(50), time, cancellationToken);
            }
        }
    }

    private static async Task<ControlReply> RunHereAsync(ProxyOptions options, string command, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            using var store = await Store.OpenAsync(options, time, cancellationToken);
            var keys = await SigningKeys.OpenAsync(store, options.Tokens, time, cancellationToken);
            var result = await KeysControl.Serve(keys, time).Single(entry => entry.Key == command).Value(default, cancellationToken);
            return result.Succeeded(out var value, out var failure) ? new ControlReply(JsonSerializer.SerializeToElement(value), null) : new ControlReply(default, failure.Message);
        }
        catch (StoreException e)
        {
            return new ControlReply(default, e.Message);
        }
    }

    private static string Text(JsonElement key, string name) => key.GetProperty(name).GetString()!;
}
