namespace WorkloadProxy.Forwarding.Bodies;

/// <summary>
/// A request's body on its way from the caller to the HTTP client: the forwarder reads from it and writes to it. The HTTP client gathers what is written and
/// sends that when its buffer is full or the body ends, so the first messages of a stream would lie there for as long as the caller thinks. Here they are sent
/// as soon as nothing more has come from the caller; until then head and body go out together, in one write for a short one.
/// </summary>
internal sealed class EagerBody(Stream caller) : Stream
{
    private Stream? upstream;
    private bool unsent;

    /// <summary>What the caller sends.</summary>
    public Stream Caller => caller;

    /// <summary>What the HTTP client writes to its connection. The head of the request waits there.</summary>
    public void WriteTo(Stream stream) => (upstream, unsent) = (stream, true);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var reading = caller.ReadAsync(buffer, cancellationToken);
        return reading.IsCompleted || !unsent || upstream is null ? reading : SendAndWaitAsync(reading, upstream, cancellationToken);
    }

    private async ValueTask<int> SendAndWaitAsync(ValueTask<int> reading, Stream output, CancellationToken cancellationToken)
    {
        unsent = false;
        try
        {
            await output.FlushAsync(cancellationToken);
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or ObjectDisposedException or HttpRequestException)
        {
            // thrown from here it would be the caller's fault: the next write meets the same error, and is known to be the upstream's
        }
        return await reading;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        unsent = true;
        return upstream!.WriteAsync(buffer, cancellationToken);
    }

    /// <summary>The forwarder asks for it before the first byte, and with gRPC after each write: it is done when a read has to wait.</summary>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    public override bool CanRead => true;
    public override bool CanWrite => true;
    public override bool CanSeek => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override void Flush() { }
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
}
