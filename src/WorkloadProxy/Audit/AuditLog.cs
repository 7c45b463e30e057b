using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using WorkloadProxy.Configuration;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Audit;

/// <summary>
/// One line a request. Lines go through pooled buffers and one writer, in groups; a full queue waits, a failed sink is tried again until it takes them, and
/// nothing is dropped. While the sink fails and <c>Audit:Required</c> is true, <see cref="Unavailable"/> refuses further requests.
/// </summary>
internal sealed class AuditLog : IAsyncDisposable
{
    private const int MaxGroup = 256 * 1024;
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan gathering = TimeSpan.FromMilliseconds(2);

    [ThreadStatic]
    private static (ArrayBufferWriter<byte> Buffer, Utf8JsonWriter Json)? scratch;

    private readonly Channel<AuditLine> lines =
        Channel.CreateBounded<AuditLine>(new BoundedChannelOptions(8192) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
    private readonly AuditOptions options;
    private readonly AuditSink sink;
    private readonly InFlightTrail trail;
    private readonly UnauthenticatedLimit unauthenticated = new();
    private readonly TimeProvider time;
    private readonly ILogger<AuditLog> logger;
    /// <summary>Released once for each line that somebody waits for.</summary>
    private readonly SemaphoreSlim awaited = new(0);
    private readonly CancellationTokenSource stopping = new();
    private readonly ITimer everySecond;
    private readonly Task writer;
    private volatile bool failing;

    /// <summary>Writes out what the last process left behind, then starts. Throws <see cref="IOException"/> when neither trail nor sink can be had.</summary>
    public AuditLog(ProxyOptions proxy, TimeProvider time, ILogger<AuditLog> logger)
    {
        (options, this.time, this.logger) = (proxy.Audit, time, logger);
        sink = new AuditSink(options.File);
        var path = Path.Combine(proxy.DataDirectory, "audit.inflight");
        WriteLeftBehind(path);
        trail = new InFlightTrail(path);
        writer = Task.Run(WriteAsync);
        everySecond = time.CreateTimer(_ => EnqueueSuppressed(), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
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
    /// Keeps the record's facts where they outlive the process, before an upstream sees the request: as many as a slot holds. False when every slot is taken
    /// and a request without its trace may not go on.
    /// </summary>
    public bool TryKeepInFlight(AuditRecord record)
    {
        var reason = record.Reason;
        record.Reason = "process ended";
        for (var detail = AuditDetail.Full; record.InFlightSlot < 0 && detail <= AuditDetail.Least; detail++) record.InFlightSlot = trail.Keep(Serialize(record, null, detail));
        record.Reason = reason;
        return record.InFlightSlot >= 0 || !options.Required;
    }

    /// <summary>Hands the finished record over to the writer.</summary>
    public ValueTask CompleteAsync(AuditRecord record)
    {
        // not by the status: an upstream's own 401 is the answer to a request that was permitted
        if (record.Error == UnauthenticatedLimit.Error && !unauthenticated.Permits(time.GetTimestamp(), time)) return default;
        var line = ToLine(record, null);
        return lines.Writer.TryWrite(line) ? default : lines.Writer.WriteAsync(line);
    }

    /// <summary>Hands the record over and waits until the sink has it: false when it could not be written in time and must be.</summary>
    public async Task<bool> WriteThroughAsync(AuditRecord record)
    {
        var written = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        await lines.Writer.WriteAsync(ToLine(record, written));
        awaited.Release();
        return await written.Task || !options.Required;
    }

    private AuditLine ToLine(AuditRecord record, TaskCompletionSource<bool>? written)
    {
        var bytes = Serialize(record, time.GetElapsedTime(record.Started));
        var buffer = ArrayPool<byte>.Shared.Rent(bytes.Length);
        bytes.CopyTo(buffer);
        return new AuditLine(buffer, bytes.Length, record.InFlightSlot, written);
    }

    private static ReadOnlySpan<byte> Serialize(AuditRecord record, TimeSpan? duration, AuditDetail detail = AuditDetail.Full)
    {
        if (scratch is not { } pair)
        {
            var fresh = new ArrayBufferWriter<byte>(2048);
            scratch = pair = (fresh, new Utf8JsonWriter(fresh, AuditRecord.Json));
        }
        pair.Buffer.ResetWrittenCount();
        pair.Json.Reset(pair.Buffer);
        record.Write(pair.Json, pair.Buffer, duration, detail);
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
                sink.Write(group.WrittenSpan);
                if (failing) logger.LogInformation("the audit log can be written again");
                failing = false;
                return true;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
            {
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

    private void EnqueueSuppressed()
    {
        if (unauthenticated.TakeSuppressed() is not (> 0 and var count)) return;
        var record = new AuditRecord
        {
            Time = time.GetUtcNow(),
            Started = time.GetTimestamp(),
            Status = 401,
            Reason = $"{count} more requests without a valid token in one second",
        };
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
        await writer;
        sink.Dispose();
        trail.Dispose();
        stopping.Dispose();
    }
}
