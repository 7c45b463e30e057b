using WorkloadProxy.Mcp.Protocol;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Mcp;

/// <summary>
/// A server's event stream as the caller gets it: event by event, each judged when it is whole and passed on at once. It ends early, with an error, at one that
/// must not pass.
/// </summary>
internal sealed class McpEventStream(Stream inner, McpCall call) : Stream
{
    private const string TooLong = "an event that is too long";
    private readonly McpEventReader reader = new(call.Server.Options.MaxAnswer);
    private readonly byte[] chunk = new byte[4096];
    private ReadOnlyMemory<byte> pending;
    private bool ended;

    /// <summary>Reads up to the first event that goes on; a fault if there is none, or it must not.</summary>
    public async ValueTask<string?> BeginAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var fault = TakeEvent(out var any);
            if (fault is not null) return fault;
            if (any) return null;
            if (!await FillAsync(cancellationToken)) return "no answer";
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (pending.IsEmpty && !ended)
        {
            if (TakeEvent(out var any) is { } fault) End(fault);
            else if (!any && !await FillAsync(cancellationToken)) ended = true;
        }
        var count = Math.Min(buffer.Length, pending.Length);
        pending[..count].CopyTo(buffer);
        pending = pending[count..];
        return count;
    }

    /// <summary>Makes the next event that goes on the pending one; what must not pass is the fault.</summary>
    private string? TakeEvent(out bool any)
    {
        any = false;
        while (reader.TryRead(out var read))
        {
            if (read.Raw.Length > call.Server.Options.MaxAnswer) return TooLong;
            if (read.IsAmbiguous) return "an event that readers would take differently";
            // comments, and events that only carry an id, have no message
            var judged = read.Data.IsEmpty ? new McpServerMessage(McpVerdict.Pass, read.Data) : McpServerMessage.Judge(read.Data, call);
            if (judged.Verdict == McpVerdict.End) return judged.Fault;
            if (judged.Verdict == McpVerdict.Drop) continue;
            pending = judged.Json.Equals(read.Data) ? read.Raw : read.With(judged.Json.Span);
            any = true;
            return null;
        }
        return reader.IsTooLong ? TooLong : null;
    }

    private async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        var read = await inner.ReadAsync(chunk, cancellationToken);
        reader.Add(chunk.AsSpan(0, read));
        return read > 0;
    }

    private void End(string fault)
    {
        ended = true;
        // the server is told by the connection's end
        inner.Dispose();
        var failure = new Failure(ErrorId.UpstreamUnreachable, $"the MCP server `{call.Server.Name}` sent {fault}");
        call.Record.Because(failure.Message);
        call.Record.Fail(failure);
        if (!call.IsStandalone) pending = McpEvent.Message(McpErrorBody.InStream(call, failure));
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) inner.Dispose();
        base.Dispose(disposing);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override void Flush() => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
