using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Configuration;

namespace WorkloadProxy.Tests.Storage;

/// <summary>A PostgreSQL server of its own in a temporary directory, run by an ordinary user as it wants to be. A test takes a database in it.</summary>
public sealed class PostgresServer : IAsyncLifetime
{
    public const string Password = "h:u/n?t#e@r 2;";
    private static readonly string? programs = Directory.Exists("/usr/lib/postgresql")
        ? Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")).Where(bin => File.Exists(Path.Combine(bin, "initdb")))
        .Order().LastOrDefault()
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).FirstOrDefault(bin => File.Exists(Path.Combine(bin, "initdb")));
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("wp-postgres-");
    private int databases;

    public int Port { get; } = Ports.Free();

    public string Certificate => Path.Combine(directory.FullName, "server.crt");
    public string AnotherCertificate => Path.Combine(directory.FullName, "another.crt");

    public static void RequireInstalled() => Assert.SkipWhen(programs is null, "PostgreSQL is not installed: apt-get install postgresql");

    public async ValueTask InitializeAsync()
    {
        if (programs is null) return;
        var key = Certify(Certificate);
        Certify(AnotherCertificate);
        await File.WriteAllTextAsync(Key, key);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(Key, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        if (IsRoot) await RunAsync("chown", "postgres", directory.FullName, Key);
        var password = Path.Combine(directory.FullName, "password");
        await File.WriteAllTextAsync(password, Password + "\n");
        await RunHereAsync("initdb", "--pgdata", Data, "--username", "proxy", "--auth", "scram-sha-256", "--pwfile", password, "--encoding", "UTF8", "--locale",
            "C", "--no-sync");
        await StartAsync();
    }

    public Task StartAsync() => RunHereAsync("pg_ctl", "start", "--wait", "--pgdata", Data, "--log", Path.Combine(directory.FullName, "log"), "--options",
        $"-p {Port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={directory.FullName} -c fsync=off -c shared_buffers=16MB -c ssl=on -c "
            + $"ssl_cert_file={Certificate} -c ssl_key_file={Key}");

    /// <summary>Ends it as <c>kill -9</c> would: nobody is told.</summary>
    public Task StopAsync() => RunHereAsync("pg_ctl", "stop", "--wait", "--pgdata", Data, "--mode", "immediate");

    /// <summary>An empty database; its address.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        var name = $"test{Interlocked.Increment(ref databases)}";
        await ExecuteAsync("postgres", $"CREATE DATABASE {name}");
        // a machine under load lets a connection wait longer than a server would by default
        return $"postgres://proxy:{Uri.EscapeDataString(Password)}@127.0.0.1:{Port}/{name}?connect_timeout=60";
    }

    /// <summary>Runs SQL as the server's owner would by hand, and gives what it prints.</summary>
    public Task<string> ExecuteAsync(string database, string sql) =>
        RunHereAsync("psql", $"host={directory.FullName} port={Port} user=proxy dbname={database} password='{Password}'", "-Atqc", sql);

    internal static PostgresOptions Options(string address)
    {
        var settings = PostgresReading.Parse(address, path => path, out var problem);
        Assert.True(settings is not null, problem);
        return PostgresReading.ToOptions(settings);
    }

    public async ValueTask DisposeAsync()
    {
        if (programs is not null && File.Exists(Path.Combine(Data, "postmaster.pid"))) await StopAsync();
        directory.Delete(recursive: true);
    }

    /// <summary>A certificate of its own for <c>localhost</c>; its key.</summary>
    private static string Certify(string file)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        File.WriteAllText(file, certificate.ExportCertificatePem());
        return key.ExportPkcs8PrivateKeyPem();
    }

    private string Key => Path.Combine(directory.FullName, "server.key");
    private string Data => Path.Combine(directory.FullName, "data");
    private static bool IsRoot => Environment.UserName == "root";

    private Task<string> RunHereAsync(string program, params string[] arguments)
    {
        var file = Path.Combine(programs!, program);
        return IsRoot ? RunAsync("runuser", ["-u", "postgres", "--", file, .. arguments]) : RunAsync(file, arguments);
    }

    private async Task<string> RunAsync(string program, params string[] arguments)
    {
        // the server that pg_ctl leaves behind keeps what it inherits: its output must not be a pipe that is read to the end
        var output = Path.Combine(directory.FullName, $"output{Guid.NewGuid():N}");
        var start = new ProcessStartInfo("/bin/sh") { WorkingDirectory = "/" };
        foreach (var argument in (string[])["-c", $"exec \"$@\" > '{output}' 2>&1 < /dev/null", "sh", program, .. arguments]) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        await process.WaitForExitAsync();
        var text = await File.ReadAllTextAsync(output);
        return process.ExitCode == 0 ? text.Trim() : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {text}");
    }
}

/// <summary>Tests on one server, one after the other: some of them stop it.</summary>
[CollectionDefinition(Name)]
public sealed class PostgresTests : ICollectionFixture<PostgresServer>
{
    public const string Name = "PostgreSQL";
}
