using System.Net;
using System.Text;
using WorkloadProxy.Configuration;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;
using WorkloadProxy.Processes;
using WorkloadProxy.Requests;
using WorkloadProxy.Upstreams.DigitalOcean;

namespace WorkloadProxy.Provisioning;

/// <summary>
/// Reads a VM's host keys from its sshd, and verifies with <c>ssh-keygen</c> that one of them signed. Both programs get little time, and are killed then.
/// </summary>
internal sealed class HostKeys(ProvisioningOptions options, string dataDirectory, TimeProvider time)
{
    private const string Namespace = "prove-sshd";
    private static readonly TimeSpan scanLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan verifyLimit = TimeSpan.FromSeconds(5);
    private readonly ScanPlaces places = new(time);
    private readonly string temporary = Path.Combine(dataDirectory, "provisioning");

    /// <summary>Removes what a killed server left of proofs under way. Before the first one.</summary>
    public void RemoveLeftovers()
    {
        try
        {
            if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // it is in nobody's way, and a proof that can't write there says so
        }
    }

    /// <summary>
    /// Where the droplet's sshd is asked: what the API says and nobody else, and no address inside our own network unless that is configured.
    /// </summary>
    public Result<IPAddress> AddressOf(Droplet droplet)
    {
        if (droplet.PublicAddresses.FirstOrDefault(PublicAddress.Contains) is { } address) return address;
        if (options.AllowPrivateAddresses && droplet.PublicAddresses.Concat(droplet.PrivateAddresses).FirstOrDefault() is { } inside) return inside;
        return new Failure(ErrorId.Forbidden, "the droplet has no public address")
            { Detail = "`Provisioning:AllowPrivateAddresses` would permit a private one" };
    }

    /// <summary>The keys that sshd at the address shows now; at least one, or a failure that spends nothing.</summary>
    public async Task<Result<IReadOnlyList<SshPublicKey>>> ScanAsync(AuthContext context, IPAddress address, CancellationToken cancellationToken)
    {
        using var place = await places.TakeAsync(context, cancellationToken);
        if (place is null) return NoKeys("too many scans are under way");
        var scan = Program("ssh-keyscan", "-T", "5", "-p", $"{options.SshPort}", "-t", "ed25519,ecdsa,rsa", address.ToString());
        var result = await scan.RunAsync(scanLimit, time, cancellationToken);
        if (result.Stopped is { } stopped) return NoKeys(stopped);
        var lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var keys = lines.Select(SshPublicKey.OfScannedLine).OfType<SshPublicKey>().Distinct().ToList();
        return keys.Count == 0 ? NoKeys($"no host key from `{address}` port {options.SshPort}") : keys;
    }

    /// <summary>Whether one of <paramref name="keys"/> signed exactly these bytes for the droplet; a failure when <c>ssh-keygen</c> could not say.</summary>
    public async Task<Failure?> VerifyAsync(
        IReadOnlyList<SshPublicKey> keys, SshSignature signature, byte[] signed, string dropletId, CancellationToken cancellationToken)
    {
        var directory = Path.Combine(temporary, Guid.NewGuid().ToString("N"));
        try
        {
            MakePrivate(temporary);
            MakePrivate(directory);
            var allowed = Path.Combine(directory, "allowed_signers");
            var proof = Path.Combine(directory, "signature");
            var signers = string.Concat(keys.Select(key => $"{dropletId} namespaces=\"{Namespace}\" {key}\n"));
            await File.WriteAllTextAsync(allowed, signers, Encoding.ASCII, cancellationToken);
            await File.WriteAllTextAsync(proof, signature.Armored, Encoding.ASCII, cancellationToken);
            // `check-novalidate` would compare with nothing
            var verify = Program("ssh-keygen", "-Y", "verify", "-n", Namespace, "-I", dropletId, "-f", allowed, "-s", proof) with { Input = signed };
            var result = await verify.RunAsync(verifyLimit, time, cancellationToken);
            if (result.Stopped is { } stopped) return NoKeys(stopped);
            return result.Succeeded ? null : new Failure(ErrorId.InvalidToken, "the signature is not one of this token by a host key of the droplet");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return NoKeys(e.Message);
        }
        finally
        {
            if (Directory.Exists(directory)) Directory.Delete(directory, recursive: true);
        }
    }

    private ChildProgram Program(string name, params string[] arguments) => new(name, arguments)
    {
        WorkingDirectory = "/",
        Environment = [("PATH", Environment.GetEnvironmentVariable("PATH") ?? "/usr/bin:/bin"), ("HOME", "/nonexistent"), ("LC_ALL", "C")],
    };

    private static Failure NoKeys(string detail) => new(ErrorId.UpstreamUnreachable, "the droplet's SSH host keys are unavailable now")
    {
        Detail = detail,
        TryAgain = true,
        RetryAfter = TimeSpan.FromSeconds(5),
    };

    private static void MakePrivate(string directory)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(directory);
        else Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
