using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Hcl;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Tests.Serving;

/// <summary>
/// The built program as a process of its own, for what only the end of one shows. Its configuration lies in the folder of a <see cref="TestProxy"/> that has
/// been stopped.
/// </summary>
internal sealed class ServedProcess : IAsyncDisposable
{
    private readonly Process process;
    private readonly Task<string> errors;

    private ServedProcess(Process process, bool readsOutput)
    {
        this.process = process;
        errors = process.StandardError.ReadToEndAsync();
        if (readsOutput) _ = process.StandardOutput.ReadToEndAsync();
    }

    /// <summary>Writes what the options of <paramref name="proxy"/> say as a configuration file, and the free port that it names.</summary>
    public static (string File, Uri Address) Configure(TestProxy proxy, string? postgres = null)
    {
        var address = new Uri($"http://127.0.0.1:{Ports.Free()}");
        var options = proxy.Options;
        var file = Path.Combine(proxy.Folder, "workload-proxy.json");
        var configuration = new JsonObject
        {
            ["PublicUrl"] = address.GetLeftPart(UriPartial.Authority),
            ["Urls"] = address.GetLeftPart(UriPartial.Authority),
            ["DataDirectory"] = options.DataDirectory,
            ["Upstreams"] = new JsonObject { ["DigitalOcean"] = new JsonObject { ["Kind"] = "digitalocean", ["Address"] = proxy.Sandbox.Address.ToString() } },
            ["Issuers"] = new JsonArray(new JsonObject { ["Issuer"] = proxy.Sandbox.Issuer.Issuer }),
            ["Policies"] = new JsonArray(options.Policies[0].Hosted is null
                ? new JsonObject { ["Context"] = TestProxy.DigitalOcean.ToString(), ["Directory"] = proxy.PolicyDirectory }
                : new JsonObject { ["Context"] = TestProxy.DigitalOcean.ToString(), ["Hosted"] = new JsonObject() }),
            ["Credentials"] = new JsonArray(new JsonObject
                { ["Context"] = TestProxy.DigitalOcean.ToString(), ["Kind"] = "Bearer", ["File"] = options.Credentials[0].File }),
            ["Tokens"] = new JsonObject { ["Algorithm"] = "ES256" },
            ["Audit"] = new JsonObject { ["File"] = proxy.AuditFile },
        };
        if (postgres is not null)
        {
            configuration["ConnectionStrings"] = new JsonObject { ["Postgres"] = postgres };
            configuration["MasterKey"] = new JsonObject { ["File"] = options.MasterKey.File };
        }
        File.WriteAllText(file, configuration.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
        return (file, address);
    }

    public static ServedProcess Start(string configuration, params IReadOnlyList<(string Name, string Value)> environment) =>
        Start(configuration, true, environment);

    /// <summary>Without <paramref name="readsOutput"/>, standard output is a pipe that nobody reads.</summary>
    public static ServedProcess Start(string configuration, bool readsOutput, IReadOnlyList<(string Name, string Value)> environment)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in new[] { Path.Combine(AppContext.BaseDirectory, "workload-proxy.dll"), "serve", "--config", configuration })
            start.ArgumentList.Add(argument);
        start.Environment.Remove("PORT");
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return new ServedProcess(Process.Start(start)!, readsOutput);
    }

    public int Id => process.Id;

    /// <summary>Waits until it answers.</summary>
    public async Task ReadyAsync(Uri address)
    {
        using var http = new HttpClient { BaseAddress = address };
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        for (var left = 3000; left > 0 && await poll.WaitForNextTickAsync(); left--)
        {
            if (process.HasExited) Assert.Fail($"it ended before it was ready: {await errors}");
            try
            {
                if ((await http.GetAsync("/health/ready")).IsSuccessStatusCode) return;
            }
            catch (HttpRequestException)
            {
                // not listening yet
            }
        }
        Assert.Fail("it was not ready in a minute");
    }

    /// <summary>What <c>kill -9</c> does; <paramref name="withChildren"/>: what the machine's end does.</summary>
    public async Task KillAsync(bool withChildren = false)
    {
        process.Kill(entireProcessTree: withChildren);
        await process.WaitForExitAsync();
    }

    /// <summary>The reader of standard output goes away.</summary>
    public void CloseOutput() => process.StandardOutput.Dispose();

    /// <summary>SIGTERM.</summary>
    public void Terminate() => _ = Signal(process.Id, 15);

    /// <summary>The exit code and what it wrote to standard error.</summary>
    public async Task<(int Code, string Errors)> EndAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await process.WaitForExitAsync(patience.Token);
        return (process.ExitCode, await errors);
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited) await KillAsync();
        process.Dispose();
    }

    [DllImport("libc", EntryPoint = "kill")]
    public static extern int Signal(int process, int signal);
}
