namespace WorkloadProxy.Policies.Tests.Interop;

/// <summary>Paths that need no token.</summary>
public sealed class PublicPatternTests
{
    [Theory]
    [InlineData("/.well-known/terraform.json")]
    [InlineData("/robots.txt")]
    [InlineData("/opendepot/providers/v1/download/*")]
    [InlineData("/a/b/*")]
    [InlineData("/a/b/+/c")]
    public void A_narrow_pattern_is_taken(string text) => Assert.True(PublicPattern.TryParse(text, out _, out var error), error);

    [Theory]
    [InlineData("*", "does not begin with `/`")]
    [InlineData("/*", "is too wide, expected at least two whole segments before the first wildcard")]
    [InlineData("/.well-known/*", "is too wide, expected at least two whole segments before the first wildcard")]
    [InlineData("/a/b*", "is too wide, expected at least two whole segments before the first wildcard")]
    [InlineData("/+/b/c", "is too wide, expected at least two whole segments before the first wildcard")]
    [InlineData("/a/{actx}/b", "holds `{`, but nobody's claims or context are known there")]
    [InlineData("/a/b/{claims.sub}", "holds `{`, but nobody's claims or context are known there")]
    [InlineData("/", "belongs to the proxy itself")]
    [InlineData("/health/ready", "belongs to the proxy itself")]
    [InlineData("/.well-known/jwks.json", "belongs to the proxy itself")]
    [InlineData("/.well-known/oauth-protected-resource/x", "belongs to the proxy itself")]
    [InlineData("/v1/oidc/issue", "belongs to the proxy itself")]
    [InlineData("/v1/oidc/x/*", "belongs to the proxy itself")]
    [InlineData("/_rbac/Depot/*", "belongs to the proxy itself")]
    [InlineData("/_mcp/Depot/a", "belongs to the proxy itself")]
    [InlineData("/auth/digitalocean/v1/login", "belongs to the proxy itself")]
    [InlineData("/info/refs", "belongs to the proxy itself")]
    [InlineData("/a//b", "holds an empty, `.` or `..` segment, which no path contains")]
    public void Any_other_is_refused_with_the_reason(string text, string expected)
    {
        Assert.False(PublicPattern.TryParse(text, out _, out var error));
        Assert.Equal(expected, error);
    }

    [Theory]
    [InlineData("/a/b/c", "/a/b/c", true)]
    [InlineData("/a/b/c", "/a/b/d", false)]
    [InlineData("/a/b/*", "/a/b/c", true)]
    [InlineData("/a/b/*", "/a/b/c/d", true)]
    [InlineData("/a/b/*", "/a/c/d", false)]
    [InlineData("/a/b/+", "/a/b/c", true)]
    [InlineData("/a/b/+", "/a/b/c/d", false)]
    [InlineData("/a/b/x*", "/a/b/xyz", true)]
    [InlineData("/a/b/x*", "/a/b/y", false)]
    [InlineData("/a/b/x*", "/a/b/xy*", true)]
    [InlineData("/a/b/+/d", "/a/b/c/*", true)]
    [InlineData("/a/b/+/d", "/a/b/c/e", false)]
    [InlineData("/a/b/c/*", "/a/b/c", false)]
    public void Two_patterns_that_share_a_path_overlap(string one, string other, bool expected)
    {
        Assert.True(PublicPattern.TryParse(one, out var first, out _));
        Assert.True(PublicPattern.TryParse(other, out var second, out _));
        Assert.Equal(expected, first.Overlaps(second));
        Assert.Equal(expected, second.Overlaps(first));
    }
}
