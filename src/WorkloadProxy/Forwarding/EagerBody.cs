namespace WorkloadProxy.Forwarding;

/// <summary>
/// A request's body that sends on what it has before it waits for more. The HTTP client gathers writes in a buffer and sends that when it is full or the body ends, so the first
/// messages of a stream would lie there for as long as the caller thinks.
/// </summary>
internal sealed class EagerBody(Stream inner) : Stream
{
    private bool unsent;

    /// <summary>Where the body is copied to, once the copying has begun.</summary>
    public Stream? Output { get; set; }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var reading = inner.ReadAsync(buffer, cancellationToken);
        if (!reading.IsCompletedSuccessfully) return WaitAsync(reading, cancellationToken);
        var read = reading.Result;
        // it is written before the next read
        unsent |= read > 0;
        return new(read);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    private async ValueTask<int> WaitAsync(ValueTask<int> reading, CancellationToken cancellationToken)
    {
        if (unsent && Output is { } output)
        {
            unsent = false;
            try
            {
                await output.FlushAsync(cancellationToken);
            }
            catch (Exception error) when (error is IOException or OperationCanceledException or ObjectDisposedException)
            {
                // the upstream's end of it: the next write meets the same error, and is the one that is asked whose fault it was
            }
        }
        var read = await reading;
        unsent |= read > 0;
        return read;
    }

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override void Flush() { }
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
