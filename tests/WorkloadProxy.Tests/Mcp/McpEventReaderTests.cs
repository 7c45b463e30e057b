using System.Net.ServerSentEvents;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using WorkloadProxy.Mcp.Protocol;

namespace WorkloadProxy.Tests.Mcp;

/// <summary>Event streams, cut anywhere. The parser that the C# SDK uses is the second opinion.</summary>
public sealed class McpEventReaderTests
{
    [Fact]
    public void Any_stream_cut_anywhere_has_the_events_that_the_SDK_s_parser_finds()
    {
        var part = Gen.Elements("data:", "data", "data: ", "event: a", "id: 1", ":", "x", "{\"a\":1}", "\n", "\n", "\r\n", "\r", "\n\n", " ");
        Prop.ForAll(Arb.From(Gen.ListOf(part)), Arb.From(Gen.Choose(1, 7)), (parts, size) =>
        {
            var bytes = Encoding.UTF8.GetBytes(string.Concat(parts));
            var reader = new McpEventReader(int.MaxValue);
            List<McpEvent> found = [];
            foreach (var chunk in bytes.Chunk(size))
            {
                reader.Add(chunk);
                while (reader.TryRead(out var read)) found.Add(read);
            }
            using var stream = new MemoryStream(bytes);
            var expected = SseParser.Create(stream).Enumerate().Select(item => item.Data).Where(data => data.Length > 0).ToList();
            var data = found.Select(read => Encoding.UTF8.GetString(read.Data.Span)).Where(data => data.Length > 0).ToList();
            // at the very end, it waits for what may follow a CR
            if (bytes is [.., (byte)'\r'] && data.Count == expected.Count + 1) data.RemoveAt(expected.Count);
            Assert.Equal(expected, data);
            var raw = found.SelectMany(read => read.Raw.ToArray()).ToArray();
            Assert.True(bytes.AsSpan().StartsWith(raw));
        }).QuickCheckThrowOnFailure();
    }

    /// <summary>httpx, which the Python SDK reads with, cut lines as <c>splitlines</c> does.</summary>
    [Theory]
    [InlineData(": hello\u2028data: {}\n\n")]
    [InlineData("id: 1\u0085data: {}\n\n")]
    [InlineData("id: 1\u001c DATA : {}\n\n")]
    [InlineData("data: {\"a\":\"b\u2029\u2029data: {}\u2029\u2029\"}\n\n")]
    [InlineData("event: a\vdata:{}\n\n")]
    [InlineData("\tdata: {}\n\n")]
    public void Data_behind_a_line_end_that_is_none_is_ambiguous(string text)
    {
        var reader = new McpEventReader(1000);
        reader.Add(Encoding.UTF8.GetBytes(text));
        Assert.True(reader.TryRead(out var read) && read.IsAmbiguous);
    }

    [Fact]
    public void Texts_with_line_separators_of_Unicode_pass()
    {
        var reader = new McpEventReader(1000);
        reader.Add("data: {\"a\":\"one\u2028two\u0085data three: â ä\"}\n\n"u8);
        Assert.True(reader.TryRead(out var read) && !read.IsAmbiguous);
    }

    /// <summary>Elsewhere than at the start it is part of a field's name, and the field is not <c>data</c>.</summary>
    [Fact]
    public void A_byte_order_mark_is_passed_over_at_the_start_alone()
    {
        var reader = new McpEventReader(1000);
        reader.Add("\ufeffdata: {}\n\n\ufeffdata: {}\n\n"u8);
        Assert.True(reader.TryRead(out var first) && !first.IsAmbiguous && first.Data.Span.SequenceEqual("{}"u8));
        Assert.True(reader.TryRead(out var second) && second.IsAmbiguous);
    }

    [Fact]
    public void A_field_that_a_careless_reader_takes_for_data_is_ambiguous()
    {
        var reader = new McpEventReader(1000);
        reader.Add("Data: {}\n\ndata: {}\n\n"u8);
        Assert.True(reader.TryRead(out var odd) && odd.IsAmbiguous);
        Assert.True(reader.TryRead(out var plain) && !plain.IsAmbiguous);
    }
}
