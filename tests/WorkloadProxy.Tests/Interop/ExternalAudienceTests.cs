using System.IdentityModel.Tokens.Jwt;
using System.Net;
using Microsoft.IdentityModel.Tokens;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Interop;

/// <summary>Tokens that are minted for another service: good there, and for nothing here.</summary>
public sealed class ExternalAudienceTests : IAsyncLifetime
{
    private const string Subject = $"actx:{TestProxy.Team}:role:aws";

    private TestProxy proxy = null!;

    public async ValueTask InitializeAsync() => proxy = await TestProxy.StartAsync(
        new Dictionary<string, string>(Examples.ForOneJob("""
            path "/v1/oidc/issue" {
              capabilities       = ["create"]
              allowed_parameters = {
                "aud" = ["sts.amazonaws.com", "api://DigitalOcean?actx={actx}"]
                "sub" = "actx:{actx}:role:aws"
                "ttl" = range(1, 900)
              }
            }
            """))
        {
            // whoever takes tokens of this subject here must not take that one
            ["roles/aws.hcl"] = "role \"aws\" {\n  aud = \"*\"\n  sub = \"actx:{actx}:role:aws\"\n  policies = [\"job\"]\n}\n",
        },
        (options, _) => options with { Tokens = options.Tokens with { ExternalAudiences = ["sts.amazonaws.com"] } });

    public ValueTask DisposeAsync() => proxy.DisposeAsync();

    [Fact]
    public async Task Another_service_verifies_it_with_the_published_keys_and_it_is_401_here()
    {
        var token = await MintAsync("sts.amazonaws.com");
        var keys = new JsonWebKeySet((await proxy.GetAsync("/.well-known/jwks", null)).Body);
        new JwtSecurityTokenHandler()
            .ValidateToken(token, new TokenValidationParameters
                { ValidIssuer = "http://proxy.test", ValidAudience = "sts.amazonaws.com", IssuerSigningKeys = keys.GetSigningKeys() }, out _);

        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.GetAsync("/v2/account", token)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized,
            (await proxy.PostJsonAsync("/v1/oidc/issue", token, $$"""{"aud":"sts.amazonaws.com","sub":"{{Subject}}","ttl":60}""")).Status);
        // the same for this proxy may go on
        var own = await MintAsync(TestProxy.DigitalOcean.ToString());
        Assert.Equal(HttpStatusCode.OK, (await proxy.PostJsonAsync("/v1/oidc/issue", own, $$"""{"aud":"sts.amazonaws.com","sub":"{{Subject}}","ttl":60}"""))
            .Status);
    }

    [Fact]
    public async Task Only_what_the_operator_lists_is_minted_for()
    {
        var answer = await proxy.PostJsonAsync("/v1/oidc/issue", proxy.IdentityToken(),
            $$"""{"aud":"api://AzureADTokenExchange","sub":"{{Subject}}","ttl":60}""");
        Assert.Equal(HttpStatusCode.Forbidden, answer.Status);
    }

    [Fact]
    public async Task It_is_minted_by_rfc_8693_too()
    {
        var answer = await proxy.SendAsync(HttpMethod.Post, "/v1/oidc/token", null, new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["grant_type"] = "urn:ietf:params:oauth:grant-type:token-exchange",
            ["subject_token"] = proxy.IdentityToken(),
            ["subject_token_type"] = "urn:ietf:params:oauth:token-type:jwt",
            ["audience"] = "sts.amazonaws.com",
            ["scope"] = "role:aws",
            ["ttl"] = "60",
        }));
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
        Assert.Equal("sts.amazonaws.com",
            Assert.Single(new JwtSecurityTokenHandler().ReadJwtToken(answer.Json.GetProperty("access_token").GetString()).Audiences));
    }

    private async Task<string> MintAsync(string audience)
    {
        var answer = await proxy.PostJsonAsync("/v1/oidc/issue", proxy.IdentityToken(), $$"""{"aud":"{{audience}}","sub":"{{Subject}}","ttl":300}""");
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
        return answer.Json.GetProperty("token").GetString()!;
    }
}
