using Microsoft.AspNetCore.Server.Kestrel.Core;
using Sandbox.Recording;

namespace Sandbox.AtProto;

/// <summary>
/// A stand-in AT Protocol network: a PLC directory, personal data servers with accounts, and the authorization servers beside them, all on loopback.
/// </summary>
public sealed class AtProtoNetwork : IAsyncDisposable
{
    private static readonly string[] names = ["alice", "bob", "carol", "dave"];
    private readonly WebApplication directory;
    private readonly List<PersonalDataServer> servers = [];
    private readonly List<AtProtoAccount> accounts = [];

    private AtProtoNetwork(AtProtoNetworkOptions options)
    {
        ClientHosts = new(options.ClientHosts, StringComparer.OrdinalIgnoreCase);
        directory = Loopback.Build((0, HttpProtocols.Http1));
    }

    /// <summary><c>http://localhost:PORT</c> of the PLC directory.</summary>
    public string PlcDirectory { get; private set; } = "";

    public IReadOnlyList<PersonalDataServer> Servers => servers;
    public IReadOnlyList<AtProtoAccount> Accounts => accounts;

    /// <summary>Where the authorization servers fetch what they take for <c>https://HOST</c>.</summary>
    public Dictionary<string, Uri> ClientHosts { get; }

    /// <summary>What the directory was asked.</summary>
    public RequestLog DirectoryRequests { get; } = new();
    public AtProtoFaults DirectoryFaults { get; } = new(null);

    /// <summary>A request to the directory that this returns true for was answered by it and goes no further.</summary>
    public Func<HttpContext, Task<bool>>? InterceptDirectory { get; set; }

    public static async Task<AtProtoNetwork> StartAsync(AtProtoNetworkOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new();
        var network = new AtProtoNetwork(options);
        await network.StartDirectoryAsync(cancellation);
        for (var i = 0; i < options.Servers; i++)
        {
            var server = new PersonalDataServer(network, options.Time);
            network.servers.Add(server);
            await server.StartAsync(cancellation);
        }
        for (var i = 0; i < options.Accounts; i++)
        {
            var name = i < names.Length ? names[i] : $"user{i}";
            network.accounts.Add(new($"did:plc:{System.Security.Cryptography.RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz234567", 24)}", name,
                network.servers[i % options.Servers]));
        }
        if (options.Web) network.accounts.Add(new($"did:web:localhost%3A{new Uri(network.PlcDirectory).Port}", "webby", network.servers[0]));
        return network;
    }

    /// <summary>What a program prints, and what a script needs to go on: the same shape as the starter of the real network.</summary>
    public object Describe() => new
    {
        plc = PlcDirectory,
        servers = servers.Select(server => server.Url),
        accounts = accounts.Select(account => new { did = account.Did, handle = account.Handle, email = account.Email, password = account.Password,
            app_password = account.AppPassword, server = account.Server.Url }),
    };

    private async Task StartDirectoryAsync(CancellationToken cancellation)
    {
        directory.Use(DirectoryRequests.Record);
        directory.Use(async (context, next) =>
        {
            if (InterceptDirectory is not { } intercept || !await intercept(context)) await next(context);
        });
        directory.Use(DirectoryFaults.Meet);
        directory.UseRouting();
        directory.MapAtProtoControl(this);
        directory.MapGet("/.well-known/did.json",
            () => Document(accounts.FirstOrDefault(account => account.Did.StartsWith("did:web:", StringComparison.Ordinal))));
        directory.MapGet("/{did}",
            (string did) => Document(accounts.FirstOrDefault(account => account.Did == did && did.StartsWith("did:plc:", StringComparison.Ordinal))));
        await directory.StartAsync(cancellation);
        PlcDirectory = $"http://localhost:{new Uri(directory.Urls.First()).Port}";
    }

    private static IResult Document(AtProtoAccount? account) => account is null
        ? Results.Json(new { message = "DID not registered" }, statusCode: 404)
        : Results.Json(account.Document(), contentType: "application/did+ld+json");

    public async ValueTask DisposeAsync()
    {
        foreach (var server in servers) await server.DisposeAsync();
        await directory.DisposeAsync();
    }
}
