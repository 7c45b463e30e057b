using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Configuration;
using WorkloadProxy.Configuration;

namespace WorkloadProxy.Tests.GitHosting;

/// <summary>git's client as most people meet it: over TLS, and so over HTTP/2.</summary>
public class Http2Tests
{
    [Fact]
    public async Task A_push_and_a_clone_go_over_HTTP_2_with_large_requests_in_pieces()
    {
        await using var test = await StartAsync(20_000_000);
        await test.CommitPolicyAsync();
        var noise = await NoiseAsync(test, 3_000_000);

        var push = await test.Git.TryAsync("-c", "http.postBuffer=1000", "push", test.Url(), "main");

        Assert.True(push.Succeeded, push.Errors);
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
        test.Git.Environment["GIT_CURL_VERBOSE"] = "1";
        var clone = Path.Combine(test.Git.Home, "clone");
        var cloned = await test.Git.TryAsync("clone", "--quiet", test.Url(), clone);
        Assert.Contains("HTTP/2 200", cloned.Errors);
        Assert.Equal(noise, await File.ReadAllBytesAsync(Path.Combine(clone, "noise")));
    }

    [Theory]
    [InlineData("1000")]
    [InlineData("50000000")]
    public async Task Whoever_pushes_too_much_over_HTTP_2_reads_so(string buffer)
    {
        await using var test = await StartAsync(1_000_000);
        await test.CommitPolicyAsync();
        await NoiseAsync(test, 3_500_000);

        var push = await test.Git.TryAsync("-c", $"http.postBuffer={buffer}", "push", test.Url(), "main");

        Assert.False(push.Succeeded);
        Assert.Contains("pack exceeds maximum allowed size", push.Errors);
        Assert.Contains("! [remote rejected] main -> main (unpacker error)", push.Errors);
        Assert.DoesNotContain("RPC failed", push.Errors);
    }

    private static async Task<byte[]> NoiseAsync(HostedTest test, int length)
    {
        var noise = new byte[length];
        new Random(1).NextBytes(noise);
        await File.WriteAllBytesAsync(Path.Combine(test.Git.WorkTree, "noise"), noise);
        await test.Git.CommitAsync();
        return noise;
    }

    private static async Task<HostedTest> StartAsync(long maxSize)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=proxy.test", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        var test = await HostedTest.StartAsync(configure: (options, _) =>
        {
            var folder = Path.GetDirectoryName(options.Audit.File)!;
            File.WriteAllText(Path.Combine(folder, "tls.pem"), certificate.ExportCertificatePem());
            File.WriteAllText(Path.Combine(folder, "tls.key"), key.ExportPkcs8PrivateKeyPem());
            return options with
            {
                Git = new GitOptions { MaxSize = maxSize },
                Framework = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
                {
                    ["Logging:LogLevel:Default"] = "Error",
                    // the first is the tests' own client's
                    ["Kestrel:Endpoints:a:Url"] = "http://127.0.0.1:0",
                    ["Kestrel:Endpoints:tls:Url"] = "https://127.0.0.1:0",
                    ["Kestrel:Endpoints:tls:Certificate:Path"] = Path.Combine(folder, "tls.pem"),
                    ["Kestrel:Endpoints:tls:Certificate:KeyPath"] = Path.Combine(folder, "tls.key"),
                }).Build(),
            };
        });
        test.Git.Environment["GIT_SSL_NO_VERIFY"] = "1";
        return test;
    }
}
