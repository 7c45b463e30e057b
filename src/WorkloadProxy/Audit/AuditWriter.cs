using System.Buffers;
using System.Threading.Channels;

namespace WorkloadProxy.Audit;

/// <summary>
/// The queue of lines and the thread that writes them, in groups; a full queue waits, a failed sink is tried again until it takes them, and nothing is dropped.
/// The thread is its own: it waits for disks and pipes, and is woken neither by a timer nor through the pool, which would cost a request several system calls.
/// </summary>
/// <param name="sink">Takes the lines.</param>
/// <param name="trail">Holds what was forwarded until its line is written.</param>
/// <param name="isRequired">Whether what can't be audited must not happen.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Told of failures.</param>
internal sealed class AuditWriter(AuditSink sink, InFlightTrail trail, bool isRequired, TimeProvider time, ILogger logger)
{
    private const int MaxGroup = AuditLog.MaxGroup;
    private const int BusyGroup = 4;
    private static readonly TimeSpan stuck = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan gathering = TimeSpan.FromMilliseconds(2);
    // under load, where each wake-up and each look at the file would cost a request a system call or two
    private static readonly TimeSpan longGathering = TimeSpan.FromMilliseconds(8);

    private readonly Channel<AuditLine> lines =
        Channel.CreateBounded<AuditLine>(new BoundedChannelOptions(8192) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
    private readonly AutoResetEvent wake = new(false), turn = new(false);
    private readonly CancellationTokenSource stopping = new();
    private Task? writing;
    private volatile bool failing;
    /// <summary>Whether the thread waits for the next line to wake it, and whether somebody waits for one of those that it has not written.</summary>
    private int isIdle, isAwaited;
    /// <summary>When the write under way began, 0 for none.</summary>
    private long writingSince;

    /// <summary>Lines wait for a sink that fails.</summary>
    public bool IsFailing => failing;

    public void Start() => writing = Task.Factory.StartNew(Write, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Waits while the queue is full.</summary>
    public ValueTask AddAsync(AuditLine line) => TryAdd(line) ? default : AddWhenThereIsRoomAsync(line);

    /// <summary>Waits until the line is written: false when it could not be.</summary>
    public async Task<bool> WriteThroughAsync(AuditLine line)
    {
        await lines.Writer.WriteAsync(line);
        Volatile.Write(ref isAwaited, 1);
        wake.Set();
        return await line.Written!.Task;
    }

    /// <summary>False when the queue is full.</summary>
    public bool TryAdd(AuditLine line)
    {
        if (!lines.Writer.TryWrite(line)) return false;
        Wake();
        return true;
    }

    private async ValueTask AddWhenThereIsRoomAsync(AuditLine line)
    {
        await lines.Writer.WriteAsync(line);
        Wake();
    }

    private void Wake()
    {
        // the writer says that it is idle and then looks once more; here the line is there first, and the look at the writer comes after it
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref isIdle) == 1 && Interlocked.Exchange(ref isIdle, 0) == 1) wake.Set();
    }

    /// <summary>False when no line will come any more.</summary>
    private bool WaitForLine()
    {
        while (true)
        {
            Interlocked.Exchange(ref isIdle, 1);
            if (lines.Reader.TryPeek(out _)) break;
            if (lines.Reader.Completion.IsCompleted) return false;
            wake.WaitOne();
        }
        Volatile.Write(ref isIdle, 0);
        return true;
    }

    /// <summary>
    /// One system call for many lines: they gather for a moment; if somebody waits for one of them, only behind the work that is queued already.
    /// </summary>
    private void Gather(TimeSpan atMost)
    {
        if (Volatile.Read(ref isAwaited) == 0) wake.WaitOne(atMost);
        if (Interlocked.Exchange(ref isAwaited, 0) == 0) return;
        ThreadPool.UnsafeQueueUserWorkItem(static turn => turn.Set(), turn, preferLocal: false);
        turn.WaitOne();
    }

    private void Write()
    {
        var group = new ArrayBufferWriter<byte>(64 * 1024);
        var taken = new List<AuditLine>();
        var (isBusy, isFull) = (false, false);
        // while it is busy, no line has to wake it
        while (isBusy || WaitForLine())
        {
            if (!isFull) Gather(isBusy ? longGathering : gathering);
            while (group.WrittenCount < MaxGroup && lines.Reader.TryRead(out var line))
            {
                group.Write(line.Buffer.AsSpan(0, line.Length));
                taken.Add(line);
            }
            isFull = group.WrittenCount >= MaxGroup;
            // longer waits only what a killed process leaves in the trail
            isBusy = taken.Count >= BusyGroup && taken.TrueForAll(line => line.Slot >= 0);
            if (taken.Count == 0) continue;
            var written = WriteGroup(group, taken);
            foreach (var line in taken)
            {
                // a line that was never written stays in the trail, for the next start
                if (line.Slot >= 0 && written) trail.Release(line.Slot);
                line.Written?.TrySetResult(written);
                ArrayPool<byte>.Shared.Return(line.Buffer);
            }
            taken.Clear();
            group.ResetWrittenCount();
        }
    }

    /// <summary>Tries until the sink takes the group, or the process stops.</summary>
    private bool WriteGroup(ArrayBufferWriter<byte> group, List<AuditLine> taken)
    {
        while (true)
        {
            try
            {
                Volatile.Write(ref writingSince, time.GetTimestamp());
                sink.Write(group.WrittenSpan);
                Volatile.Write(ref writingSince, 0);
                if (failing) logger.LogInformation("the audit log can be written again");
                failing = false;
                return true;
            }
            // of any kind: a thread that ended here would leave a queue that fills, and requests that go on without their lines
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                Volatile.Write(ref writingSince, 0);
                if (!failing) logger.LogError("the audit log can't be written: {Error}", error.Message);
                failing = true;
                LetGoOfWaiting(group, taken);
            }
            if (Pause()) continue;
            logger.LogError("{Count} audit lines could not be written before the process stopped", taken.Count);
            return false;
        }
    }

    /// <summary>Until the next attempt; false when the process stops before.</summary>
    private bool Pause()
    {
        // not disposed: the timer may still be about to set it
        var elapsed = new ManualResetEvent(false);
        using var timer = time.CreateTimer(_ => elapsed.Set(), null, AuditLog.RetryAfter, Timeout.InfiniteTimeSpan);
        return WaitHandle.WaitAny([elapsed, stopping.Token.WaitHandle]) == 0;
    }

    /// <summary>
    /// Who waits for a line is told that it could not be written. What the line says then never happened (the token is not handed out): it goes, and another
    /// one will tell.
    /// </summary>
    private void LetGoOfWaiting(ArrayBufferWriter<byte> group, List<AuditLine> taken)
    {
        if (!isRequired || taken.TrueForAll(line => line.Written is null)) return;
        group.ResetWrittenCount();
        foreach (var line in taken)
        {
            if (line.Written is null) group.Write(line.Buffer.AsSpan(0, line.Length));
            else ArrayPool<byte>.Shared.Return(line.Buffer);
        }
        foreach (var line in taken) line.Written?.TrySetResult(false);
        taken.RemoveAll(line => line.Written is not null);
    }

    /// <summary>A write that never returns (a pipe that nobody reads) is a failed sink too: it is not waited for.</summary>
    public void Look()
    {
        if (Volatile.Read(ref writingSince) is not (not 0 and var since) || failing || time.GetElapsedTime(since) < stuck) return;
        failing = true;
        logger.LogError("the audit log has not taken a write for {Seconds} s", (int)stuck.TotalSeconds);
    }

    /// <summary>
    /// Lines that are queued are written, if the sink takes them within seconds: false when it took none for so long that the thread can't be waited for.
    /// </summary>
    public async Task<bool> StopAsync()
    {
        lines.Writer.Complete();
        wake.Set();
        stopping.CancelAfter(TimeSpan.FromSeconds(2));
        try
        {
            await writing!.WaitAsync(stuck);
        }
        catch (TimeoutException)
        {
            // a write that never returns must not keep the process from ending: what it holds is in the trail, for the next start
            logger.LogError("the audit log is stuck; the lines it did not take are written at the next start");
            return false;
        }
        stopping.Dispose();
        return true;
    }
}
