using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using WorkloadProxy.Configuration;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;

namespace WorkloadProxy.Audit;

/// <summary>
/// One line a request. Lines go through pooled buffers and one writer, in groups; a full queue waits, a failed sink is tried again until it takes them, and
/// nothing is dropped. While the sink fails and <c>Audit:Required</c> is true, <see cref="Unavailable"/> refuses further requests.
/// </summary>
internal sealed class AuditLog : IAsyncDisposable
{
    private const int MaxGroup = 256 * 1024;
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Stuck = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan gathering = TimeSpan.FromMilliseconds(2);

    [ThreadStatic]
    private static (ArrayBufferWriter<byte> Buffer, Utf8JsonWriter Json)? scratch;

    private readonly Channel<AuditLine> lines =
        Channel.CreateBounded<AuditLine>(new BoundedChannelOptions(8192) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
    private readonly AuditOptions options;
    private readonly AuditSink sink;
    private readonly InFlightTrail trail;
    private readonly UnauthenticatedLimit unauthenticated = new();
    private readonly InFlightShares shares = new(InFlightTrail.SlotCount);
    private readonly TimeProvider time;
    private readonly ILogger<AuditLog> logger;
    /// <summary>Released once for each line that somebody waits for.</summary>
    private readonly SemaphoreSlim awaited = new(0);
    private readonly CancellationTokenSource stopping = new();
    private readonly ITimer everySecond;
    private readonly Task writer;
    private volatile bool failing;
    /// <summary>When the write under way began, 0 for none.</summary>
    private long writingSince;

    /// <summary>Writes out what the last process left behind, then starts. Throws <see cref="IOException"/> when neither trail nor sink can be had.</summary>
    public AuditLog(ProxyOptions proxy, TimeProvider time, ILogger<AuditLog> logger)
    {
        (options, this.time, this.logger) = (proxy.Audit, time, logger);
        sink = new AuditSink(options.File);
        var path = Path.Combine(proxy.DataDirectory, "audit.inflight");
        WriteLeftBehind(path);
        trail = new InFlightTrail(path);
        writer = Task.Run(WriteAsync);
        everySecond = time.CreateTimer(_ =>
        {
            LookAtWriter();
            EnqueueSuppressed();
        }, null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
    }

    /// <summary>Why no request may go on now, or null.</summary>
    public Failure? Unavailable => failing && options.Required
        ? new Failure(ErrorId.AuditUnavailable, "the audit log can't be written, and requests that can't be audited are refused") { RetryAfter = RetryAfter }
        : null;

    /// <summary>Lines wait for a sink that fails.</summary>
    public bool IsFailing => failing;

    /// <summary>Requests that can't be audited are refused.</summary>
    public bool IsRequired => options.Required;

    /// <summary>What SIGHUP asks for.</summary>
    public void Reopen() => sink.Reopen();

    /// <summary>
    /// Takes a place for a request that an upstream will see, and keeps the record's facts where they outlive the process: as many as a slot holds. Not null when the caller has no place
    /// left, or every slot is taken and a request without its trace may not go on.
    /// </summary>
    public Failure? KeepInFlight(RequestRecord record)
    {
        var refused = shares.Take(record);
        if (refused is null)
        {
            record.InFlightSlot = trail.Keep(Serialize(record, null, AuditDetail.Full));
            if (record.InFlightSlot < 0) record.InFlightSlot = trail.Keep(Serialize(record, null, AuditDetail.Brief));
            if (record.InFlightSlot < 0) record.InFlightSlot = trail.Keep(Serialize(record, null, AuditDetail.Least));
            if (record.InFlightSlot >= 0 || !options.Required) return null;
            refused = InFlightShares.TooMany($"{InFlightTrail.SlotCount.ToString(CultureInfo.InvariantCulture)} requests are under way, which is as many as this server forwards at once");
        }
        // no upstream saw it: a flood of these is counted with what nobody authenticated for
        record.Deny();
        return refused;
    }

    /// <summary>Hands the finished record over to the writer.</summary>
    public ValueTask CompleteAsync(RequestRecord record)
    {
        shares.Leave(record);
        var untrusted = UnauthenticatedLimit.Concerns(record);
        if (untrusted && !unauthenticated.Permits(time.GetTimestamp(), time)) return default;
        var line = ToLine(record, null, untrusted ? AuditDetail.Untrusted : AuditDetail.Full);
        return lines.Writer.TryWrite(line) ? default : lines.Writer.WriteAsync(line);
    }

    /// <summary>Hands the record over and waits until the sink has it: false when it could not be written in time and must be.</summary>
    public async Task<bool> WriteThroughAsync(RequestRecord record)
    {
        var written = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        await lines.Writer.WriteAsync(ToLine(record, written));
        awaited.Release();
        return await written.Task || !options.Required;
    }

    private AuditLine ToLine(RequestRecord record, TaskCompletionSource<bool>? written, AuditDetail detail = AuditDetail.Full)
    {
        var bytes = Serialize(record, time.GetElapsedTime(record.Started), detail);
        var buffer = ArrayPool<byte>.Shared.Rent(bytes.Length);
        bytes.CopyTo(buffer);
        return new AuditLine(buffer, bytes.Length, record.InFlightSlot, written);
    }

    private static ReadOnlySpan<byte> Serialize(RequestRecord record, TimeSpan? duration, AuditDetail detail)
    {
        if (scratch is not { } pair)
        {
            var fresh = new ArrayBufferWriter<byte>(2048);
            scratch = pair = (fresh, new Utf8JsonWriter(fresh, AuditText.Json));
        }
        pair.Buffer.ResetWrittenCount();
        pair.Json.Reset(pair.Buffer);
        AuditText.Write(record, pair.Json, pair.Buffer, duration, detail);
        return pair.Buffer.WrittenSpan;
    }

    private async Task WriteAsync()
    {
        var group = new ArrayBufferWriter<byte>(64 * 1024);
        var taken = new List<AuditLine>();
        while (await lines.Reader.WaitToReadAsync())
        {
            // one system call for many lines: under load a group gathers for a moment; if somebody waits for one of them, only behind the work that is queued already
            if (await awaited.WaitAsync(gathering)) await Task.Yield();
            while (group.WrittenCount < MaxGroup && lines.Reader.TryRead(out var line))
            {
                group.Write(line.Buffer.AsSpan(0, line.Length));
                taken.Add(line);
            }
            var written = await WriteGroupAsync(group, taken);
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
    private async Task<bool> WriteGroupAsync(ArrayBufferWriter<byte> group, List<AuditLine> taken)
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
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
            {
                Volatile.Write(ref writingSince, 0);
                if (!failing) logger.LogError("the audit log can't be written: {Error}", error.Message);
                failing = true;
                LetGoOfWaiting(group, taken);
            }
            try
            {
                await Task.Delay(RetryAfter, time, stopping.Token);
            }
            catch (OperationCanceledException)
            {
                logger.LogError("{Count} audit lines could not be written before the process stopped", taken.Count);
                return false;
            }
        }
    }

    /// <summary>Who waits for a line is told that it could not be written. What the line says then never happened (the token is not handed out): it goes, and another one will tell.</summary>
    private void LetGoOfWaiting(ArrayBufferWriter<byte> group, List<AuditLine> taken)
    {
        if (!options.Required || taken.TrueForAll(line => line.Written is null)) return;
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
    private void LookAtWriter()
    {
        if (Volatile.Read(ref writingSince) is not (not 0 and var since) || failing || time.GetElapsedTime(since) < Stuck) return;
        failing = true;
        logger.LogError("the audit log has not taken a write for {Seconds} s", (int)Stuck.TotalSeconds);
    }

    private void EnqueueSuppressed()
    {
        if (unauthenticated.TakeSuppressed() is not (> 0 and var count)) return;
        var record = new RequestRecord { Time = time.GetUtcNow(), Started = time.GetTimestamp() };
        record.End(401);
        record.Because($"{count} more requests without a valid token in one second");
        if (!lines.Writer.TryWrite(ToLine(record, null))) unauthenticated.PutBack(count);
    }

    private void WriteLeftBehind(string path)
    {
        var left = InFlightTrail.TakeLeftBehind(path);
        if (left.Count == 0) return;
        // the last group may have been written and its slots not released yet
        var written = RequestIdsIn(sink.Tail(2 * MaxGroup));
        foreach (var line in left)
        {
            if (!RequestIdsIn(line).Overlaps(written)) sink.Write(line);
        }
        InFlightTrail.Clear(path);
        logger.LogWarning("the last process ended with {Count} requests in flight; they are in the audit log now", left.Count);
    }

    private static HashSet<string> RequestIdsIn(ReadOnlySpan<byte> text)
    {
        var marker = "\"request_id\":\""u8;
        var ids = new HashSet<string>(StringComparer.Ordinal);
        for (int at; (at = text.IndexOf(marker)) >= 0 && text.Length >= at + marker.Length + RequestIds.Length; text = text[RequestIds.Length..])
        {
            text = text[(at + marker.Length)..];
            ids.Add(Encoding.ASCII.GetString(text[..RequestIds.Length]));
        }
        return ids;
    }

    public async ValueTask DisposeAsync()
    {
        await everySecond.DisposeAsync();
        EnqueueSuppressed();
        lines.Writer.Complete();
        stopping.CancelAfter(TimeSpan.FromSeconds(2));
        try
        {
            await writer.WaitAsync(Stuck);
        }
        catch (TimeoutException)
        {
            // a write that never returns must not keep the process from ending: what it holds is in the trail, for the next start
            logger.LogError("the audit log is stuck; the lines it did not take are written at the next start");
            return;
        }
        sink.Dispose();
        trail.Dispose();
        stopping.Dispose();
    }
}
