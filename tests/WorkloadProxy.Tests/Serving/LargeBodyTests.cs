using System.Net;

namespace WorkloadProxy.Tests.Serving;

/// <summary>Measures the heap of the whole process, so it runs alone.</summary>
[CollectionDefinition(nameof(LargeBodyTests), DisableParallelization = true)]
[Collection(nameof(LargeBodyTests))]
public sealed class LargeBodyTests
{
    [Fact]
    public async Task A_large_body_streams_both_ways()
    {
        await using var proxy = await TestProxy.StartAsync();
        const int Size = 100 * 1024 * 1024;
        GC.Collect();
        var before = GC.GetTotalMemory(forceFullCollection: true);

        var up = await proxy.SendAsync(HttpMethod.Post, "/v2/upload", proxy.IdentityToken(), new StreamContent(new Zeros(Size)));
        Assert.Contains(Size.ToString(), up.Body);

        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v2/download?bytes={Size}");
        request.Headers.Authorization = new("Bearer", proxy.IdentityToken());
        using var down = await proxy.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        var buffer = new byte[64 * 1024];
        long read = 0;
        await using var stream = await down.Content.ReadAsStreamAsync();
        while (await stream.ReadAsync(buffer) is var count and > 0) read += count;

        Assert.Equal(Size, read);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 50 * 1024 * 1024);
    }

    /// <summary>So many zero bytes, made as they are read.</summary>
    private sealed class Zeros(long left) : Stream
    {
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            var read = (int)Math.Min(left, count);
            Array.Clear(buffer, offset, read);
            left -= read;
            return read;
        }

        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
