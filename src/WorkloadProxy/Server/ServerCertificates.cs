using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;

namespace WorkloadProxy.Server;

/// <summary>
/// The certificate files that the section <c>Kestrel</c> names, looked at every three seconds. Kestrel reads them once, and its own reloading would watch no
/// link and restart the endpoint with all its connections; here each new connection gets the certificate in use.
/// </summary>
internal sealed class ServerCertificates : IDisposable
{
    private static readonly TimeSpan period = TimeSpan.FromSeconds(3);

    private readonly Dictionary<string, CertificateFile> byFirst = new(StringComparer.Ordinal);
    private readonly ITimer? timer;

    public ServerCertificates(IConfiguration kestrel, string baseDirectory, TimeProvider time, ILogger<ServerCertificates> logger)
    {
        var endpoints = kestrel.GetSection("Endpoints").GetChildren().ToList();
        var sections = endpoints.Concat(endpoints.SelectMany(endpoint => endpoint.GetSection("Sni").GetChildren()))
            .Select(endpoint => endpoint.GetSection("Certificate"))
            .Concat(kestrel.GetSection("Certificates").GetChildren());
        foreach (var section in sections)
        {
            if (section["Path"] is not { } path) continue;
            var file = new CertificateFile(Absolute(path), section["KeyPath"] is { } key ? Absolute(key) : null, section["Password"], logger);
            file.Look(time.GetUtcNow());
            // what can't be read now is for Kestrel's own start to refuse
            if (file.Current is { } first) byFirst.TryAdd(first.TargetCertificate.Thumbprint, file);
        }
        if (byFirst.Count > 0) timer = time.CreateTimer(_ => Look(time), null, period, Timeout.InfiniteTimeSpan);

        string Absolute(string path) => Path.GetFullPath(path, baseDirectory);
    }

    /// <summary>
    /// Puts the certificate in use in place of the one that Kestrel read at its start, whether it is an endpoint's, a host name's or the default.
    /// </summary>
    public void Use(ConnectionContext connection, SslServerAuthenticationOptions options)
    {
        var first = options.ServerCertificateContext?.TargetCertificate ?? options.ServerCertificate as X509Certificate2;
        if (first is null || !byFirst.TryGetValue(first.Thumbprint, out var file)) return;
        options.ServerCertificateContext = file.Current;
        options.ServerCertificate = null;
    }

    private void Look(TimeProvider time)
    {
        foreach (var file in byFirst.Values) file.Look(time.GetUtcNow());
        // one look at a time, however long a stapled OCSP answer takes
        timer?.Change(period, Timeout.InfiniteTimeSpan);
    }

    public void Dispose() => timer?.Dispose();
}
