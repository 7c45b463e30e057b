using System.Text;
using FsCheck;
using FsCheck.Fluent;
using WorkloadProxy.Policies.Parameters;

namespace WorkloadProxy.Policies.Tests.Requests;

public sealed class RequestBodyTests
{
    [Theory]
    [InlineData("{}")]
    [InlineData(" {\"a\":[1,-2.5e10,true,null,\"x\\ud83d\\ude00\\\"\"]} \n")]
    [InlineData("[]")]
    [InlineData("\"x\"")]
    [InlineData("1e400")]
    [InlineData("1e-400")]
    [InlineData("{\"a\":1,\"A\":2}")]
    public void Plain_JSON_is_accepted(string json)
    {
        Assert.True(RequestBody.TryParseJson(Encoding.UTF8.GetBytes(json), out var body, out var error), error);
        Assert.False(body.IsAbsent);
    }

    [Theory]
    [InlineData(" ", "not JSON")]
    [InlineData("{", "not JSON")]
    [InlineData("{} {}", "not JSON")]
    [InlineData("{}x", "not JSON")]
    [InlineData("{\"a\":1,}", "not JSON")]
    [InlineData("{a:1}", "not JSON")]
    [InlineData("{\"a\":01}", "not JSON")]
    [InlineData("{\"a\":NaN}", "not JSON")]
    [InlineData("{\"a\":\"\n\"}", "not JSON")]
    [InlineData("// x\n{}", "not JSON")]
    [InlineData("'a'", "not JSON")]
    [InlineData("\ufeff{}", "byte-order mark")]
    [InlineData("{\"a\":1,\"a\":2}", "given twice")]
    [InlineData("{\"a\":1,\"\\u0061\":2}", "given twice")]
    [InlineData("[{\"b\":{\"a\":1,\"a\":1}}]", "given twice")]
    [InlineData("{\"a\":\"\\ud800\"}", "surrogate")]
    [InlineData("{\"a\":\"\\udc00\"}", "surrogate")]
    [InlineData("{\"a\":\"\\ud800\\ud800\\udc00\"}", "surrogate")]
    [InlineData("{\"a\":\"\\ud800x\\udc00\"}", "surrogate")]
    [InlineData("{\"\\ud800\":1}", "surrogate")]
    [InlineData("{\"a\\u0000\":1}", "NUL")]
    [InlineData("{\"a\":1e401}", "exponent")]
    [InlineData("{\"a\":1e-401}", "exponent")]
    [InlineData("{\"a\":1e99999999999999999999}", "exponent")]
    public void Ambiguous_JSON_is_refused(string json, string reason)
    {
        Assert.False(RequestBody.TryParseJson(Encoding.UTF8.GetBytes(json), out var body, out var error));
        Assert.Null(body);
        Assert.Contains(reason, error, StringComparison.Ordinal);
    }

    [Fact]
    public void JSON_that_is_not_UTF_8_is_refused()
    {
        Assert.False(RequestBody.TryParseJson("{\"a\":\""u8.ToArray().Append((byte)0xff).Concat("\"}"u8.ToArray()).ToArray(), out _, out var error));
        Assert.Contains("UTF-8", error, StringComparison.Ordinal);
        Assert.False(RequestBody.TryParseJson(Encoding.Unicode.GetBytes("{}"), out _, out _));
    }

    [Fact]
    public void Nesting_over_64_is_refused()
    {
        Assert.True(RequestBody.TryParseJson(Nested(64), out _, out var error), error);
        Assert.False(RequestBody.TryParseJson(Nested(65), out _, out error));
        Assert.Contains("64", error, StringComparison.Ordinal);
        Assert.False(RequestBody.TryParseJson(Nested(500_000), out _, out _));

        static byte[] Nested(int depth) => Encoding.ASCII.GetBytes(new string('[', depth) + new string(']', depth));
    }

    [Fact]
    public void A_number_over_100_digits_is_refused()
    {
        Assert.True(RequestBody.TryParseJson(Encoding.ASCII.GetBytes(new string('9', 100)), out _, out var error), error);
        Assert.False(RequestBody.TryParseJson(Encoding.ASCII.GetBytes(new string('9', 101)), out _, out error));
        Assert.Contains("100 digits", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("application/json", true)]
    [InlineData("Application/JSON; charset=UTF-8", true)]
    [InlineData("application/json;charset=\"utf-8\"", true)]
    [InlineData("application/problem+json", true)]
    [InlineData("application/json; charset=iso-8859-1", false)]
    [InlineData("application/json; charset=utf-8; charset=utf-16", false)]
    [InlineData("application/json, text/plain", false)]
    [InlineData("application/json;", true)]
    [InlineData("application/json ; ; charset=utf-8 ;", true)]
    [InlineData("application/json; charset*=utf-7''x", false)]
    [InlineData("application/json; charset=utf-8; boundary=x", false)]
    [InlineData("application/json; version=1", false)]
    [InlineData("application/x-www-form-urlencoded+json", false)]
    [InlineData("application/form-data+json", false)]
    [InlineData("multipart/form-data+json", false)]
    [InlineData("text/x+json", false)]
    [InlineData("text/json", false)]
    [InlineData("application/jsonx", false)]
    [InlineData("application/json/x", false)]
    [InlineData("json", false)]
    [InlineData("", false)]
    [InlineData("multipart/form-data; boundary=x", false)]
    [InlineData("application/x-ndjson", false)]
    public void The_content_type_says_whether_a_body_can_be_inspected(string type, bool accepted)
    {
        Assert.Equal(accepted, RequestBody.TryParse("{}"u8.ToArray(), [type], null, out _, out var problem, out _));
        Assert.Equal(accepted ? RequestBody.Problem.None : RequestBody.Problem.UnsupportedMediaType, problem);
    }

    [Fact]
    public void No_type_two_types_or_an_encoding_can_not_be_inspected()
    {
        foreach (var (types, encoding) in new (string[], string?)[]
            { ([], null), (["application/json", "application/json"], null), (["application/json"], "gzip"), (["application/json"], "identity") })
        {
            Assert.False(RequestBody.TryParse("{}"u8.ToArray(), types, encoding, out _, out var problem, out var error));
            Assert.Equal(RequestBody.Problem.UnsupportedMediaType, problem);
            Assert.NotNull(error);
        }
    }

    [Fact]
    public void An_empty_body_is_an_empty_object_whatever_its_type()
    {
        Assert.True(RequestBody.TryParse(default, ["text/plain", "x"], "gzip", out var body, out _, out _));
        Assert.True(body.IsAbsent);
        Assert.Empty(body.Json.EnumerateObject());
        Assert.True(RequestBody.TryParseJson(default, out body, out _));
        Assert.True(body.IsAbsent);
    }

    [Theory]
    [InlineData("a=1&b=%C3%A9+x&c", "a=1 b=é x c=")]
    [InlineData("a=é😀", "a=é😀")]
    [InlineData("a%3Db=1=2&&", "a=b=1=2")]
    [InlineData("a=line%0D%0Abreak", "a=line\r\nbreak")]
    public void A_form_is_decoded(string form, string fields)
    {
        Assert.True(RequestBody.TryParse(Encoding.UTF8.GetBytes(form), ["application/x-www-form-urlencoded"], null, out var body, out _, out var error), error);
        Assert.Equal(fields, string.Join(' ', body.Form!.Select(field => $"{field.Key}={field.Value}")));
        Assert.Equal(default, body.Json.ValueKind);
    }

    [Theory]
    [InlineData("a=1&a=2", "given twice")]
    [InlineData("a=1&%61=2", "given twice")]
    [InlineData("a=%", "percent-encoding")]
    [InlineData("a=%4", "percent-encoding")]
    [InlineData("a=%zz", "percent-encoding")]
    [InlineData("a=%ff", "UTF-8")]
    [InlineData("a=%ed%a0%80", "UTF-8")]
    [InlineData("a%00=1", "NUL")]
    [InlineData("\ufeffa=1", "byte-order mark")]
    public void An_ambiguous_form_is_refused(string form, string reason)
    {
        Assert.False(RequestBody.TryParse(Encoding.UTF8.GetBytes(form), ["application/x-www-form-urlencoded"], null, out _, out var problem, out var error));
        Assert.Equal(RequestBody.Problem.Malformed, problem);
        Assert.Contains(reason, error, StringComparison.Ordinal);
    }

    [Fact]
    public void No_body_whatever_throws() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(4000).WithReplay(31, 1UL), Prop.ForAll(
        Gen.OneOf(
            Gen.Elements("{", "}", "[", "]", "\"", ":", ",", "a", "1", "e", "-", ".", "\\u", "d800", "dc00", "\\", "null", " ", "é", "\"a\":", "\0").ListOf()
                .Select(pieces => Encoding.UTF8.GetBytes(string.Concat(pieces))),
            Gen.Choose(0, 255).Select(value => (byte)value).ArrayOf(),
            Gen.Elements("a", "=", "&", "%", "%6", "%ff", "+", ";", "é", "\0", "[", "]").ListOf()
                .Select(pieces => Encoding.UTF8.GetBytes(string.Concat(pieces)))).ToArbitrary(),
        bytes =>
        {
            foreach (var type in new[] { "application/json", "application/x-www-form-urlencoded" })
            {
                if (RequestBody.TryParse(bytes, [type], null, out var body, out var problem, out var error) != (problem == RequestBody.Problem.None)
                    || (body is null) != (error is not null))
                    return false;
                // What was accepted can be read whole, as a rule would.
                if (body is not null)
                    _ = body.AsValue().ToString() + string.Concat(ParameterValue.Of(body) is { IsObject: true } value
                        ? value.Members.Select(member => member.Name + member.Value.ScalarText) : []);
            }
            return true;
        }));
}
