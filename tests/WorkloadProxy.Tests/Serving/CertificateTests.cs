using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Time.Testing;

namespace WorkloadProxy.Tests.Serving;

/// <summary>Certificates that are replaced while the server runs, in the ways that people and programs replace them; through a TLS connection.</summary>
public sealed class CertificateTests : IAsyncLifetime
{
    private static readonly X509Certificate2 root = Issue("root", null, authority: true), intermediate = Issue("intermediate", root, authority: true);

    private readonly TemporaryDirectory folder = new();
    private readonly FakeTimeProvider time = new(TimeProvider.System.GetUtcNow());
    private TestProxy? proxy;

    public ValueTask InitializeAsync() => default;

    public async ValueTask DisposeAsync()
    {
        if (proxy is not null) await proxy.DisposeAsync();
        folder.Dispose();
    }

    [Fact]
    public async Task A_certificate_replaced_by_rename_or_written_in_place_is_in_use_within_10_seconds_with_its_chain()
    {
        Write("tls.crt", "tls.key", "first");
        await StartAsync(new() { ["Kestrel:Endpoints:a:Certificate:Path"] = "tls.crt", ["Kestrel:Endpoints:a:Certificate:KeyPath"] = "tls.key" });
        Assert.Equal(("first", "intermediate"), await SeenAsync());

        Write("new.crt", "new.key", "renamed");
        File.Move(Path.Combine(folder.Path, "new.crt"), Path.Combine(folder.Path, "tls.crt"), overwrite: true);
        File.Move(Path.Combine(folder.Path, "new.key"), Path.Combine(folder.Path, "tls.key"), overwrite: true);
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(("renamed", "intermediate"), await SeenAsync());

        Write("tls.crt", "tls.key", "in place");
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(("in place", "intermediate"), await SeenAsync());
    }

    [Fact]
    public async Task A_link_on_the_way_that_leads_elsewhere_is_followed_as_Kubernetes_and_certbot_leave_it()
    {
        Write("..1/tls.crt", "..1/tls.key", "first");
        Directory.CreateSymbolicLink(Path.Combine(folder.Path, "..data"), "..1");
        foreach (var name in new[] { "tls.crt", "tls.key" }) File.CreateSymbolicLink(Path.Combine(folder.Path, name), Path.Combine("..data", name));
        await StartAsync(new() { ["Kestrel:Certificates:Default:Path"] = "tls.crt", ["Kestrel:Certificates:Default:KeyPath"] = "tls.key" });
        Assert.Equal("first", (await SeenAsync()).Name);

        Write("..2/tls.crt", "..2/tls.key", "swapped");
        Directory.CreateSymbolicLink(Path.Combine(folder.Path, "..tmp"), "..2");
        Assert.Equal(0, Rename(Path.Combine(folder.Path, "..tmp"), Path.Combine(folder.Path, "..data")));
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("swapped", (await SeenAsync()).Name);

        Write("archive/cert2.pem", "archive/key2.pem", "certbot");
        foreach (var (name, target) in new[] { ("tls.crt", "archive/cert2.pem"), ("tls.key", "archive/key2.pem") })
        {
            File.Delete(Path.Combine(folder.Path, name));
            File.CreateSymbolicLink(Path.Combine(folder.Path, name), target);
        }
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("certbot", (await SeenAsync()).Name);
    }

    [Fact]
    public async Task A_certificate_of_one_host_name_is_read_again_and_the_others_are_left_alone()
    {
        Write("a.crt", "a.key", "a.test");
        File.WriteAllBytes(Path.Combine(folder.Path, "b.pfx"), Issue("b.test", intermediate).Export(X509ContentType.Pkcs12, "pw"));
        await StartAsync(new()
        {
            ["Kestrel:Endpoints:a:Sni:a.test:Certificate:Path"] = "a.crt",
            ["Kestrel:Endpoints:a:Sni:a.test:Certificate:KeyPath"] = "a.key",
            ["Kestrel:Endpoints:a:Sni:b.test:Certificate:Path"] = "b.pfx",
            ["Kestrel:Endpoints:a:Sni:b.test:Certificate:Password"] = "pw",
        });

        File.WriteAllBytes(Path.Combine(folder.Path, "b.pfx"), Issue("new b", intermediate).Export(X509ContentType.Pkcs12, "pw"));
        time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(("a.test", "new b"), ((await SeenAsync("a.test")).Name, (await SeenAsync("b.test")).Name));
    }

    [Theory]
    [InlineData("gone")]
    [InlineData("garbage")]
    [InlineData("another key")]
    [InlineData("expired")]
    [InlineData("for clients")]
    public async Task A_broken_one_leaves_the_old_one_in_use_and_a_right_one_is_taken_afterwards(string how)
    {
        Write("tls.crt", "tls.key", "first");
        await StartAsync(new() { ["Kestrel:Endpoints:a:Certificate:Path"] = "tls.crt", ["Kestrel:Endpoints:a:Certificate:KeyPath"] = "tls.key" });
        switch (how)
        {
            case "gone": File.Delete(Path.Combine(folder.Path, "tls.crt")); break;
            case "garbage": folder.Write("tls.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"); break;
            case "another key": Write("tls.crt", "other.key", "broken"); break;
            case "expired": Write("tls.crt", "tls.key", "broken", until: -1); break;
            default: Write("tls.crt", "tls.key", "broken", usage: "1.3.6.1.5.5.7.3.2"); break;
        }
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("first", (await SeenAsync()).Name);

        Write("tls.crt", "tls.key", "second");
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("second", (await SeenAsync()).Name);
    }

    /// <summary>File.Move takes no link to a directory.</summary>
    [DllImport("libc", EntryPoint = "rename", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    private static extern int Rename(string from, string to);

    private async Task StartAsync(Dictionary<string, string?> settings)
    {
        settings["Kestrel:Endpoints:a:Url"] = "https://127.0.0.1:0";
        settings["Logging:LogLevel:Default"] = "Error";
        proxy = await TestProxy.StartAsync(configure: (options, _) => options with
            { BaseDirectory = folder.Path, Framework = new ConfigurationBuilder().AddInMemoryCollection(settings).Build() }, time: time);
    }

    /// <summary>The names of the server's certificate and of what came with it.</summary>
    private async Task<(string Name, string Chain)> SeenAsync(string host = "a.test")
    {
        var (name, sent) = ("", "");
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, proxy!.Address.Port);
        await using var tls = new SslStream(client.GetStream(), false, (_, certificate, chain, _) =>
        {
            name = ((X509Certificate2)certificate!).GetNameInfo(X509NameType.SimpleName, false);
            sent = string.Join(", ", chain!.ChainPolicy.ExtraStore.Select(extra => extra.GetNameInfo(X509NameType.SimpleName, false))
                .Where(extra => extra != name));
            return true;
        });
        await tls.AuthenticateAsClientAsync(host);
        await tls.WriteAsync("GET /health/live HTTP/1.1\r\nHost: proxy.test\r\nConnection: close\r\n\r\n"u8.ToArray());
        using var reader = new StreamReader(tls);
        Assert.StartsWith("HTTP/1.1 200 ", await reader.ReadToEndAsync());
        return (name, sent);
    }

    private void Write(string certificateFile, string keyFile, string name, int until = 1, string usage = "1.3.6.1.5.5.7.3.1")
    {
        var certificate = Issue(name, intermediate, until: until, usage: usage);
        folder.Write(certificateFile, certificate.ExportCertificatePem() + "\n" + intermediate.ExportCertificatePem() + "\n");
        folder.Write(keyFile, certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
    }

    private static X509Certificate2 Issue(string name, X509Certificate2? issuer, bool authority = false, int until = 1, string usage = "1.3.6.1.5.5.7.3.1")
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(authority, false, 0, true));
        if (!authority) request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        var now = TimeProvider.System.GetUtcNow();
        if (issuer is null) return request.CreateSelfSigned(now.AddDays(-9), now.AddDays(9));
        var generator = X509SignatureGenerator.CreateForECDsa(issuer.GetECDsaPrivateKey()!);
        return request.Create(issuer.SubjectName, generator, now.AddDays(-8), now.AddDays(authority ? 8 : until), RandomNumberGenerator.GetBytes(8))
            .CopyWithPrivateKey(key);
    }
}
