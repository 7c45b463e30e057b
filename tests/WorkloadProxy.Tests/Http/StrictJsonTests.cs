using System.Text;
using WorkloadProxy.Outbound;

namespace WorkloadProxy.Tests.Http;

public sealed class StrictJsonTests
{
    [Theory]
    [InlineData("""{}""")]
    [InlineData("""{"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]}""")]
    [InlineData("""{"a":"\ud83d\ude00","\ud83d\ude00":1,"b":"\\ud800"}""")]
    [InlineData(""" {"A":1,"a":2} """)]
    public void An_unambiguous_object_is_read(string json) => Assert.Null(ErrorOf(Encoding.UTF8.GetBytes(json)));

    [Theory]
    [InlineData("""{"a":1,"a":2}""")]
    [InlineData("""{"aud":1,"\u0061ud":1}""")]
    [InlineData("""{"\u0061":1,"\u0061":1}""")]
    [InlineData("""{"x":{"a":1,"b":2,"a":3}}""")]
    [InlineData("""{"x":[[{"a":1,"a":1}]]}""")]
    [InlineData("""{"ä":1,"\u00e4":2}""")]
    [InlineData("""{"/":1,"\/":2}""")]
    [InlineData("""{"😀":1,"\ud83d\ude00":2}""")]
    public void A_name_given_twice_is_refused_however_it_is_written(string json) =>
        Assert.Equal("holds a duplicate name", ErrorOf(Encoding.UTF8.GetBytes(json)));

    [Fact]
    public void A_duplicate_among_very_many_names_is_found()
    {
        var names = string.Join(',', Enumerable.Range(0, 2000).Select(i => $"\"n{i}\":1"));
        Assert.Null(ErrorOf(Encoding.UTF8.GetBytes($"{{{names}}}")));
        Assert.Equal("holds a duplicate name", ErrorOf(Encoding.UTF8.GetBytes($"{{{names},\"n\\u0037\":2}}")));
    }

    [Theory]
    [InlineData("""{"a":"\ud800"}""")]
    [InlineData("""{"a":"\udc00\ud800"}""")]
    [InlineData("""{"a":"\ud800\ud800\udc00"}""")]
    [InlineData("""{"a":"\ud800x\udc00"}""")]
    [InlineData("""{"a":"\ud800\n"}""")]
    [InlineData("""{"\ud800":1}""")]
    [InlineData("""{"x":[{"\udfff":1}]}""")]
    public void Half_a_surrogate_pair_is_refused(string json) => Assert.Equal("holds half of a surrogate pair", ErrorOf(Encoding.UTF8.GetBytes(json)));

    [Theory]
    [InlineData("""{"iss\u0000":"a"}""", "holds a name with a NUL")]
    [InlineData("""{"x":[{"\u0000":1}]}""", "holds a name with a NUL")]
    [InlineData("""{"x\\u0000":1}""", null)]
    [InlineData("""{"x":"\u0000"}""", null)]
    public void A_NUL_ends_no_name(string json, string? error) => Assert.Equal(error, ErrorOf(Encoding.UTF8.GetBytes(json)));

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("1")]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("""{"a":1}{}""")]
    [InlineData("""{"a":1} x""")]
    [InlineData("""{"a":1,}""")]
    [InlineData("""{"a":1}/**/""")]
    [InlineData("""{'a':1}""")]
    [InlineData("""{"a":01}""")]
    [InlineData("""{"a":NaN}""")]
    [InlineData("\uFEFF{}")]
    [InlineData("{\"a\":\"\n\"}")]
    public void What_is_no_JSON_object_is_refused(string json) => Assert.StartsWith("is not", ErrorOf(Encoding.UTF8.GetBytes(json)));

    [Theory]
    [InlineData(new byte[] { 0xFF })]
    [InlineData(new byte[] { 0xC0, 0x80 })]
    [InlineData(new byte[] { 0xED, 0xA0, 0x80 })]
    public void Invalid_UTF8_is_refused(byte[] inside) => Assert.Equal("is not valid UTF-8", ErrorOf([.. "{\"a\":\""u8, .. inside, .. "\"}"u8]));

    [Fact]
    public void Depth_is_counted_with_the_outermost_object()
    {
        Assert.Null(ErrorOf(Encoding.UTF8.GetBytes("""{"a":[[{}]]}"""), 4));
        Assert.Equal("is not JSON, or nested too deeply", ErrorOf(Encoding.UTF8.GetBytes("""{"a":[[{}]]}"""), 3));
    }

    private static string? ErrorOf(byte[] json, int depth = 16)
    {
        var read = StrictJson.TryParseObject(json, depth, out var document, out var error);
        Assert.Equal(read, document is not null);
        document?.Dispose();
        return error;
    }
}
