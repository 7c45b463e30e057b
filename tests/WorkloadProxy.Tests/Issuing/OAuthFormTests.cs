using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using WorkloadProxy.Hcl;
using WorkloadProxy.Issuing;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Tests.Issuing;

public sealed class OAuthFormTests
{
    private const string FormType = "application/x-www-form-urlencoded";
    private const string Good =
        "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token=a.b.c&subject_token_type=urn:ietf:params:oauth:token-type:jwt"
        + "&audience=api%3A%2F%2FDigitalOcean%3Factx%3Dteam&scope=role:x";

    [Fact]
    public void A_request_of_RFC_8693_becomes_the_body_of_the_issue_endpoint()
    {
        var form = Parse(Good + "&ttl=300");
        Assert.Equal("a.b.c", form.SubjectToken);
        Assert.Equal("""{"aud":"api://DigitalOcean?actx=team","sub":"actx:team:role:x","ttl":300}""",
            Encoding.UTF8.GetString(form.ToIssueBody(new AuthContext("DigitalOcean", "team")).Span));
        Assert.DoesNotContain("a.b.c", form.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_whole_subject_is_taken_as_it_is_and_an_absent_ttl_is_the_rules()
    {
        var form = Parse(Good.Replace("role:x", "actx:other:role:y", StringComparison.Ordinal));
        var source = new AuthContext("DigitalOcean", "team");
        Assert.Equal("""{"aud":"api://DigitalOcean?actx=team","sub":"actx:other:role:y"}""", Encoding.UTF8.GetString(form.ToIssueBody(source).Span));
        Assert.Equal("""{"aud":"api://DigitalOcean?actx=team","sub":"actx:other:role:y","ttl":300}""",
            Encoding.UTF8.GetString(form.ToIssueBody(source, 300).Span));
        Assert.EndsWith("\"ttl\":60}", Encoding.UTF8.GetString((form with { LifetimeSeconds = 60 }).ToIssueBody(source, 300).Span), StringComparison.Ordinal);
    }

    [Fact]
    public void An_audience_that_curl_sent_without_encoding_it_is_read() =>
        Assert.Equal("api://DigitalOcean?actx=team",
            Parse(Good.Replace("api%3A%2F%2FDigitalOcean%3Factx%3Dteam", "api://DigitalOcean?actx=team", StringComparison.Ordinal)).Audience);

    [Fact]
    public void Unknown_and_empty_parameters_count_as_left_out()
    {
        Assert.NotNull(Parse(Good + "&client_id=me&ttl=&resource="));
        Assert.Equal("invalid_request", Error(Good.Replace("subject_token=a.b.c", "subject_token=", StringComparison.Ordinal)).Code);
    }

    [Fact]
    public void A_lifetime_of_nothing_is_for_the_exchange_to_refuse() => Assert.Equal(0, Parse(Good + "&ttl=0").LifetimeSeconds);

    [Theory]
    [InlineData("&scope=role:y", "invalid_request", "`scope` is given more than once")]
    [InlineData("&%73cope=role:y", "invalid_request", "`scope` is given more than once")]
    [InlineData("&x=1&x=1", "invalid_request", "`x` is given more than once")]
    [InlineData("&actor_token=a.b.c", "invalid_request", "`actor_token` is not supported: the presented token is the actor")]
    [InlineData("&resource=https://api", "invalid_target", "`resource` is not supported: name the context in `audience`")]
    [InlineData("&requested_token_type=saml", "invalid_request",
        "`requested_token_type` is unknown, expected `urn:ietf:params:oauth:token-type:jwt` or `urn:ietf:params:oauth:token-type:access_token`")]
    [InlineData("&ttl=-1", "invalid_request", "`ttl` is not a whole number of seconds")]
    [InlineData("&ttl=1.5", "invalid_request", "`ttl` is not a whole number of seconds")]
    [InlineData("&ttl=00", "invalid_request", "`ttl` is not a whole number of seconds")]
    [InlineData("&ttl=0300", "invalid_request", "`ttl` is not a whole number of seconds")]
    [InlineData("&ttl=+300", "invalid_request", "`ttl` is not a whole number of seconds")]
    [InlineData("&ttl=99999999999999999999", "invalid_request", "`ttl` is not a whole number of seconds")]
    [InlineData("&x=%", "invalid_request", "the form is not well-formed: expected percent-encoded UTF-8 without control characters")]
    [InlineData("&x=%zz", "invalid_request", "the form is not well-formed: expected percent-encoded UTF-8 without control characters")]
    [InlineData("&x=%00", "invalid_request", "the form is not well-formed: expected percent-encoded UTF-8 without control characters")]
    [InlineData("&x=%ff", "invalid_request", "the form is not well-formed: expected percent-encoded UTF-8 without control characters")]
    [InlineData("&x=%c0%af", "invalid_request", "the form is not well-formed: expected percent-encoded UTF-8 without control characters")]
    [InlineData("&x=é", "invalid_request", "the form is not well-formed: expected percent-encoded UTF-8 without control characters")]
    [InlineData("&x=a b", "invalid_request", "the form is not well-formed: expected percent-encoded UTF-8 without control characters")]
    [InlineData("&", "invalid_request", "the form holds a parameter without a name")]
    [InlineData("&=x", "invalid_request", "the form holds a parameter without a name")]
    public void What_comes_with_a_good_request_can_spoil_it(string suffix, string code, string description)
    {
        var error = Error(Good + suffix);
        Assert.Equal(description, error.Description);
        Assert.Equal(code, error.Code);
        Assert.Equal(400, error.Status);
    }

    [Theory]
    [InlineData("grant_type=urn:ietf:params:oauth:grant-type:token-exchange", "grant_type=client_credentials", "unsupported_grant_type")]
    [InlineData("grant_type=urn:ietf:params:oauth:grant-type:token-exchange", "x=1", "invalid_request")]
    [InlineData("token-type:jwt", "token-type:saml2", "invalid_request")]
    [InlineData("&audience=", "&other=", "invalid_request")]
    [InlineData("&scope=role:x", "", "invalid_scope")]
    [InlineData("&scope=role:x", "&scope=role:", "invalid_scope")]
    [InlineData("&scope=role:x", "&scope=role:x+role:y", "invalid_scope")]
    [InlineData("&scope=role:x", "&scope=openid", "invalid_scope")]
    [InlineData("&scope=role:x", "&scope=role:%22", "invalid_scope")]
    public void A_part_that_is_wrong_or_missing_has_its_own_error(string part, string replacement, string code) =>
        Assert.Equal(code, Error(Good.Replace(part, replacement, StringComparison.Ordinal)).Code);

    [Theory]
    [InlineData("application/x-www-form-urlencoded;")]
    [InlineData("application/x-www-form-urlencoded ; ; charset=UTF-8 ;")]
    public void An_empty_parameter_of_the_content_type_is_none(string type) =>
        Assert.NotNull(TokenRequestForm.Parse(Encoding.UTF8.GetBytes(Good), type, out _));

    [Theory]
    [InlineData("application/json")]
    [InlineData(null)]
    [InlineData("multipart/form-data; boundary=x")]
    [InlineData("application/x-www-form-urlencoded; charset=utf-16")]
    public void Another_content_type_is_refused(string? type)
    {
        Assert.Null(TokenRequestForm.Parse(Encoding.UTF8.GetBytes(Good), type, out var error));
        Assert.Equal("the content type is not `application/x-www-form-urlencoded`", error!.Description);
    }

    [Fact]
    public void A_form_that_is_too_large_or_has_too_many_parameters_is_refused()
    {
        Assert.Equal("the form is larger than 24576 bytes", Error(Good + "&x=" + new string('x', OAuthForm.MaxSize)).Description);
        Assert.Equal("the form holds more than 32 parameters", Error(string.Join('&', Enumerable.Range(0, 33).Select(i => $"p{i}=1"))).Description);
    }

    [Fact]
    public void Whatever_is_encoded_is_read_back_and_whatever_is_sent_does_not_throw()
    {
        var config = Config.QuickThrowOnFailure.WithMaxTest(500).WithReplay(20260504, 9);
        Prop.ForAll(ArbMap.Default.ArbFor<NonNull<string>>(), text =>
        {
            var value = new string([.. text.Get.Where(c => !char.IsControl(c) && !char.IsSurrogate(c))]);
            var body = Encoding.ASCII.GetBytes($"token={Uri.EscapeDataString(value)}&x=1");
            return OAuthForm.TryParse(body, FormType, out var form, out _) && (form["token"] ?? "") == value && form["x"] == "1";
        }).Check(config);
        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), bytes =>
        {
            var read = OAuthForm.TryParse(bytes, FormType, out var form, out var error);
            return read ? form is not null : error is not null;
        }).Check(config);
    }

    [Fact]
    public void The_answer_is_RFC_8693s()
    {
        var output = new ArrayBufferWriter<byte>();
        Parse(Good).WriteResponse(output,
            new IssuedToken { Token = "t.o.k"u8.ToArray(), Audience = IssuingTest.DigitalOcean.ToString(), Subject = "s", Id = "i", Expires = default,
                LifetimeSeconds = 300, Sha256 = "" });
        Assert.Equal("""{"access_token":"t.o.k","issued_token_type":"urn:ietf:params:oauth:token-type:jwt","token_type":"Bearer","expires_in":300,"scope":"role:x"}""", Encoding.UTF8.GetString(output.WrittenSpan));
    }

    [Theory]
    [InlineData(nameof(ErrorId.BadRequest), true, 400, "invalid_request")]
    [InlineData(nameof(ErrorId.InvalidToken), true, 400, "invalid_request")]
    [InlineData(nameof(ErrorId.Forbidden), true, 403, "access_denied")]
    [InlineData(nameof(ErrorId.Forbidden), false, 403, "invalid_target")]
    [InlineData(nameof(ErrorId.StoreUnavailable), true, 503, "temporarily_unavailable")]
    [InlineData(nameof(ErrorId.UpstreamTimeout), true, 500, "server_error")]
    public void A_failure_is_said_in_OAuths_words(string id, bool knownTarget, int status, string code)
    {
        var error = OAuthError.From(new Failure(Enum.Parse<ErrorId>(id), "why"), knownTarget);
        Assert.Equal((status, code), (error.Status, error.Code));
    }

    [Fact]
    public void An_error_description_is_printable_ASCII()
    {
        var output = new ArrayBufferWriter<byte>();
        OAuthError.InvalidRequest("a \"b\" \\ é\n").Write(output);
        Assert.Equal("""{"error":"invalid_request","error_description":"a 'b' ? ??"}""", Encoding.UTF8.GetString(output.WrittenSpan));
    }

    [Fact]
    public void A_revocation_names_its_token_and_a_form_without_one_is_an_error()
    {
        Assert.Equal("a.b.c", RevocationForm.Parse("token=a.b.c&token_type_hint=access_token"u8, FormType, out _));
        Assert.Null(RevocationForm.Parse("token="u8, FormType, out var error));
        Assert.Equal("`token` is missing", error!.Description);
        Assert.Null(RevocationForm.Parse("token=a&token=b"u8, FormType, out error));
        Assert.Equal("`token` is given more than once", error!.Description);
    }

    private static TokenRequestForm Parse(string body)
    {
        var form = TokenRequestForm.Parse(Encoding.UTF8.GetBytes(body), FormType, out var error);
        Assert.Null(error);
        return form!;
    }

    private static OAuthError Error(string body)
    {
        Assert.Null(TokenRequestForm.Parse(Encoding.UTF8.GetBytes(body), FormType, out var error));
        return error!;
    }
}
