using System.Collections.Concurrent;
using System.Globalization;
using System.IO.Enumeration;
using WorkloadProxy.Configuration;
using WorkloadProxy.Git;
using WorkloadProxy.Policies;

namespace WorkloadProxy.PolicyDelivery.Hosted.Repositories;

/// <summary>
/// One context's bare repository on the disk. Made when it is first asked for; its branch <c>main</c> is the truth about the context's policy.
/// </summary>
internal sealed class HostedRepository(AuthContext context, HostedGitOptions options, GitProgram git, TimeProvider time, long maxSpooled = long.MaxValue)
{
    public const string Main = "refs/heads/main";
    public const string Schema = "refs/heads/schema";
    // deeper than any ref may be: a path that is too long for the system would end the count, and with it every push
    private const int MaxDepth = 32;
    private const string GeneratedRef = RefFile.OwnRefs + "/generated";
    private const string CopyMark = "copy-of-the-store";

    private string? accepted;
    private RepositoryState? copied;
    private long trustedUntil;
    private volatile bool isDoubted;
    // a file's time is the kernel's, which is a little behind
    private static readonly TimeSpan clockGrain = TimeSpan.FromSeconds(1);
    private readonly ConcurrentDictionary<PushEnd, DateTimeOffset> activePushes = new();
    private int cleanings;
    private long spooled;

    public AuthContext Context => context;
    public HostedGitOptions Options => options;

    /// <summary>Below the repositories' directory.</summary>
    public string Name { get; } = GitDirectories.NameOf(context);
    public string Directory => Path.Combine(git.Directories.Repositories, Name);
    public bool Exists => File.Exists(Path.Combine(Directory, "HEAD"));

    /// <summary>Pushes of one repository pass the gate one after the other; it is held until what was accepted is in force.</summary>
    public SemaphoreSlim Gate { get; } = new(1);

    /// <summary>Of the requests that git runs for at once, those that this context may have.</summary>
    public SemaphoreSlim Places { get; } = new(GitPlaces.OfOneContext);

    /// <summary>Where <c>main</c> stands on the disk.</summary>
    public ObjectId? Tip => RefFile.Read(Directory, Main);

    /// <summary>
    /// Where <c>main</c> has to stand: where it was when it was loaded, or what was accepted since; null before that. A git that outlived a killed server can
    /// still move the branch after the next one has begun: what it wrote is put back. Unused where the repository is a copy. Written only within the gate.
    /// </summary>
    public string? Accepted { get => Volatile.Read(ref accepted); set => Volatile.Write(ref accepted, value); }

    /// <summary>
    /// Where the store's repository stood when the disk was last made a copy of it, by this server; null when it never was. Written only within the gate.
    /// </summary>
    public RepositoryState? Copied { get => Volatile.Read(ref copied); set => Volatile.Write(ref copied, value); }

    /// <summary>git failed on it: a copy is looked through before it is used again.</summary>
    public bool IsDoubted => isDoubted;

    /// <summary>git failed, which may also be whoever asked: a copy that was found whole is not doubted again for a minute.</summary>
    public void Doubt()
    {
        if (time.GetUtcNow().ToUnixTimeMilliseconds() >= Volatile.Read(ref trustedUntil)) isDoubted = true;
    }

    /// <summary>Only within the gate.</summary>
    public void Trust()
    {
        Volatile.Write(ref trustedUntil, (time.GetUtcNow() + TimeSpan.FromMinutes(1)).ToUnixTimeMilliseconds());
        isDoubted = false;
    }

    /// <summary>What lies on the disk is a copy of the store's, by whichever server: nothing is lost with it.</summary>
    public bool IsCopy => File.Exists(Path.Combine(Directory, CopyMark));

    /// <summary>A directory in which a repository is made before all of it appears at once.</summary>
    public string Draft => Path.Combine(git.Directories.Repositories, $".new-{Name}");

    public ObjectId? SchemaTip => RefFile.Read(Directory, Schema);

    /// <summary>The commit that the server made at the beginning; the first push may replace it.</summary>
    public ObjectId? Generated => RefFile.Read(Directory, GeneratedRef);

    /// <summary>How often what no ref reaches was thrown away.</summary>
    public int Cleanings => Volatile.Read(ref cleanings);

    /// <summary>The size after all was done that makes it smaller.</summary>
    public long? CleanSize { get; private set; }

    /// <summary>In bytes, without what pushes have in quarantine. Only within the gate.</summary>
    public long Size() =>
        SizeOf(Directory, (ref FileSystemEntry entry) => !(entry.FileName.Contains("incoming-", StringComparison.Ordinal)
            && entry.Directory.EndsWith("objects", StringComparison.Ordinal)));

    public void NoteCleaned(bool isThorough)
    {
        if (isThorough) CleanSize = Size();
        Interlocked.Increment(ref cleanings);
    }

    /// <summary>Makes the repository with its first commit; null when it is there, else why not. All of it appears at once. Only within the gate.</summary>
    public async Task<string?> CreateAsync(bool asCopy, CancellationToken cancellationToken)
    {
        try
        {
            return await BuildAsync(asCopy, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    /// <summary>Takes away what a run of git that was killed, or a crash, left behind. Only while no push is in the gate.</summary>
    public void RemoveLeftovers()
    {
        foreach (var name in new[] { "packed-refs.lock", "HEAD.lock", "config.lock", "shallow.lock" }) File.Delete(Path.Combine(Directory, name));
        // what is pushed comes from quarantine whole: half a pack here is one that could not be repacked, and no pack is kept from that
        var packs = new DirectoryInfo(Path.Combine(Directory, "objects", "pack"));
        foreach (var left in packs.Exists ? packs.GetFiles() : [])
        {
            if (left.Extension == ".keep" || left.Name.StartsWith("tmp_", StringComparison.Ordinal) || left.Name.StartsWith(".tmp-", StringComparison.Ordinal))
                left.Delete();
        }
        if (!System.IO.Directory.Exists(Path.Combine(Directory, "refs"))) return;
        foreach (var (name, path) in LooseRefs.Files(Directory)) if (name.EndsWith(".lock", StringComparison.Ordinal)) File.Delete(path);
        LooseRefs.RemoveEmptyDirectories(Directory);
    }

    /// <summary>
    /// A push has begun; disposing tells its end. Then goes what killed pushes left of their quarantines: what is older than every push that goes on.
    /// </summary>
    public IDisposable BeginPush()
    {
        var push = new PushEnd(this);
        // the file system's clock, whatever the others do
        activePushes[push] = TimeProvider.System.GetUtcNow();
        return push;
    }

    /// <summary>Of all pushes that go on, and of those that were killed meanwhile, in bytes.</summary>
    public long Quarantined()
    {
        var size = 0L;
        foreach (var quarantine in Quarantines())
        {
            try
            {
                size += SizeOf(quarantine.FullName, (ref FileSystemEntry _) => true);
            }
            catch (DirectoryNotFoundException)
            {
                // its push is over
            }
        }
        return size;
    }

    /// <summary>Bytes of requests that are being received, and are not git's yet: false when they would take more than a repository may.</summary>
    public bool NoteSpooled(long bytes)
    {
        if (Interlocked.Add(ref spooled, bytes) <= maxSpooled || bytes <= 0) return true;
        Interlocked.Add(ref spooled, -bytes);
        return false;
    }

    public void RemoveQuarantines() => RemoveQuarantines(DateTimeOffset.MaxValue);

    private void RemoveQuarantines(DateTimeOffset before)
    {
        foreach (var left in Quarantines()) if (left.LastWriteTimeUtc < before) left.Delete(recursive: true);
    }

    private DirectoryInfo[] Quarantines()
    {
        var objects = new DirectoryInfo(Path.Combine(Directory, "objects"));
        return objects.Exists ? objects.GetDirectories("*incoming-*") : [];
    }

    /// <summary>Puts <c>main</c> back to the first commit, where a push was to replace it and did not.</summary>
    public Task<GitResult> RestoreGeneratedAsync(ObjectId generated, CancellationToken cancellationToken) =>
        git.RunAsync(new GitCommand("update-ref", "--end-of-options", Main, generated.ToString(), new string('0', generated.ToString().Length))
            { Repository = Directory }, cancellationToken);

    /// <summary>Puts <c>main</c> where it was accepted, wherever it stands. Only within the gate.</summary>
    public Task<GitResult> PutBackAsync(string accepted, CancellationToken cancellationToken)
    {
        RemoveLeftovers();
        return git.RunAsync(new GitCommand("update-ref", "--end-of-options", Main, accepted) { Repository = Directory }, cancellationToken);
    }

    /// <summary>Makes way for a push that replaces the first commit: to the client <c>main</c> was not there.</summary>
    public Task<GitResult> WithdrawGeneratedAsync(ObjectId generated, CancellationToken cancellationToken) =>
        git.RunAsync(new GitCommand("update-ref", "-d", "--end-of-options", Main, generated.ToString()) { Repository = Directory }, cancellationToken);

    /// <summary>Where what lies in the repository's place goes, if it must not be lost.</summary>
    public string KeptDirectory => $"{Directory}.kept-{time.GetUtcNow().ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture)}";

    /// <summary>An empty bare repository.</summary>
    public Task<GitResult> InitAsync(string directory, string format, CancellationToken cancellationToken)
    {
        GitDirectories.MakePrivate(directory);
        return git.RunAsync(new GitCommand("init", "--bare", "--quiet", "--initial-branch=main", "--template=", $"--object-format={format}", "--end-of-options",
            directory), cancellationToken);
    }

    public static void MarkAsCopy(string directory) => File.WriteAllText(Path.Combine(directory, CopyMark), "");

    /// <summary>The repository is the truth from now on, whatever it was.</summary>
    public void Unmark()
    {
        if (Exists) File.Delete(Path.Combine(Directory, CopyMark));
    }

    /// <summary>Puts a draft in the repository's place. What lies there and is no copy is kept beside it; its new name, if there was one.</summary>
    public string? Replace(string draft)
    {
        string? kept = null;
        if (Exists && !IsCopy) System.IO.Directory.Move(Directory, kept = KeptDirectory);
        else if (System.IO.Directory.Exists(Directory)) System.IO.Directory.Delete(Directory, recursive: true);
        System.IO.Directory.Move(draft, Directory);
        return kept;
    }

    private async Task<string?> BuildAsync(bool asCopy, CancellationToken cancellationToken)
    {
        var files = InitialContent.Of(context, options.InitialDirectory);
        var draft = Draft;
        if (System.IO.Directory.Exists(draft)) System.IO.Directory.Delete(draft, recursive: true);
        var made = await InitAsync(draft, options.ObjectFormat, cancellationToken);
        if (made.Succeeded)
            made = await FastImport.CommitAsync(git, draft, Main, null, files,
                "Begin with no permissions\n\nMade by workload-proxy. The first push may replace this commit.", time.GetUtcNow(), cancellationToken);
        if (!made.Succeeded) return made.Problem;
        if (RefFile.Read(draft, Main) is not { } first) return "the first commit was not made";
        made = await git.RunAsync(new GitCommand("update-ref", "--end-of-options", GeneratedRef, first.ToString()) { Repository = draft }, cancellationToken);
        if (!made.Succeeded) return made.Problem;
        if (asCopy) MarkAsCopy(draft);
        Replace(draft);
        return null;
    }

    private static long SizeOf(string directory, FileSystemEnumerable<long>.FindPredicate enters) =>
        new FileSystemEnumerable<long>(directory, (ref FileSystemEntry entry) => entry.Length,
            new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0, IgnoreInaccessible = true, MaxRecursionDepth = MaxDepth })
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => !entry.IsDirectory,
            ShouldRecursePredicate = enters,
        }.Sum();

    private void EndPush(PushEnd push)
    {
        activePushes.TryRemove(push, out _);
        try
        {
            var began = activePushes.Values;
            RemoveQuarantines(began.Count == 0 ? DateTimeOffset.MaxValue : began.Min() - clockGrain);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // one that just began may be in there; the next end tries again
        }
    }

    private sealed class PushEnd(HostedRepository repository) : IDisposable
    {
        private HostedRepository? repository = repository;
        public void Dispose() => Interlocked.Exchange(ref repository, null)?.EndPush(this);
    }
}
