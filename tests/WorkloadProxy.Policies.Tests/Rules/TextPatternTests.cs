using WorkloadProxy.Policies.Patterns;

namespace WorkloadProxy.Policies.Tests.Rules;

public sealed class TextPatternTests
{
    private static readonly AuthContext Context = new("DigitalOcean", "f81d");

    [Theory]
    [InlineData("abc", "abc", true)]
    [InlineData("abc", "abcd", false)]
    [InlineData("abc", "ABC", false)]
    [InlineData("", "", true)]
    [InlineData("", "a", false)]
    [InlineData("*", "", true)]
    [InlineData("*", "any/thing\n", true)]
    [InlineData("a*", "a", true)]
    [InlineData("a*b", "ab", true)]
    [InlineData("a*b", "a", false)]
    [InlineData("aba*aba", "aba", false)]
    [InlineData("aba*aba", "abaaba", true)]
    [InlineData("*b*", "abc", true)]
    [InlineData("a**c", "abc", true)]
    [InlineData("a*b*c", "aXbYbZc", true)]
    [InlineData("a*b*c", "acb", false)]
    [InlineData("a.c", "abc", false)]
    [InlineData("a?c", "abc", false)]
    [InlineData("[a]", "a", false)]
    [InlineData("actx:{actx}:*", "actx:f81d:role", true)]
    [InlineData("actx:<actx>:*", "actx:f81d:role", true)]
    [InlineData("actx:{actx}:*", "actx:other:role", false)]
    public void A_pattern_matches_the_whole_value(string pattern, string value, bool matches)
        => Assert.Equal(matches, TextPattern.Compile(pattern, Context).Matches(value));

    [Fact]
    public void An_id_with_wildcards_and_braces_changes_nothing()
    {
        var pattern = TextPattern.Compile("x:{actx}:*", new AuthContext("U", "a*{actx}"));
        Assert.True(pattern.Matches("x:a*{actx}:y"));
        Assert.False(pattern.Matches("x:ab:y"));
        Assert.False(TextPattern.Compile("{actx}", new AuthContext("U", "*")).Matches("anything"));
        Assert.True(TextPattern.Compile("{actx}", new AuthContext("U", "*")).IsLiteral);
    }

    [Theory]
    [InlineData("actx:{actx}:role:*", "actx:f81d:role:")]
    [InlineData("*", "")]
    [InlineData("all", "all")]
    public void The_literal_prefix_has_the_id_in_it(string pattern, string prefix) => Assert.Equal(prefix, TextPattern.Compile(pattern, Context).LiteralPrefix);

    [Theory]
    [InlineData("{claims.repository}", "org/repo", true)]
    [InlineData("x-{claims.repository}-*", "x-org/repo-y", true)]
    [InlineData("{claims.none}", "", false)]
    [InlineData("{claims.star}", "anything", false)]
    [InlineData("{claims.star}", "a*b", true)]
    [InlineData("{claims.empty}", "", false)]
    [InlineData("{claims.dots}", "a/../b", false)]
    [InlineData("{claims.number}", "7", true)]
    [InlineData("{claims.list}", "a", false)]
    [InlineData("{claims.kubernetes.namespace}", "prod", true)]
    [InlineData("{claims.kubernetes.io.x}", "dotted", true)]
    public void A_claim_is_put_in_as_literal_text(string pattern, string value, bool matches)
    {
        var claims = Claims.Parse("""
            {"repository":"org/repo","star":"a*b","empty":"","dots":"a/../b","number":7,"list":["a"],"kubernetes":{"namespace":"prod"},"kubernetes.io.x":"dotted"}
            """u8.ToArray());
        var compiled = TextPattern.Compile(pattern, Context, wildcards: true, out var error);
        Assert.Null(error);
        Assert.False(compiled!.Matches(value));
        Assert.Equal(matches, compiled.Bind(claims)?.Matches(value) ?? false);
    }

    [Theory]
    [InlineData("{claims.}")]
    [InlineData("{claims....}")]
    [InlineData("{claims.a b}")]
    [InlineData("{claims.a")]
    public void A_malformed_claim_reference_is_an_error(string pattern)
    {
        Assert.Null(TextPattern.Compile(pattern, Context, wildcards: true, out var error));
        Assert.NotNull(error);
    }

    [Fact]
    public void A_long_literal_in_a_hostile_value_is_found_in_linear_time()
    {
        var pattern = TextPattern.Compile("*" + new string('a', 60_000) + "b*", Context);
        var value = new string('a', 1_000_000);
        Assert.False(pattern.Matches(value + "c"));
        Assert.True(pattern.Matches(value + "bc"));
    }
}
