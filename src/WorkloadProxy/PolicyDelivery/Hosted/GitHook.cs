using System.Text.Json;
using System.Text.Json.Nodes;
using WorkloadProxy.Control;

namespace WorkloadProxy.PolicyDelivery.Hosted;

/// <summary>
/// This program as git's <c>pre-receive</c> hook: hands the pushed refs and the quarantine's path to the running server, prints what it answers, and accepts
/// only if it says so. No server, no answer, a wrong answer: refused.
/// </summary>
internal static class GitHook
{
    public const string PushVariable = "WORKLOAD_PROXY_PUSH";
    public const string DataVariable = "WORKLOAD_PROXY_DATA";
    private const int MaxInput = 64 * 1024;
    private static readonly TimeSpan patience = TimeSpan.FromMinutes(10);

    /// <summary>git gives the hook no arguments; the server's environment tells it from a start without any.</summary>
    public static bool IsCalled(string[] arguments) => arguments.Length == 0 && Environment.GetEnvironmentVariable(PushVariable) is not null;

    public static async Task<int> RunAsync()
    {
        try
        {
            return await AskAsync();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            await Console.Error.WriteLineAsync($"refused: the policy can't be checked: {e.Message}");
            return 1;
        }
    }

    private static async Task<int> AskAsync()
    {
        var updates = new JsonArray();
        var length = 0;
        while (await Console.In.ReadLineAsync() is { } line)
        {
            if ((length += line.Length) > MaxInput) return await RefuseAsync("too many refs in one push");
            updates.Add(JsonValue.Create(line));
        }
        var arguments = new JsonObject
        {
            ["push"] = Environment.GetEnvironmentVariable(PushVariable),
            ["quarantine"] = Environment.GetEnvironmentVariable("GIT_QUARANTINE_PATH"),
            ["updates"] = updates,
        };
        var data = Environment.GetEnvironmentVariable(DataVariable) ?? "";
        if (await ControlClient.SendAsync(data, PushGate.CommandName, arguments, patience, CancellationToken.None) is not { } reply)
            return await RefuseAsync("the policy can't be checked: no server is running here");
        if (reply.Error is { } error) return await RefuseAsync(error);
        foreach (var line in reply.Result.GetProperty("lines").EnumerateArray()) await Console.Error.WriteLineAsync(line.GetString());
        return reply.Result.GetProperty("accepted").ValueKind == JsonValueKind.True ? 0 : 1;
    }

    private static async Task<int> RefuseAsync(string reason)
    {
        await Console.Error.WriteLineAsync($"refused: {reason}");
        return 1;
    }
}
