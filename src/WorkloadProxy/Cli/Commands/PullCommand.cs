using System.Text.Json.Nodes;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Control;
using WorkloadProxy.PolicyDelivery.Remote;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Cli.Commands;

/// <summary><c>policy pull</c>: asks the running server to look at a context's remote now.</summary>
internal static class PullCommand
{
    private static readonly TimeSpan patience = TimeSpan.FromMinutes(5);

    /// <summary>Prints the commit in force, or why the newest is not; the exit code.</summary>
    /// <exception cref="Storage.StartException">The control socket may not be opened by this user.</exception>
    public static async Task<int> RunAsync(string dataDirectory, string context, TextWriter output, TextWriter errors, CancellationToken cancellationToken,
        Terminal? json = null)
    {
        var reply = await ControlClient.SendAsync(dataDirectory, RemoteGitSources.PullName, new JsonObject { ["context"] = context }, patience,
            cancellationToken);
        if (reply is { Error: null })
        {
            if (json is not null) json.WriteJson(reply.Result.WriteTo);
            else
                await output.WriteLineAsync($"{reply.Result.GetProperty("context").GetString()}: commit "
                    + $"{reply.Result.GetProperty("commit").GetString()} is in force");
            return 0;
        }
        var problem = reply?.Error ?? $"no server is running on `{dataDirectory}`";
        json?.WriteJsonError(problem);
        await errors.WriteLineAsync(problem);
        return 1;
    }
}
