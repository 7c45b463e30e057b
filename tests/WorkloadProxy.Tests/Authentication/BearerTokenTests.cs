using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;
using WorkloadProxy.Authentication;

namespace WorkloadProxy.Tests.Authentication;

public sealed class BearerTokenTests
{
    private static readonly string Object = TestKey.Url("""{"alg":"RS256"}""");

    [Fact]
    public void No_header_is_no_token() => Assert.Equal(BearerTokenKind.None, BearerToken.Read(StringValues.Empty).Kind);

    [Fact]
    public void Two_headers_are_several_also_when_they_agree() =>
        Assert.Equal(BearerTokenKind.Several, BearerToken.Read(new StringValues(["Bearer a", "Bearer a"])).Kind);

    [Theory]
    [InlineData("Bearer dop_v1_0123abcd", "dop_v1_0123abcd")]
    [InlineData("bearer dop_v1_0123abcd", "dop_v1_0123abcd")]
    [InlineData("BEARER   dop_v1_0123abcd", "dop_v1_0123abcd")]
    [InlineData("Bearer a:b,c==", "a:b,c==")]
    [InlineData("Bearer e", "e")]
    [InlineData("Bearer ew", "ew")]
    public void A_token_that_is_no_JWT_is_a_users(string header, string token)
    {
        var read = BearerToken.Read(header);
        Assert.Equal(BearerTokenKind.Opaque, read.Kind);
        Assert.Equal(token, read.Text.ToString());
    }

    [Theory]
    [InlineData("wpr_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("wpr_")]
    [InlineData("wpg_cut-off")]
    public void A_secret_of_the_proxys_own_is_none_of_a_users_also_when_it_is_damaged(string token)
    {
        var read = BearerToken.Read("Bearer " + token);
        Assert.Equal(BearerTokenKind.Own, read.Kind);
        Assert.NotNull(read.Refusal);
    }

    [Theory]
    [InlineData("a.b.c")]
    [InlineData("a.")]
    [InlineData(".")]
    [InlineData("dop_v1.0123")]
    public void What_contains_a_dot_is_none_of_a_users(string token) => Assert.Equal(BearerTokenKind.Jwt, BearerToken.Read("Bearer " + token).Kind);

    [Theory]
    [InlineData("e30")]
    [InlineData("e30=")]
    [InlineData("e31")]
    [InlineData("IHsgfSA")]
    [InlineData("eyJhIjoi//8ifQ==")]
    public void What_decodes_to_a_JSON_object_is_a_JWT_however_broken(string token) =>
        Assert.Equal(BearerTokenKind.Jwt, BearerToken.Read("Bearer " + token).Kind);

    [Fact]
    public void A_header_alone_is_a_JWT_without_its_other_parts() => Assert.Equal(BearerTokenKind.Jwt, BearerToken.Read("Bearer " + Object).Kind);

    [Fact]
    public void A_deeply_nested_object_is_one_too()
    {
        var deep = TestKey.Url(string.Concat(Enumerable.Repeat("{\"a\":", 200)) + "1" + new string('}', 200));
        Assert.Equal(BearerTokenKind.Jwt, BearerToken.Read("Bearer " + deep).Kind);
    }

    [Theory]
    [InlineData("Basic dXNlcjpwYXNz")]
    [InlineData("Bearerx abc")]
    [InlineData("DPoP abc")]
    [InlineData("Bearer\tabc")]
    public void Another_scheme_is_no_bearer_token(string header) => Assert.Equal(BearerTokenKind.OtherScheme, BearerToken.Read(header).Kind);

    [Theory]
    [InlineData("")]
    [InlineData(" Bearer abc")]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("Bearer a b")]
    [InlineData("Bearer a, Bearer b")]
    [InlineData("Bearer abc ")]
    [InlineData("Bearer abc\t")]
    [InlineData("Bearer abc\u0001")]
    [InlineData("Bearer abc\u007f")]
    [InlineData("Bearer käse")]
    public void A_malformed_one_is_refused(string header) => Assert.Equal(BearerTokenKind.Malformed, BearerToken.Read(header).Kind);

    /// <summary>What the recent hashes rest on.</summary>
    [Fact]
    public async Task Kestrel_gives_a_header_that_a_connection_repeats_as_the_same_string()
    {
        var seen = new List<string>();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        await using var server = builder.Build();
        server.Run(context =>
        {
            seen.Add(context.Request.Headers.Authorization[0]!);
            return Task.CompletedTask;
        });
        await server.StartAsync();
        using var client = new HttpClient { BaseAddress = new Uri(server.Urls.First()) };
        client.DefaultRequestHeaders.Add("Authorization", "Bearer abc.def.ghi");
        for (var i = 0; i < 3; i++) await client.GetAsync("/");
        Assert.Same(seen[1], seen[2]);
    }
}
