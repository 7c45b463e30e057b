using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using WorkloadProxy.Configuration;
using WorkloadProxy.Git;
using WorkloadProxy.PolicyDelivery.Remote;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.GitHosting;

public class RemoteAddressTests
{
    [Fact]
    public async Task The_token_goes_to_the_remote_alone_and_a_redirect_is_not_followed()
    {
        using var directory = new TemporaryDirectory();
        using var certificate = Certificate();
        // git trusts what its environment says; nothing else in these tests asks for https
        Environment.SetEnvironmentVariable("GIT_SSL_CAINFO", directory.Write("ca.pem", certificate.ExportCertificatePem()));
        var seen = new List<(string Target, string Authorization)>();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        builder.WebHost.UseKestrelHttpsConfiguration();
        await using var app = builder.Build();
        app.Run(context =>
        {
            lock (seen) seen.Add((context.Features.Get<IHttpRequestFeature>()!.RawTarget, context.Request.Headers.Authorization.ToString()));
            context.Response.Redirect("https://127.0.0.1:1/elsewhere/info/refs?service=git-upload-pack");
            return Task.CompletedTask;
        });
        await app.StartAsync();
        var mirror = Mirror(directory,
            new RemoteGitOptions { Url = $"{app.Urls.First()}/acme/rbac.git", TokenFile = directory.Write("token", "ghs_secret\n") });

        var look = await mirror.LookAsync(CancellationToken.None);

        Assert.Null(look.Tip);
        Assert.Contains("302", look.Problem);
        Assert.DoesNotContain("ghs_secret", look.Problem);
        Assert.Equal([("/acme/rbac.git/info/refs?service=git-upload-pack", "Basic " + Convert.ToBase64String("x-access-token:ghs_secret"u8))], seen);
    }

    [Fact]
    public async Task Ssh_is_run_with_our_options_and_no_shell()
    {
        if (OperatingSystem.IsWindows()) return;
        using var directory = new TemporaryDirectory();
        var bin = Path.Combine(directory.Path, "bin");
        var ssh = directory.Write("bin/ssh", "#!/bin/sh\nfor a in \"$@\"; do printf '%s\\n' \"$a\"; done\n");
        File.SetUnixFileMode(ssh, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var start = new ProcessStartInfo(OwnProgram.Path, ["-p", "22", "git@host", "git-upload-pack '/a;touch x'"]) { RedirectStandardOutput = true };
        foreach (var (name, value) in GitSsh.Environment(new GitDirectories(directory.Path), "/etc/known hosts", "/run/key%h")) start.Environment[name] = value;
        start.Environment["PATH"] = $"{bin}:{start.Environment["PATH"]}";
        using var process = Process.Start(start)!;
        var arguments = (await process.StandardOutput.ReadToEndAsync()).TrimEnd('\n').Split('\n');
        await process.WaitForExitAsync();

        Assert.Equal(["-F", "none"], arguments[..2]);
        Assert.Contains("StrictHostKeyChecking=yes", arguments);
        Assert.Contains("UserKnownHostsFile=\"/etc/known hosts\"", arguments);
        Assert.Contains("IdentityFile=\"/run/key%%h\"", arguments);
        Assert.Equal(["-p", "22", "git@host", "git-upload-pack '/a;touch x'"], arguments[^4..]);
    }

    [Fact]
    public async Task Ssh_without_known_hosts_is_not_tried()
    {
        using var directory = new TemporaryDirectory();

        var look = await Mirror(directory, new RemoteGitOptions { Url = "ssh://git@127.0.0.1:1/acme/rbac.git" }).LookAsync(CancellationToken.None);

        Assert.Equal("ssh needs `KnownHostsFile`", look.Problem);
    }

    [Fact]
    public async Task The_configuration_of_a_work_tree_around_the_data_directory_is_not_read()
    {
        using var git = await GitClient.InitAsync();
        using var directory = new TemporaryDirectory();
        await git.CommitAsync();
        var around = await git.RunInAsync(directory.Path, null, "init", "--quiet");
        Assert.True(around.Succeeded, around.Errors);
        await git.RunInAsync(directory.Path, null, "config", "url.file:///nowhere.insteadOf", new Uri(git.WorkTree).AbsoluteUri);

        var look = await Mirror(directory, new RemoteGitOptions { Url = new Uri(git.WorkTree).AbsoluteUri }).LookAsync(CancellationToken.None);

        Assert.Equal(await git.RunAsync("rev-parse", "HEAD"), look.Tip.ToString());
    }

    private static RemoteGitMirror Mirror(TemporaryDirectory directory, RemoteGitOptions remote)
    {
        var directories = new GitDirectories(Path.Combine(directory.Path, "data"));
        directories.Prepare();
        var options = new GitOptions();
        return new RemoteGitMirror(TestProxy.DigitalOcean, remote, options, new GitProgram(directories, options, TimeProvider.System));
    }

    private static X509Certificate2 Certificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var signed = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(signed.Export(X509ContentType.Pfx), null);
    }
}
