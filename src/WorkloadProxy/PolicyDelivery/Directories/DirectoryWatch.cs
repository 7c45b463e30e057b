using System.Threading.Channels;

namespace WorkloadProxy.PolicyDelivery.Directories;

/// <summary>
/// Says when to look at a directory again: the system's change events, gathered until 100 ms have been quiet, and a poll each 2 s for what events miss
/// (network file systems, exhausted watches, links that lead elsewhere).
/// </summary>
internal sealed class DirectoryWatch : IDisposable
{
    private static readonly TimeSpan quiet = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan pollInterval = TimeSpan.FromSeconds(2);
    // who writes without end is not waited for without end
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(1);
    private const int MostNamed = 64;
    private readonly Channel<Wake> wakes = Channel.CreateBounded<Wake>(new BoundedChannelOptions(16) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly List<FileSystemWatcher> watchers = [];
    private readonly string directory;
    private readonly TimeProvider time;
    private readonly ITimer timer;
    private readonly ILogger logger;
    private readonly Lock gate = new();
    private HashSet<string> named = new(StringComparer.Ordinal);
    private bool everything;
    private long lastEvent;
    private bool warned;

    public DirectoryWatch(string directory, TimeProvider time, ILogger logger)
    {
        (this.directory, this.time, this.logger) = (directory, time, logger);
        timer = time.CreateTimer(_ => wakes.Writer.TryWrite(Wake.Poll), null, pollInterval, pollInterval);
    }

    /// <summary>What woke the watcher up.</summary>
    public enum Wake { Poll, Event }

    /// <summary>Whether <see cref="Follow"/> was called.</summary>
    public bool IsFollowing { get; private set; }

    /// <summary>
    /// Watches the directory for names that come and go, and <paramref name="trees"/> for everything under them. All watches are recreated: one holds on to
    /// a directory that was deleted, whatever has its name now.
    /// </summary>
    public void Follow(IReadOnlyList<string> trees)
    {
        IsFollowing = true;
        foreach (var watcher in watchers) watcher.Dispose();
        watchers.Clear();
        // at the top only names count: an audit file written there must not have the policies read again and again
        Watch(directory, NotifyFilters.FileName | NotifyFilters.DirectoryName, recursive: false);
        foreach (var tree in trees)
            Watch(tree, NotifyFilters.FileName | NotifyFilters.DirectoryName | NotifyFilters.LastWrite | NotifyFilters.Size | NotifyFilters.CreationTime,
                recursive: true);
    }

    /// <summary>Waits until there is reason to look.</summary>
    public async Task<Wake> WaitAsync(CancellationToken cancellationToken)
    {
        var wake = await wakes.Reader.ReadAsync(cancellationToken);
        wake = Drain(wake);
        if (wake == Wake.Poll) return wake;
        var woken = time.GetTimestamp();
        while (quiet - time.GetElapsedTime(Volatile.Read(ref lastEvent)) is { Ticks: > 0 } rest && time.GetElapsedTime(woken) < patience)
            await Task.Delay(rest, time, cancellationToken);
        return Drain(wake);
    }

    /// <summary>What events have named so far; begins anew.</summary>
    public ChangedPaths TakeChanged()
    {
        lock (gate)
        {
            var taken = new ChangedPaths(named, everything);
            (named, everything) = (new HashSet<string>(StringComparer.Ordinal), false);
            return taken;
        }
    }

    public void Dispose()
    {
        timer.Dispose();
        foreach (var watcher in watchers) watcher.Dispose();
    }

    private Wake Drain(Wake wake)
    {
        while (wakes.Reader.TryRead(out var next)) wake = next == Wake.Event ? next : wake;
        return wake;
    }

    private void Watch(string path, NotifyFilters filters, bool recursive)
    {
        FileSystemWatcher? watcher = null;
        try
        {
            watcher = new FileSystemWatcher(path) { NotifyFilter = filters, IncludeSubdirectories = recursive };
            watcher.Changed += (_, change) => Signal(change.FullPath);
            watcher.Created += (_, change) => Signal(change.FullPath);
            watcher.Deleted += (_, change) => Signal(change.FullPath);
            watcher.Renamed += (_, change) => Signal(change.OldFullPath, change.FullPath);
            watcher.Error += (_, _) => Signal();
            watcher.EnableRaisingEvents = true;
            watchers.Add(watcher);
        }
        catch (Exception e) when (e is IOException or ArgumentException or UnauthorizedAccessException)
        {
            watcher?.Dispose();
            // a directory that is not there is reported by who reads it
            if (!Directory.Exists(path)) return;
            if (!warned) logger.LogWarning("`{Directory}` can't be watched, changes are found by looking each 2 s: {Reason}", path, e.Message);
            warned = true;
        }
    }

    /// <summary>Without paths: events were lost.</summary>
    private void Signal(params ReadOnlySpan<string> paths)
    {
        lock (gate)
        {
            everything |= paths.IsEmpty || named.Count + paths.Length > MostNamed;
            if (!everything) foreach (var path in paths) named.Add(path);
        }
        Volatile.Write(ref lastEvent, time.GetTimestamp());
        wakes.Writer.TryWrite(Wake.Event);
    }
}
