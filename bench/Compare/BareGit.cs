using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Compare;

/// <summary><c>git http-backend</c> behind the least that a web server can be: what a push takes with no policy in it.</summary>
internal sealed class BareGit : IAsyncDisposable
{
    private readonly WebApplication server;

    private BareGit(WebApplication server, Uri address) => (this.server, Address) = (server, address);

    public Uri Address { get; }

    public static async Task<BareGit> StartAsync(string repository)
    {
        await Command.RunAsync("git", ["init", "-q", "--bare", "-b", "main", repository]);
        await Command.RunAsync("git", ["-C", repository, "config", "http.receivepack", "true"]);
        var address = new Uri($"http://127.0.0.1:{Subject.FreePort()}");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(address.ToString());
        var server = builder.Build();
        server.Run(http => AnswerAsync(http, Path.GetDirectoryName(repository)!));
        await server.StartAsync();
        return new BareGit(server, address);
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();

    /// <summary>RFC 3875, as far as a push needs it.</summary>
    private static async Task AnswerAsync(HttpContext http, string root)
    {
        var start = new ProcessStartInfo("git", ["http-backend"]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["GIT_PROJECT_ROOT"] = root;
        start.Environment["GIT_HTTP_EXPORT_ALL"] = "1";
        start.Environment["REQUEST_METHOD"] = http.Request.Method;
        var target = http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.Split('?');
        start.Environment["PATH_INFO"] = target[0];
        start.Environment["QUERY_STRING"] = target.ElementAtOrDefault(1);
        start.Environment["CONTENT_TYPE"] = http.Request.ContentType;
        start.Environment["HTTP_CONTENT_ENCODING"] = http.Request.Headers.ContentEncoding;
        start.Environment["GIT_PROTOCOL"] = http.Request.Headers["Git-Protocol"];
        using var git = Process.Start(start)!;
        await http.Request.Body.CopyToAsync(git.StandardInput.BaseStream);
        git.StandardInput.Close();
        using var answer = new MemoryStream();
        await git.StandardOutput.BaseStream.CopyToAsync(answer);
        var bytes = answer.ToArray();
        var end = bytes.AsSpan().IndexOf("\r\n\r\n"u8);
        foreach (var line in Encoding.ASCII.GetString(bytes, 0, end).Split("\r\n"))
        {
            var (name, value) = (line[..line.IndexOf(':')], line[(line.IndexOf(':') + 1)..].Trim());
            if (name == "Status") http.Response.StatusCode = int.Parse(value.Split(' ')[0], CultureInfo.InvariantCulture);
            else http.Response.Headers[name] = value;
        }
        await http.Response.Body.WriteAsync(bytes.AsMemory(end + 4));
    }
}
