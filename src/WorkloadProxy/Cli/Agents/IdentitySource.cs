using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;

namespace WorkloadProxy.Cli.Agents;

/// <summary>Where a workload's identity token comes from, by the name that <c>--source</c> has for it.</summary>
internal static class IdentitySource
{
    public const string Help = "file:PATH, env:NAME, github, cursor, vm or kubernetes";
    public const string Machine = "root/secrets/digitalocean.com/serviceaccount";
    private const string Pod = "var/run/secrets/workload-proxy/token";
    private const string CursorSocket = "/run/cursor/api.sock";

    /// <summary>The one that this machine has; null if there is none.</summary>
    public static string? Find(string root) => Variable("ACTIONS_ID_TOKEN_REQUEST_URL") is not null ? "github"
        : Variable("CURSOR_AGENT_SOCKET") is not null ? "cursor"
        : File.Exists(Path.Combine(root, Machine, "token")) ? "vm"
        : File.Exists(Path.Combine(root, Pod)) ? "kubernetes" : null;

    public static bool IsKnown(string source) =>
        source is "github" or "cursor" or "vm" or "kubernetes" or "command" || source.StartsWith("file:", StringComparison.Ordinal)
        || source.StartsWith("env:", StringComparison.Ordinal);

    /// <summary>What tells this workload from others that share the machine.</summary>
    public static string Identity(TokenRequest request) => request.Source switch
    {
        "github" => Variable("ACTIONS_ID_TOKEN_REQUEST_URL") + Variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
        "cursor" => Variable("CURSOR_AGENT_SOCKET") ?? "",
        "command" => "",
        _ => Local(request),
    };

    /// <exception cref="TokenException">It has none now.</exception>
    public static async Task<string> ReadAsync(TokenRequest request, HttpClient http, CancellationToken cancellationToken) => request.Source switch
    {
        "github" => await GitHubAsync(request, http, cancellationToken),
        "cursor" => await CursorAsync(request, cancellationToken),
        "command" => await RunAsync(request.Command, cancellationToken),
        _ => Local(request),
    };

    private static string Local(TokenRequest request)
    {
        var source = request.Source;
        if (source.StartsWith("env:", StringComparison.Ordinal))
            return Variable(source[4..])?.Trim() ?? throw new TokenException($"the environment variable `{source[4..]}` is not set");
        var file = source switch
        {
            "vm" => Path.Combine(request.Root, Machine, "token"),
            "kubernetes" => Path.Combine(request.Root, Pod),
            _ => source["file:".Length..],
        };
        try
        {
            return File.ReadAllText(file).Trim() is { Length: > 0 } token ? token : throw new TokenException($"the file `{file}` is empty");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new TokenException($"the file `{file}` can't be read", error);
        }
    }

    private static async Task<string> GitHubAsync(TokenRequest request, HttpClient http, CancellationToken cancellationToken)
    {
        if (Variable("ACTIONS_ID_TOKEN_REQUEST_URL") is not { } url || Variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN") is not { } token)
            throw new TokenException("GitHub offers this job no identity: give it `permissions: id-token: write`");
        if (request.Audience is not { } audience) throw new TokenException("expected `--context` or `--audience`: whom the identity token is for");
        using var asked = new HttpRequestMessage(HttpMethod.Get, $"{url}{(url.Contains('?') ? '&' : '?')}audience={Uri.EscapeDataString(audience)}");
        asked.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return await TokenAnswer.ReadAsync(http, asked, "GitHub's token service", ["value"], cancellationToken);
    }

    private static async Task<string> CursorAsync(TokenRequest request, CancellationToken cancellationToken)
    {
        if (request.Audience is not { } audience) throw new TokenException("expected `--context` or `--audience`: whom the identity token is for");
        var socket = Variable("CURSOR_AGENT_SOCKET") ?? CursorSocket;
        using var http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (_, token) =>
            {
                var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), token);
                    return new NetworkStream(connection, ownsSocket: true);
                }
                catch
                {
                    connection.Dispose();
                    throw;
                }
            },
        });
        using var asked = new HttpRequestMessage(HttpMethod.Post, "http://localhost/v1/tokens/oidc")
            { Content = new StringContent($"{{\"aud\":{Mcp.Protocol.McpJson.Quote(audience)}}}", Encoding.UTF8, "application/json") };
        return await TokenAnswer.ReadAsync(http, asked, "Cursor's token service", ["token", "value"], cancellationToken);
    }

    private static async Task<string> RunAsync(IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(command[0], command.Skip(1))
                { RedirectStandardOutput = true, RedirectStandardInput = true })!;
            process.StandardInput.Close();
            var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            if (process.ExitCode != 0) throw new TokenException($"`{command[0]}` ended with {process.ExitCode}");
            return output.Trim() is { Length: > 0 } token ? token : throw new TokenException($"`{command[0]}` printed no token");
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            throw new TokenException($"`{command[0]}` can't be started", error);
        }
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
