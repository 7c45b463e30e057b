using System.Text;
using WorkloadProxy.PolicyDelivery.Hosted;

namespace WorkloadProxy.Tests.GitHosting;

public class CgiResponseTests
{
    [Fact]
    public async Task The_head_ends_at_the_empty_line_and_the_rest_is_the_body()
    {
        using var stream = new MemoryStream("Status: 404 Not Found\r\nContent-Type: text/plain\r\n\r\nbody"u8.ToArray());

        var head = await CgiResponse.ReadAsync(stream, CancellationToken.None);

        Assert.Equal(404, head!.Status);
        Assert.Equal([("Content-Type", "text/plain")], head.Headers);
        Assert.Equal("body", Encoding.ASCII.GetString(head.BodyStart.Span));
    }

    [Theory]
    [InlineData("Set-Cookie: a=b")]
    [InlineData("Location: https://elsewhere")]
    [InlineData("Content-Type:text/plain")]
    [InlineData("Status: 99")]
    [InlineData("Status: x")]
    [InlineData("no header")]
    [InlineData("Content-Type: a\nb: c")]
    [InlineData("")]
    public void A_header_that_is_not_gits_own_is_an_error(string head) => Assert.Null(CgiResponse.Parse(Encoding.ASCII.GetBytes(head), default));

    [Theory]
    [InlineData("")]
    [InlineData("Content-Type: text/plain\r\n")]
    public async Task A_head_that_does_not_end_is_an_error(string text)
    {
        using var stream = new MemoryStream(Encoding.ASCII.GetBytes(text));

        Assert.Null(await CgiResponse.ReadAsync(stream, CancellationToken.None));
    }

    [Fact]
    public async Task A_head_without_end_is_not_read_on()
    {
        using var stream = new MemoryStream(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("Content-Type: x\r\n", 10_000))));

        Assert.Null(await CgiResponse.ReadAsync(stream, CancellationToken.None));
        Assert.True(stream.Position <= 8 * 1024);
    }
}
