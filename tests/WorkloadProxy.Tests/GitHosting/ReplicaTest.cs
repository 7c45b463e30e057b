using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.Storage;
using WorkloadProxy.Tests.Serving;
using WorkloadProxy.Tests.Storage;
using Yarp.ReverseProxy.Forwarder;

namespace WorkloadProxy.Tests.GitHosting;

/// <summary>Two whole servers with a hosted repository on one PostgreSQL database, each with a disk of its own, and a person with git.</summary>
internal sealed class ReplicaTest : IAsyncDisposable
{
    private readonly List<TestProxy> more = [];
    private readonly PostgresTest store;

    private ReplicaTest(PostgresServer postgres, PostgresTest store, HostedTest first) => (Postgres, this.store, First) = (postgres, store, first);

    public PostgresServer Postgres { get; }
    public HostedTest First { get; }
    public GitClient Git => First.Git;
    public TestProxy A => First.Proxy;
    public TestProxy B => more[0];

    public static async Task<ReplicaTest> StartAsync(PostgresServer postgres, HostedGitOptions? hosted = null, TimeProvider? time = null)
    {
        var store = await PostgresTest.CreateAsync(postgres);
        var test = new ReplicaTest(postgres, store, await HostedTest.StartAsync(hosted, (options, sandbox) =>
        {
            if (time is not null) sandbox.Issuer.Time = time;
            return store.Configure(options);
        }, time));
        await test.AddAsync(time: time);
        return test;
    }

    /// <summary>Another server on the same store, whose disk is empty or <paramref name="dataDirectory"/>.</summary>
    public async Task<TestProxy> AddAsync(string? dataDirectory = null, TimeProvider? time = null)
    {
        var proxy = await TestProxy.StartAsync(configure: (options, _) => A.Options with
            { DataDirectory = dataDirectory ?? options.DataDirectory, Audit = options.Audit }, time: time);
        more.Add(proxy);
        return proxy;
    }

    public string Url(TestProxy proxy) => First.Url(path: Root(proxy));

    public Task<GitClientResult> PushAsync(TestProxy to, string refs = "main") => Git.TryAsync("push", Url(to), refs);

    public async Task<string> LookAsync(TestProxy at, string reference = "refs/heads/main")
    {
        var line = await Git.RunAsync("ls-remote", Url(at), reference);
        return line.Length >= 40 ? line[..40] : "";
    }

    /// <summary>All refs as a client of that server sees them.</summary>
    public Task<string> RefsAsync(TestProxy at) => Git.RunAsync("ls-remote", Url(at));

    public async Task<HttpStatusCode> AskAsync(TestProxy at, string path = "/v2/databases") => (await at.GetAsync(path, A.IdentityToken())).Status;

    /// <summary>Waits until a server permits what a pushed set does: what has been told to it has come in.</summary>
    public async Task InForceAsync(TestProxy at, string path = "/v2/databases")
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        for (var left = 20_000; left > 0 && await poll.WaitForNextTickAsync(); left--) if (await AskAsync(at, path) == HttpStatusCode.OK) return;
        Assert.Fail($"`{path}` was not permitted in 20 s");
    }

    /// <summary>Of the database, as a configuration file has it.</summary>
    public string Address => store.Address;

    public static string Repository(TestProxy of) => Directory.GetDirectories(Path.Combine(of.Options.DataDirectory, "repositories"), "*.git").Single();

    public static string Policy(string path) => $"path \"{path}\" {{\n  capabilities = [\"read\"]\n}}\n";

    public Task<string> SqlAsync(string sql) => Postgres.ExecuteAsync(store.Database, sql);

    private static string Root(TestProxy proxy) => proxy.Address.GetLeftPart(UriPartial.Authority);

    public async ValueTask DisposeAsync()
    {
        foreach (var proxy in more) await proxy.DisposeAsync();
        await First.DisposeAsync();
        store.Dispose();
    }
}

/// <summary>A balancer that sends each request wherever <c>choose</c> says.</summary>
internal sealed class Balancer : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly HttpMessageInvoker invoker = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false });

    private Balancer(Func<HttpRequest, TestProxy> choose)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Services.AddHttpForwarder();
        app = builder.Build();
        app.Run(async http => await app.Services.GetRequiredService<IHttpForwarder>().SendAsync(http, choose(http.Request).Address.ToString(), invoker));
    }

    public Uri Address => new(app.Urls.Single());

    public static async Task<Balancer> StartAsync(Func<HttpRequest, TestProxy> choose)
    {
        var balancer = new Balancer(choose);
        await balancer.app.StartAsync();
        return balancer;
    }

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        invoker.Dispose();
    }
}
