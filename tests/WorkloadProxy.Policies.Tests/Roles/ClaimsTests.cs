using System.Text;
using System.Text.Json;

namespace WorkloadProxy.Policies.Tests.Roles;

public class ClaimsTests
{
    [Theory]
    [InlineData("{\"a\":1,\"a\":2}", "claims are not a JSON object without duplicate names")]
    [InlineData("{\"a\":1,\"\\u0061\":2}", "claims are not a JSON object without duplicate names")]
    [InlineData("{\"x\":{\"a\":1,\"a\":2}}", "claims are not a JSON object without duplicate names")]
    [InlineData("{\"a\":1} x", "claims are not a JSON object without duplicate names")]
    [InlineData("", "claims are not a JSON object without duplicate names")]
    [InlineData("[]", "claims are not a JSON object")]
    [InlineData("\"a\"", "claims are not a JSON object")]
    [InlineData("{\"a\":\"\\ud800\"}", "claims hold half of a surrogate pair")]
    [InlineData("{\"x\":[{\"\\udc00\":1}]}", "claims hold half of a surrogate pair")]
    public void What_could_be_read_in_two_ways_or_not_at_all_is_refused(string json, string expected)
    {
        Assert.False(Claims.TryParse(Encoding.UTF8.GetBytes(json), out _, out var error));
        Assert.Equal(expected, error);
        Assert.Throws<JsonException>(() => Claims.Parse(Encoding.UTF8.GetBytes(json)));
    }

    [Fact]
    public void What_is_not_UTF8_is_refused()
    {
        Assert.False(Claims.TryParse(new byte[] { (byte)'{', (byte)'"', 0xff, (byte)'"', (byte)':', (byte)'1', (byte)'}' }, out _, out var error));
        Assert.Equal("claims are not UTF-8", error);
    }

    [Fact]
    public void A_string_claim_is_read_and_nothing_else_is_taken_for_one()
    {
        var claims = Claims.Parse("""{"a":"x","b":7,"c":["x"],"d":null,"e":"\ud83d\ude00"}"""u8.ToArray());
        Assert.Equal("x", claims.String("a"));
        Assert.Equal("\U0001F600", claims.String("e"));
        Assert.Null(claims.String("b"));
        Assert.Null(claims.String("c"));
        Assert.Null(claims.String("d"));
        Assert.Null(claims.String("A"));
    }

    [Fact]
    public void Shrunk_claims_say_the_same()
    {
        var claims = Claims.Parse("""{"a":"x","b":{"c":[1,"\ud83d\ude00"]}}"""u8.ToArray());
        var before = claims.Root.GetRawText();
        var length = claims.Length;
        claims.Shrink();
        claims.Shrink();
        Assert.Equal(length, claims.Length);
        Assert.Equal("x", claims.String("a"));
        Assert.Equal("\U0001F600", claims.Root.GetProperty("b").GetProperty("c")[1].GetString());
        Assert.Equal(before, claims.Root.GetRawText());
        Assert.Equal(length, claims.Length);
    }

    [Fact]
    public void An_element_outlives_the_shrinking_of_its_claims()
    {
        var claims = Claims.Parse("""{"a":"x"}"""u8.ToArray());
        var element = claims.Root.GetProperty("a");
        claims.Shrink();
        Assert.Equal("x", element.GetString());
    }
}
