using System.Text;
using WorkloadProxy.Configuration;
using WorkloadProxy.Git;
using WorkloadProxy.Policies;
using WorkloadProxy.Secrets;

namespace WorkloadProxy.PolicyDelivery.Remote;

/// <summary>A look at the remote: where its branch stands, or why that can't be told.</summary>
internal readonly record struct RemoteLook(ObjectId? Tip, string? Problem);

/// <summary>The bare mirror of one branch of a remote, in the data directory: shallow, without tags, never checked out.</summary>
internal sealed class RemoteGitMirror(AuthContext context, RemoteGitOptions remote, GitOptions options, GitProgram git)
{
    private const string Incoming = "refs/heads/incoming";
    private const int MaxSecret = 16 * 1024;
    private readonly string branch = $"refs/heads/{remote.Branch}";

    public string Directory { get; } = Path.Combine(git.Directories.Mirrors, GitDirectories.NameOf(context));

    /// <summary>Asks where the branch stands; nothing is fetched.</summary>
    public async Task<RemoteLook> LookAsync(CancellationToken cancellationToken)
    {
        using var key = CopyKey(out var unreadable);
        if (!TryConnect(key, out var command, out var problem, unreadable)) return new(null, problem);
        var result = await git.RunAsync(command with { Arguments = ["ls-remote", "--quiet", "--end-of-options", remote.Url, branch] }, cancellationToken);
        if (!result.Succeeded) return new(null, result.Problem);
        foreach (var line in result.Text.Split('\n'))
        {
            // the pattern also matches the end of longer names
            if (line.Split('\t') is [var hex, var name] && name == branch && ObjectId.TryParse(hex, out var tip)) return new(tip, null);
        }
        return new(null, $"the remote has no branch `{remote.Branch}`");
    }

    /// <summary>
    /// Fetches the branch; the commit that is there afterwards. <paramref name="withHistory"/>: back to what the mirror has already, not the tip alone.
    /// </summary>
    public async Task<RemoteLook> FetchAsync(ObjectId expected, bool withHistory, CancellationToken cancellationToken)
    {
        if (await PrepareAsync(expected, cancellationToken) is { } unprepared) return new(null, unprepared);
        if (await RunFetchAsync(withHistory ? [] : ["--depth=1"], cancellationToken) is { } problem) return new(null, problem);
        return RefFile.Read(Directory, Incoming) is { } tip ? new(tip, null) : new(null, "the fetched commit is not there");
    }

    /// <summary>Null when the branch was fetched, within <c>Git:MaxSize</c>.</summary>
    private async Task<string?> RunFetchAsync(string[] depth, CancellationToken cancellationToken)
    {
        using var key = CopyKey(out var unreadable);
        if (!TryConnect(key, out var command, out var problem, unreadable)) return problem;
        var result = await git.RunAsync(command with
        {
            Arguments = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-auto-gc", "--no-write-fetch-head", .. depth, "--end-of-options",
                remote.Url, $"+{branch}:{Incoming}"],
            Repository = Directory,
            GrowingDirectory = Directory,
            MaxGrowth = options.MaxSize,
        }, cancellationToken);
        if (result.Succeeded) return null;
        Discard(result);
        return result.Problem;
    }

    /// <summary>What was too large or too slow is not kept, nor the half of a pack that the disk had room for; what is missing then is fetched again.</summary>
    private void Discard(GitResult result)
    {
        if (result.Stopped is not null && System.IO.Directory.Exists(Directory)) System.IO.Directory.Delete(Directory, recursive: true);
        else if (!result.Succeeded) RemoveTemporary();
    }

    /// <summary>Null when that can't be told: the mirror has not enough history.</summary>
    public async Task<bool?> DescendsAsync(ObjectId commit, ObjectId ancestor, CancellationToken cancellationToken)
    {
        var result = await git.RunAsync(new GitCommand("merge-base", "--is-ancestor", "--end-of-options", ancestor.ToString(), commit.ToString())
            { Repository = Directory }, cancellationToken);
        return result.Succeeded ? true : result is { Stopped: null, ExitCode: 1 } && !File.Exists(Path.Combine(Directory, "shallow")) ? false : null;
    }

    /// <summary>All of the branch's history, within <c>Git:MaxSize</c>; null when it is there.</summary>
    public Task<string?> DeepenAsync(CancellationToken cancellationToken) =>
        RunFetchAsync(File.Exists(Path.Combine(Directory, "shallow")) ? ["--unshallow"] : [], cancellationToken);

    private async Task<string?> PrepareAsync(ObjectId expected, CancellationToken cancellationToken)
    {
        try
        {
            // a mirror of the other object format, or one that has grown beyond use, begins anew: all of it can be fetched again
            var format = expected.RawLength == 32 ? "sha256" : "sha1";
            var known = RefFile.Read(Directory, Incoming);
            if (System.IO.Directory.Exists(Directory)
                && ((known is { } tip && tip.RawLength != expected.RawLength) || GitProgram.SizeOf(Directory) > 10 * options.MaxSize))
                System.IO.Directory.Delete(Directory, recursive: true);
            RemoveTemporary();
            if (File.Exists(Path.Combine(Directory, "HEAD"))) return null;
            if (System.IO.Directory.Exists(Directory)) System.IO.Directory.Delete(Directory, recursive: true);
            var made = await git.RunAsync(new GitCommand("init", "--bare", "--quiet", "--template=", $"--object-format={format}", "--end-of-options",
                Directory), cancellationToken);
            return made.Succeeded ? null : made.Problem;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    /// <summary>What a fetch that was killed has left.</summary>
    private void RemoveTemporary()
    {
        if (!System.IO.Directory.Exists(Directory)) return;
        foreach (var left in System.IO.Directory.EnumerateFiles(Directory, "*", SearchOption.AllDirectories)
            .Where(file => file.EndsWith(".lock", StringComparison.Ordinal) || Path.GetFileName(file).StartsWith("tmp_", StringComparison.Ordinal)).ToList())
            File.Delete(left);
    }

    private SshKeyCopy? CopyKey(out string? problem)
    {
        problem = null;
        try
        {
            return remote is { SshKeyFile: { } file } && remote.Url.StartsWith("ssh://", StringComparison.Ordinal)
                ? SshKeyCopy.Of(file, git.Directories) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = e.Message;
            return null;
        }
    }

    /// <summary>How the remote is reached. Secrets are read anew each time, so a rotated one counts, and travel in the environment.</summary>
    private bool TryConnect(SshKeyCopy? key, out GitCommand command, out string? problem, string? unreadable)
    {
        command = new GitCommand();
        problem = unreadable;
        if (problem is not null) return false;
        try
        {
            if (remote.TokenFile is { } file)
            {
                var token = ReadSecret(file);
                if (!SecretFile.IsToken(token)) problem = $"token file `{file}` is empty, or holds a character that can't be in a header";
                else
                    command = command with
                    { Settings = [("http.extraHeader", $"Authorization: Basic {Convert.ToBase64String(Encoding.ASCII.GetBytes($"x-access-token:{token}"))}")] };
            }
            if (remote.Url.StartsWith("ssh://", StringComparison.Ordinal))
            {
                if (remote.KnownHostsFile is not { } knownHosts) problem = "ssh needs `KnownHostsFile`";
                else command = command with { Environment = GitSsh.Environment(git.Directories, knownHosts, key?.Path) };
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = e.Message;
        }
        return problem is null;
    }

    /// <summary>The secret, or nothing if it is longer than any of a remote's is.</summary>
    public static string ReadSecret(string file) => SecretFile.Read(file, MaxSecret) is { Length: <= MaxSecret } secret ? secret : "";
}
