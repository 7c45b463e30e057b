using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using WorkloadProxy.Configuration;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;

namespace WorkloadProxy.Audit;

/// <summary>
/// One line a request. Lines go through pooled buffers and one writer, and nothing is dropped. While the sink fails and <c>Audit:Required</c> is true, <see
/// cref="Unavailable"/> refuses further requests.
/// </summary>
internal sealed class AuditLog : IAsyncDisposable
{
    /// <summary>So many bytes are written at once, at most.</summary>
    public const int MaxGroup = 256 * 1024;

    public static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    [ThreadStatic]
    private static (ArrayBufferWriter<byte> Buffer, Utf8JsonWriter Json)? scratch;

    private readonly AuditOptions options;
    private readonly AuditSink sink;
    private readonly InFlightTrail trail;
    private readonly UnauthenticatedLimit unauthenticated = new();
    private readonly InFlightShares shares = new(InFlightTrail.SlotCount);
    private readonly TimeProvider time;
    private readonly ILogger<AuditLog> logger;
    private readonly ITimer everySecond;
    private readonly AuditWriter writer;

    /// <summary>Writes out what the last process left behind, then starts. Throws <see cref="IOException"/> when the trail or the sink is unavailable.</summary>
    public AuditLog(ProxyOptions proxy, TimeProvider time, ILogger<AuditLog> logger)
    {
        (options, this.time, this.logger) = (proxy.Audit, time, logger);
        sink = new AuditSink(options.File);
        var path = Path.Combine(proxy.DataDirectory, "audit.inflight");
        WriteLeftBehind(path);
        trail = new InFlightTrail(path);
        writer = new AuditWriter(sink, trail, options.Required, time, logger);
        writer.Start();
        everySecond = time.CreateTimer(_ =>
        {
            writer.Look();
            EnqueueSuppressed();
        }, null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
    }

    /// <summary>Why no request may go on now, or null.</summary>
    public Failure? Unavailable => writer.IsFailing && options.Required
        ? new Failure(ErrorId.AuditUnavailable, "the audit log can't be written, and requests that can't be audited are refused") { RetryAfter = RetryAfter }
        : null;

    /// <summary>Lines wait for a sink that fails.</summary>
    public bool IsFailing => writer.IsFailing;

    /// <summary>Requests that can't be audited are refused.</summary>
    public bool IsRequired => options.Required;

    /// <summary>What SIGHUP asks for.</summary>
    public void Reopen() => sink.Reopen();

    /// <summary>
    /// Takes a place for a request that an upstream will see, and keeps the record's facts where they outlive the process: as many as a slot holds. Not null
    /// when the caller has no place left, or every slot is taken and a request without its trace may not go on.
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
            refused = InFlightShares.TooMany(
                $"{InFlightTrail.SlotCount.ToString(CultureInfo.InvariantCulture)} requests are under way, which is as many as this server forwards at once");
        }
        // no upstream saw it: a flood of these is counted with what nobody authenticated for
        record.Deny();
        return refused;
    }

    /// <summary>Hands the finished record over to the writer.</summary>
    public ValueTask CompleteAsync(RequestRecord record)
    {
        shares.Leave(record);
        if (UnauthenticatedLimit.Concerns(record) && !unauthenticated.Permits(time.GetTimestamp(), time)) return default;
        var line = ToLine(record, null, UnauthenticatedLimit.IsUnproven(record) ? AuditDetail.Untrusted : AuditDetail.Full);
        return writer.AddAsync(line);
    }

    /// <summary>Hands the record over and waits until the sink has it: false when it could not be written in time and must be.</summary>
    public async Task<bool> WriteThroughAsync(RequestRecord record)
    {
        var written = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        return await writer.WriteThroughAsync(ToLine(record, written)) || !options.Required;
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

    private void EnqueueSuppressed()
    {
        if (unauthenticated.TakeSuppressed() is not (> 0 and var count)) return;
        var record = new RequestRecord { Time = time.GetUtcNow(), Started = time.GetTimestamp() };
        record.End(401);
        record.Because($"{count} more requests without a valid token in one second");
        if (!writer.TryAdd(ToLine(record, null))) unauthenticated.PutBack(count);
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
        if (!await writer.StopAsync()) return;
        sink.Dispose();
        trail.Dispose();
    }
}
