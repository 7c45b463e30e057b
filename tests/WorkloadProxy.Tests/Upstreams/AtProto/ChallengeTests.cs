using WorkloadProxy.Upstreams.AtProto;
using WorkloadProxy.Upstreams.AtProto.AppPasswords;
using WorkloadProxy.Upstreams.AtProto.Dpop;
using WorkloadProxy.Upstreams.AtProto.Identity;

namespace WorkloadProxy.Tests.Upstreams.AtProto;

public sealed class ChallengeTests
{
    [Theory]
    [InlineData("DPoP algs=\"RS256 ES256\", error=\"use_dpop_nonce\", error_description=\"x\"", "use_dpop_nonce")]
    [InlineData("dpop error=invalid_token", "invalid_token")]
    [InlineData("DPoP", "")]
    [InlineData("DPoP algs=\"ES256\"", "")]
    [InlineData("Bearer error=\"invalid_token\", DPoP error=\"use_dpop_nonce\"", "use_dpop_nonce")]
    [InlineData("DPoP error=\"use_dpop_nonce\", Bearer error=\"invalid_token\"", "use_dpop_nonce")]
    [InlineData("Bearer realm=\"a\\\"b, DPoP error=\\\"x\\\"\", DPoP algs=\"a\", error=\"invalid_token\"", "invalid_token")]
    [InlineData("DPoP error=\"first\", error=\"second\"", "first")]
    public void A_challenge_says_what_is_wrong(string header, string error) => Assert.Equal(error, DpopChallenge.Parse(header)?.Error);

    [Theory]
    [InlineData("")]
    [InlineData("Bearer error=\"use_dpop_nonce\"")]
    [InlineData("Basic realm=\"DPoP error=\\\"use_dpop_nonce\\\"\"")]
    [InlineData("error=\"use_dpop_nonce\"")]
    [InlineData("XDPoP error=\"use_dpop_nonce\"")]
    public void Another_scheme_is_no_challenge(string header) => Assert.Null(DpopChallenge.Parse(header));

    [Fact]
    public void Whatever_a_server_sends_is_read_to_its_end()
    {
        var random = new Random(7);
        const string Alphabet = "DPoP=\",\\ \terror_useBearer\u00e9\0";
        for (var i = 0; i < 20_000; i++)
            DpopChallenge.Parse(new string([.. Enumerable.Range(0, random.Next(40)).Select(_ => Alphabet[random.Next(Alphabet.Length)])]));
    }

    [Theory]
    [InlineData("/xrpc/com.atproto.repo.createRecord", true)]
    [InlineData("/xrpc/_health", false)]
    [InlineData("/xrpc/", false)]
    [InlineData("/xrpc/.", false)]
    [InlineData("/xrpc/..", false)]
    [InlineData("/xrpc/a/", false)]
    [InlineData("/xrpc/a/b", false)]
    [InlineData("/xrpc/%61", false)]
    [InlineData("/xrpc/a;b", false)]
    [InlineData("/XRPC/a", false)]
    [InlineData("/oauth/token", false)]
    public void Only_methods_are_open(string path, bool open) => Assert.Equal(open, XrpcPath.Is(path));

    [Theory]
    [InlineData("abcd-efgh-2345-ijkl", true)]
    [InlineData("abcd-efgh-2345-ijk", false)]
    [InlineData("abcd-efgh-2345-ijkl-", false)]
    [InlineData("ABCD-EFGH-2345-IJKL", false)]
    [InlineData("correct horse batter", false)]
    [InlineData("abcdefgh-2345-ijkl-", false)]
    public void An_app_password_has_its_form(string text, bool matches) => Assert.Equal(matches, AppPasswordForm.Matches(text));

    [Theory]
    [InlineData("""{"did":"did:plc:x","accessJwt":"a","refreshJwt":"b"}""", true)]
    [InlineData("""{"did":"did:plc:x","accessJwt":"a\r\nX: y","refreshJwt":"b"}""", false)]
    [InlineData("""{"did":"did:plc:x","accessJwt":"","refreshJwt":"b"}""", false)]
    [InlineData("""{"did":"did:plc:x","did":"did:plc:y","accessJwt":"a","refreshJwt":"b"}""", false)]
    [InlineData("""[]""", false)]
    public void A_session_s_answer_is_read_strictly(string json, bool good) =>
        Assert.Equal(good, SessionAnswer.Parse(System.Text.Encoding.UTF8.GetBytes(json)) is not null);
}
