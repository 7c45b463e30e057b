using System.Text;
using WorkloadProxy.Credentials.OAuth;

namespace WorkloadProxy.Tests.SignIn;

public sealed class TokenAnswerTests
{
    private const string Whole =
        """{"access_token":"doo_v1_a","token_type":"Bearer","expires_in":2592000,"refresh_token":"dor_v1_b","scope":"write read","info":{"name":"Sammy","email":"s@example.com","team_uuid":"f81d4fae"}}""";

    [Fact]
    public void A_whole_answer_is_read()
    {
        var answer = TokenAnswer.Parse(Encoding.UTF8.GetBytes(Whole), out var problem)!;

        Assert.Null(problem);
        Assert.Equal(("doo_v1_a", "dor_v1_b", TimeSpan.FromDays(30), "f81d4fae", "s@example.com"),
            (answer.AccessToken, answer.RefreshToken, answer.Lifetime, answer.Team, answer.Account));
        Assert.Equal(["read", "write"], answer.Scopes!);
    }

    [Theory]
    [InlineData("", "is not JSON, or nested too deeply")]
    [InlineData("<html>", "is not JSON, or nested too deeply")]
    [InlineData("[]", "is not a JSON object")]
    [InlineData("{}", "has no access token that fits in a header")]
    [InlineData("""{"access_token":""}""", "has no access token that fits in a header")]
    [InlineData("""{"access_token":7}""", "has no access token that fits in a header")]
    [InlineData("""{"access_token":"a\r\nX: y"}""", "has no access token that fits in a header")]
    [InlineData("""{"access_token":"a b"}""", "has no access token that fits in a header")]
    [InlineData("""{"access_token":"é"}""", "has no access token that fits in a header")]
    [InlineData("""{"access_token":"\ud800"}""", "holds half of a surrogate pair")]
    [InlineData("""{"access_token":"a","access_token":"b"}""", "holds a duplicate name")]
    [InlineData("""{"access_token":"a","token_type":"mac"}""", "has a token of another type than bearer")]
    [InlineData("""{"access_token":"a","token_type":null}""", "has a token of another type than bearer")]
    [InlineData("""{"access_token":"a","refresh_token":"b c"}""", "has a refresh token that can't be used")]
    [InlineData("""{"access_token":"a"} {}""", "is not JSON, or nested too deeply")]
    public void Anything_else_is_refused_without_quoting_it(string json, string expected)
    {
        Assert.Null(TokenAnswer.Parse(Encoding.UTF8.GetBytes(json), out var problem));
        Assert.Equal(expected, problem);
    }

    [Theory]
    [InlineData("0", null)]
    [InlineData("-5", null)]
    [InlineData("1e99", null)]
    [InlineData("99999999999999999999", null)]
    [InlineData("3600", 3600)]
    [InlineData("\"3600\"", 3600)]
    [InlineData("\"soon\"", null)]
    [InlineData("{}", null)]
    public void A_life_that_is_no_number_of_seconds_is_unknown(string json, int? seconds)
    {
        var answer = TokenAnswer.Parse(Encoding.UTF8.GetBytes($$"""{"access_token":"a","expires_in":{{json}}}"""), out _)!;

        Assert.Equal(seconds, (int?)answer.Lifetime?.TotalSeconds);
    }

    [Fact]
    public void No_bytes_make_it_throw()
    {
        var random = new Random(20261128);
        var whole = Encoding.UTF8.GetBytes(Whole);
        for (var round = 0; round < 50_000; round++)
        {
            var bytes = whole.ToArray();
            for (var changes = random.Next(1, 6); changes > 0; changes--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            var cut = bytes[..random.Next(bytes.Length + 1)];
            foreach (var content in new[] { bytes, cut })
            {
                var answer = TokenAnswer.Parse(content, out var problem);
                Assert.True(answer is null != problem is null);
                if (answer is not null) Assert.All(answer.AccessToken, c => Assert.InRange(c, '!', '~'));
                TokenAnswer.ErrorOf(content);
            }
        }
    }
}
