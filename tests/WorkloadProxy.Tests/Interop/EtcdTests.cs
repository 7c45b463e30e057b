using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.Tests.Serving;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Transforms;

namespace WorkloadProxy.Tests.Interop;

/// <summary>
/// etcd's own client and server over gRPC, with rules on the fields of its messages. The client has no place for a token: a sidecar before it puts one in, as a
/// service mesh's does.
/// </summary>
public sealed class EtcdTests : IAsyncLifetime
{
    private static readonly AuthContext context = new("Etcd", "main");

    private static readonly Dictionary<string, string> rules = new()
    {
        ["roles/app.hcl"] = "role \"app\" {\n  iss = \"ISSUER\"\n  aud = \"api://Etcd?actx=main\"\n  sub = \"app\"\n  policies = [\"keys\"]\n}\n",
        ["policies/keys.hcl"] = """
            path "/etcdserverpb.KV/Put" {
              capabilities       = ["create"]
              allowed_parameters = { "#1" = "app/*", "#2" = [] }
            }
            path "/etcdserverpb.KV/Range" {
              capabilities       = ["create"]
              allowed_parameters = { "#1" = "app/*" }
            }
            """,
    };

    private readonly TemporaryDirectory home = new();
    private readonly Uri address = new($"http://127.0.0.1:{Ports.Free()}");
    private string etcdctl = "";
    private Process? etcd;
    private TestProxy? proxy;
    private WebApplication? sidecar;

    public async ValueTask InitializeAsync()
    {
        var server = RealProgram.Find("etcd", "etcd-server");
        etcdctl = RealProgram.Find("etcdctl", "etcd-client");
        var (client, peer) = (address.GetLeftPart(UriPartial.Authority), $"http://127.0.0.1:{Ports.Free()}");
        etcd = Process.Start(new ProcessStartInfo(server,
        [
            "--name", "a", "--data-dir", Path.Combine(home.Path, "data"), "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", $"a={peer}", "--heartbeat-interval", "20",
            "--election-timeout", "200", "--log-level", "error",
        ]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        _ = etcd.StandardError.ReadToEndAsync();
        _ = etcd.StandardOutput.ReadToEndAsync();
        proxy = await TestProxy.StartAsync(rules, (options, _) => options with
        {
            Upstreams = new Dictionary<string, UpstreamOptions>
                { ["Etcd"] = new() { Name = "Etcd", Kind = UpstreamKind.Http, Address = address, HttpVersion = HttpVersion.Version20 } },
            Policies = [options.Policies[0] with { Context = context }],
            Credentials = [new CredentialOptions { Context = context, Kind = CredentialKind.None }],
            Framework = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["Kestrel:Endpoints:a:Url"] = "http://127.0.0.1:0",
                ["Kestrel:Endpoints:a:Protocols"] = "Http2",
                ["Logging:LogLevel:Default"] = "Error",
            }).Build(),
        });
        sidecar = await StartSidecarAsync(proxy.Address, proxy.Sandbox.Issuer.Token(context.ToString(), new JsonObject { ["sub"] = "app" }));
        await ReadyAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (sidecar is not null) await sidecar.DisposeAsync();
        if (proxy is not null) await proxy.DisposeAsync();
        if (etcd is not null)
        {
            etcd.Kill();
            await etcd.WaitForExitAsync();
            etcd.Dispose();
        }
        home.Dispose();
    }

    [Fact]
    public async Task A_key_is_put_and_got_where_the_rule_permits_it_and_nowhere_else()
    {
        Assert.Equal("OK", await DoneAsync("put", "app/a", "hello"));
        Assert.Equal("app/a\nhello", await DoneAsync("get", "app/a"));

        Assert.Contains("PermissionDenied desc = parameter `#1` has a value that is not permitted", await RefusedAsync("put", "other/a", "hello"),
            StringComparison.Ordinal);
        Assert.Contains("PermissionDenied desc = parameter `#1` has a value that is not permitted", await RefusedAsync("get", "other/a"),
            StringComparison.Ordinal);
        // the end of a range is field 2, and would reach every key
        Assert.Contains("PermissionDenied desc = parameter `#2` is not permitted", await RefusedAsync("get", "app/", "--prefix"), StringComparison.Ordinal);
        Assert.Contains("PermissionDenied desc = parameter `#2` is not permitted", await RefusedAsync("get", "app/a", "zzz"), StringComparison.Ordinal);
        Assert.Contains("PermissionDenied desc = no rule matches this path", await RefusedAsync("del", "app/a"), StringComparison.Ordinal);

        var all = await RealProgram.RunAsync(etcdctl, home.Path, new Dictionary<string, string>(), "--endpoints", address.GetLeftPart(UriPartial.Authority),
            "get", "", "--from-key", "--keys-only");
        Assert.Equal("app/a", all.Output.Trim());
    }

    private async Task<string> DoneAsync(params string[] arguments)
    {
        var ran = await RunAsync(arguments);
        Assert.True(ran.Code == 0, ran.Error);
        return ran.Output.Trim();
    }

    private async Task<string> RefusedAsync(params string[] arguments)
    {
        var ran = await RunAsync(arguments);
        Assert.True(ran.Code != 0, ran.Output);
        return ran.Error;
    }

    private Task<RealProgram> RunAsync(string[] arguments) =>
        RealProgram.RunAsync(etcdctl, home.Path, new Dictionary<string, string> { ["ETCDCTL_API"] = "3" },
            ["--endpoints", sidecar!.Urls.First(), "--command-timeout", "60s", "--dial-timeout", "60s", .. arguments]);

    private static async Task<WebApplication> StartSidecarAsync(Uri proxy, string token)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddHttpForwarder();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        var app = builder.Build();
        app.MapForwarder("/{**all}", proxy.GetLeftPart(UriPartial.Authority),
            new ForwarderRequestConfig { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact },
            transforms => transforms.AddRequestHeader("Authorization", $"Bearer {token}", append: false));
        await app.StartAsync();
        return app;
    }

    private async Task ReadyAsync()
    {
        using var http = new HttpClient { BaseAddress = address };
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (await poll.WaitForNextTickAsync(TestContext.Current.CancellationToken))
        {
            if (etcd!.HasExited) Assert.Fail("etcd ended before it was ready");
            try
            {
                if ((await http.GetStringAsync("/health", TestContext.Current.CancellationToken)).Contains("true", StringComparison.Ordinal)) return;
            }
            catch (HttpRequestException)
            {
                // not yet
            }
        }
    }
}
