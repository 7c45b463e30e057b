using System.Text;
using WorkloadProxy.Upstreams.AtProto.Client;

namespace WorkloadProxy.Tests.Upstreams.AtProto;

/// <summary>What an authorization server's answer may hold.</summary>
public sealed class TokenGrantTests
{
    [Fact]
    public void Scopes_are_kept_in_order_and_once()
    {
        var grant = Parse("repo:com.example.note?action=create blob:*/* atproto blob:*/*", out var problem);

        Assert.Null(problem);
        Assert.Equal(["atproto", "blob:*/*", "repo:com.example.note?action=create"], grant!.Scopes);
    }

    /// <summary>No store keeps a NUL, so a refresh that brought one would be tried for ever; the others end or escape a quoted text.</summary>
    [Theory]
    [InlineData("""atproto repo:\u0000""")]
    [InlineData("""atproto repo:\"*""")]
    [InlineData("""atproto repo:\\*""")]
    [InlineData("""atproto\trepo:*""")]
    [InlineData("""atproto repo:\u007f""")]
    [InlineData("""atproto repo:é""")]
    public void A_scope_with_a_character_that_no_scope_has_is_refused(string scope)
    {
        Assert.Null(Parse(scope, out var problem));
        Assert.Equal("has a scope with a character that is not valid there", problem);
    }

    private static TokenGrant? Parse(string scope, out string? problem) =>
        TokenGrant.Parse(Encoding.UTF8.GetBytes($$"""{"token_type":"DPoP","access_token":"a","refresh_token":"r","scope":"{{scope}}","expires_in":60}"""),
            out problem);
}
