using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Cli;

/// <summary>Where <c>token get</c> finds an identity, how it keeps a file fresh, and the relay on a socket.</summary>
public sealed class TokenSourceTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Theory]
    [InlineData("token")]
    [InlineData("value")]
    public async Task Cursor_s_agent_is_asked_by_its_socket(string member)
    {
        var (socket, asked) = (Path.Combine(directory.Path, "api.sock"), new TaskCompletionSource<string>());
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(socket));
        listener.Listen();
        var answering = AnswerOnceAsync(listener, $"{{\"{member}\":\"a.b.c\"}}", asked);
        var run = await CommandRun.RunWithAsync(directory.Path, "", new() { ["CURSOR_AGENT_SOCKET"] = socket }, "token", "get", "--source", "cursor",
            "--context", "api://DigitalOcean?actx=a");
        Assert.Equal((0, "a.b.c\n", ""), (run.ExitCode, run.Output, run.Error));
        await answering;
        var request = await asked.Task;
        Assert.StartsWith("POST /v1/tokens/oidc HTTP/1.1\r\n", request);
        Assert.EndsWith("{\"aud\":\"api://DigitalOcean?actx=a\"}", request);
    }

    [Fact]
    public async Task Without_the_socket_one_line_says_so()
    {
        var run = await CommandRun.RunWithAsync(directory.Path, "", new() { ["CURSOR_AGENT_SOCKET"] = Path.Combine(directory.Path, "gone.sock") }, "token",
            "get", "--source", "cursor", "--audience", "a");
        Assert.Equal((1, "", "workload-proxy: Cursor's token service can't be reached\n"), (run.ExitCode, run.Output, run.Error));
    }

    [Theory]
    [InlineData("kubernetes", "/var/run/secrets/workload-proxy/token")]
    public async Task A_source_that_this_machine_lacks_names_its_file(string source, string file)
    {
        Assert.SkipWhen(File.Exists(file), $"this machine has a `{file}`");
        var run = await CommandRun.RunAsync(directory.Path, "token", "get", "--source", source);
        Assert.Equal((1, "", $"workload-proxy: the file `{file}` can't be read\n"), (run.ExitCode, run.Output, run.Error));
    }

    [Fact]
    public async Task A_watched_file_is_written_anew_with_the_next_token()
    {
        directory.Write("identity", Token(1));
        using var written = new SemaphoreSlim(0);
        using var watcher = new FileSystemWatcher(directory.Path) { EnableRaisingEvents = true };
        watcher.Renamed += (_, e) => { if (e.Name == "kept") written.Release(); };
        using var watching = Start("token", "get", "--source", "file:identity", "--write", "kept", "--watch");
        try
        {
            Assert.True(await written.WaitAsync(TimeSpan.FromSeconds(60)));
            Assert.Equal(Token(1), await File.ReadAllTextAsync(Path.Combine(directory.Path, "kept")));
            directory.Write("identity", Token(2));
            // the first one may be written twice
            do Assert.True(await written.WaitAsync(TimeSpan.FromSeconds(60)));
            while (await File.ReadAllTextAsync(Path.Combine(directory.Path, "kept")) != Token(2));
            if (!OperatingSystem.IsWindows())
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(directory.Path, "kept")));
        }
        finally
        {
            watching.Kill();
            await watching.WaitForExitAsync();
        }
    }

    [Fact]
    public async Task The_relay_listens_on_a_socket_too()
    {
        await using var proxy = await TestProxy.StartAsync();
        directory.Write("identity", proxy.IdentityToken());
        var (socket, written) = (Path.Combine(directory.Path, "relay.sock"), new TaskCompletionSource());
        using var watcher = new FileSystemWatcher(directory.Path) { EnableRaisingEvents = true };
        watcher.Renamed += (_, _) => written.TrySetResult();
        using var relay = Start("token", "relay", "--proxy", proxy.Address.ToString(), "--listen", $"unix:{socket}", "--env", "relay.env", "--source",
            "file:identity");
        try
        {
            await written.Task.WaitAsync(TimeSpan.FromSeconds(60));
            var variables = (await File.ReadAllLinesAsync(Path.Combine(directory.Path, "relay.env"))).Select(line => line.Split('=', 2))
                .ToDictionary(pair => pair[0], pair => pair[1]);
            Assert.Equal($"unix:{socket}", variables["RELAY_URL"]);
            using var http = new HttpClient(new SocketsHttpHandler { ConnectCallback = (_, token) => ConnectAsync(socket, token) });
            using var request = new HttpRequestMessage(HttpMethod.Get, "http://localhost/v2/account");
            request.Headers.TryAddWithoutValidation("x-api-key", variables["RELAY_KEY"]);
            using var answer = await http.SendAsync(request);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal($"Bearer {proxy.Sandbox.Options.TeamToken}", proxy.Sandbox.Requests.All[^1].Header("Authorization"));
        }
        finally
        {
            relay.Kill();
            await relay.WaitForExitAsync();
        }
    }

    private Process Start(params string[] arguments) =>
        Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "workload-proxy"), arguments) { WorkingDirectory = directory.Path })!;

    /// <summary>Past two thirds of its life, of which 2052 is the end: the next one is wanted as soon as can be.</summary>
    private static string Token(int number) =>
        $"e30.{Microsoft.IdentityModel.Tokens.Base64UrlEncoder.Encode($"{{\"iat\":1,\"exp\":2600000000,\"jti\":\"{number}\"}}")}.c2ln";

    private static async ValueTask<Stream> ConnectAsync(string socket, CancellationToken cancellationToken)
    {
        var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellationToken);
        return new NetworkStream(connection, ownsSocket: true);
    }

    private static async Task AnswerOnceAsync(Socket listener, string body, TaskCompletionSource<string> asked)
    {
        using var connection = await listener.AcceptAsync();
        var (text, buffer) = (new StringBuilder(), new byte[4096]);
        while (!text.ToString().EndsWith('}')) text.Append(Encoding.UTF8.GetString(buffer, 0, await connection.ReceiveAsync(buffer)));
        await connection.SendAsync(Encoding.UTF8.GetBytes($"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\nConnection: "
            + $"close\r\n\r\n{body}"));
        asked.SetResult(text.ToString());
    }
}
