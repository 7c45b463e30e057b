namespace WorkloadProxy.Policies.Tests.Requests;

public sealed class RequestTargetTests
{
    [Theory]
    [InlineData("/", "/", "/")]
    [InlineData("/v2/droplets", "/v2/droplets", "/v2/droplets")]
    [InlineData("/v2/droplets/", "/v2/droplets/", "/v2/droplets/")]
    [InlineData("/v2/%64roplets", "/v2/droplets", "/v2/droplets")]
    [InlineData("/a%7Eb", "/a~b", "/a~b")]
    [InlineData("/a b", null, null)]
    [InlineData("/a%20b", "/a b", "/a%20b")]
    [InlineData("/a%2bb", "/a+b", "/a%2Bb")]
    [InlineData("/a+b", "/a+b", "/a+b")]
    [InlineData("/a%3ab%3a;c%3b%3d=%26&%24%40@%21%2a%27%28%29%2C", "/a:b:;c;==&&$@@!*'(),", "/a%3Ab%3A;c%3B%3D=%26&%24%40@%21%2A%27%28%29%2C")]
    [InlineData("/%41%7a%30%2d%2E%5f%7E", "/Az0-._~", "/Az0-._~")]
    [InlineData("/a%3Fb", "/a?b", "/a%3Fb")]
    [InlineData("/a%23b", "/a#b", "/a%23b")]
    [InlineData("/a%5bb%5D", "/a[b]", "/a%5Bb%5D")]
    [InlineData("/a[b]", "/a[b]", "/a%5Bb%5D")]
    [InlineData("/{id}|^`\"<>", "/{id}|^`\"<>", "/%7Bid%7D%7C%5E%60%22%3C%3E")]
    [InlineData("/caf%c3%a9", "/café", "/caf%C3%A9")]
    [InlineData("/%F0%9F%98%80", "/😀", "/%F0%9F%98%80")]
    [InlineData("/100%25", "/100%", "/100%25")]
    [InlineData("/100%25x", "/100%x", "/100%25x")]
    [InlineData("/100%25a", "/100%a", "/100%25a")]
    [InlineData("/a;b=c,d", "/a;b=c,d", "/a;b=c,d")]
    [InlineData("/a:@!$&'()*+,;=-._~", "/a:@!$&'()*+,;=-._~", "/a:@!$&'()*+,;=-._~")]
    [InlineData("/...", "/...", "/...")]
    [InlineData("/.well-known/x", "/.well-known/x", "/.well-known/x")]
    [InlineData("/a..b/..c/d..", "/a..b/..c/d..", "/a..b/..c/d..")]
    public void A_path_has_one_decoded_and_one_forwarded_form(string raw, string? path, string? forwarded)
    {
        var parsed = RequestTarget.TryParse(raw, out var target, out _, out _);
        Assert.Equal(path is not null, parsed);
        Assert.Equal(path, target?.Path);
        Assert.Equal(forwarded, target?.Forwarded);
    }

    [Theory]
    [InlineData("", "the target does not begin with `/`")]
    [InlineData("*", "the target does not begin with `/`")]
    [InlineData("http://host/v2", "the target does not begin with `/`")]
    [InlineData("v2", "the target does not begin with `/`")]
    [InlineData("//host/v2", "empty segment")]
    [InlineData("/v2//droplets", "empty segment")]
    [InlineData("/v2/droplets//", "empty segment")]
    [InlineData("/v2/./droplets", "`.` or `..`")]
    [InlineData("/v2/../droplets", "`.` or `..`")]
    [InlineData("/v2/..", "`.` or `..`")]
    [InlineData("/..", "`.` or `..`")]
    [InlineData("/.", "`.` or `..`")]
    [InlineData("/v2/%2e%2e/x", "`.` or `..`")]
    [InlineData("/v2/.%2E/x", "`.` or `..`")]
    [InlineData("/v2/%2e", "`.` or `..`")]
    [InlineData("/v2/..;/x", "`.` or `..`")]
    [InlineData("/v2/..;a=b/x", "`.` or `..`")]
    [InlineData("/v2/..%3b/x", "`.` or `..`")]
    [InlineData("/v2/.;x", "`.` or `..`")]
    [InlineData("/v2/%2e%2e%3Bx", "`.` or `..`")]
    [InlineData("/v2\\droplets", "raw `\\`")]
    [InlineData("/v2%5cdroplets", "encoded backslash")]
    [InlineData("/v2%5Cdroplets", "encoded backslash")]
    [InlineData("/v2%00", "control")]
    [InlineData("/v2%0d%0aX: y", "control")]
    [InlineData("/v2%7f", "control")]
    [InlineData("/v2%c2%85", "control")]
    [InlineData("/v2%01", "control")]
    [InlineData("/v2\u0001", "raw control")]
    [InlineData("/v2\u00e9", "raw control or non-ASCII")]
    [InlineData("/v2%", "invalid percent-encoding")]
    [InlineData("/v2%4", "invalid percent-encoding")]
    [InlineData("/v2%zz", "invalid percent-encoding")]
    [InlineData("/v2%u0041", "invalid percent-encoding")]
    [InlineData("/v2%+1", "invalid percent-encoding")]
    [InlineData("/v2%ff", "not UTF-8")]
    [InlineData("/v2%c0%af", "not UTF-8")]
    [InlineData("/v2%c0%ae%c0%ae/x", "not UTF-8")]
    [InlineData("/v2%ed%a0%80", "not UTF-8")]
    [InlineData("/v2%252e", "encoded twice")]
    [InlineData("/v2%2541", "encoded twice")]
    [InlineData("/v2%25%34%31", "encoded twice")]
    [InlineData("/v2%25%32%65", "encoded twice")]
    [InlineData("/v2#x", "raw `#`")]
    [InlineData("/v2?a#x", "raw `#`")]
    [InlineData("/v2?a=%", "invalid percent-encoding")]
    [InlineData("/v2?a=%g0", "invalid percent-encoding")]
    [InlineData("/v2?a=%00", "control")]
    [InlineData("/v2?a=%0a", "control")]
    [InlineData("/v2?a=%c2%80", "control")]
    [InlineData("/v2?a=%ff", "not UTF-8")]
    [InlineData("/v2?a=\\", "raw `\\`")]
    [InlineData("/v2?a=\u00e9", "non-ASCII")]
    [InlineData("/v2?a=b c", "raw control")]
    [InlineData("/v2/a%2f../x", "`.` or `..`")]
    [InlineData("/v2/..%2fx", "`.` or `..`")]
    [InlineData("/v2/a%2F%2e%2e", "`.` or `..`")]
    [InlineData("/v2/%2fx", "empty segment")]
    [InlineData("/v2/a%2f%2fb", "empty segment")]
    [InlineData("/v2/a%2f/b", "empty segment")]
    public void What_two_readers_could_take_for_two_things_is_refused(string raw, string reason)
    {
        Assert.False(RequestTarget.TryParse(raw, out var target, out var error, out var tooLong));
        Assert.Null(target);
        Assert.False(tooLong);
        Assert.Contains(reason, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/xrpc/profile/did:web:host%253A3000", "/xrpc/profile/did:web:host%3A3000", "/xrpc/profile/did:web:host%253A3000")]
    [InlineData("/xrpc/%64id:web:host%253a3000/x?y=1", null, null)]
    [InlineData("/_rbac/ATProto/did:web:host%253A3000.git", "/_rbac/ATProto/did:web:host%3A3000.git", "/_rbac/ATProto/did:web:host%253A3000.git")]
    [InlineData("/x/did:web:host%253A3000.git", null, null)]
    [InlineData("/x/did:web:host%253A3001", null, null)]
    [InlineData("/x/did:web:host%253A3000%2541", null, null)]
    [InlineData("/x/a%252f..", null, null)]
    [InlineData("/x/did:web:a%252Fb", null, null)]
    public void What_decodes_to_the_id_of_a_context_may_hold_an_encoding(string raw, string? path, string? forwarded)
    {
        var ids = ContextIds.Of([new("ATProto", "did:web:host%3A3000"), new("ATProto", "did:web:a%2Fb"), new("ATProto", "a%2f.."), new("ATProto", "plain")]);
        Assert.Equal(path is not null, RequestTarget.TryParse(raw, ids, out var target, out _, out _));
        Assert.Equal(path, target?.Path);
        Assert.Equal(forwarded, target?.Forwarded);
        Assert.False(RequestTarget.TryParse(raw, out _, out _, out _));
    }

    [Fact]
    public void A_target_over_8_KiB_is_too_long()
    {
        Assert.True(RequestTarget.TryParse("/" + new string('a', RequestTarget.MaxLength - 1), out _, out _, out _));
        Assert.False(RequestTarget.TryParse("/" + new string('a', RequestTarget.MaxLength), out _, out _, out var tooLong));
        Assert.True(tooLong);
    }

    [Theory]
    [InlineData("/a?next=https%3A%2F%2Fx.example%2F", "next=https%3A%2F%2Fx.example%2F")]
    [InlineData("/a?b=%5c..%2f&c=[1]{2}", "b=%5c..%2f&c=[1]{2}")]
    [InlineData("/a?", "")]
    [InlineData("/%61?x=%7e", "x=%7e")]
    public void The_query_is_forwarded_as_received(string raw, string query)
    {
        Assert.True(RequestTarget.TryParse(raw, out var target, out _, out _));
        Assert.Equal(query, target.RawQuery);
        Assert.Equal("/a?" + query, target.Forwarded);
    }

    [Fact]
    public void An_encoded_slash_is_kept_apart_from_a_separator()
    {
        Assert.True(RequestTarget.TryParse("/projects/group%2fname/x?y=1", out var target, out _, out _));
        Assert.True(target.HasEncodedSlash);
        Assert.Equal("/projects/group%2Fname/x", target.Path);
        Assert.Equal("/projects/group%2Fname/x?y=1", target.Forwarded);
        Assert.NotEqual(target.MatchPath, target.Path);
    }

    [Theory]
    [InlineData("/v1/oidc/issue", true)]
    [InlineData("/v1/%6fidc/issue", true)]
    [InlineData("/v1/oidc/", true)]
    [InlineData("/%5frbac/x", true)]
    [InlineData("/_rbac/DigitalOcean/x", true)]
    [InlineData("/v1%2foidc/issue", true)]
    [InlineData("/v1/oidc%2Fissue", true)]
    [InlineData("/v1/oidc", false)]
    [InlineData("/V1/OIDC/issue", false)]
    [InlineData("/v1/oidcx/issue", false)]
    [InlineData("/_rbac", false)]
    [InlineData("/x/_rbac/", false)]
    public void Own_paths_are_told_by_the_decoded_path(string raw, bool own)
    {
        Assert.True(RequestTarget.TryParse(raw, out var target, out _, out _));
        Assert.Equal(own, target.IsOwnPath);
    }

    [Theory]
    [InlineData("/v2/droplets//x%2f%zz?a=%00#y\\", false)]
    [InlineData("/v2/%E9", false)]
    [InlineData("/v1/%6fidc/issue", true)]
    [InlineData("/v1/oidc%2fissue", true)]
    public void A_pass_through_target_is_kept_whatever_is_in_it(string raw, bool own)
    {
        Assert.True(RequestTarget.TryCheckPassThrough(raw, out var isOwn, out _));
        Assert.Equal(own, isOwn);
    }

    [Theory]
    [InlineData("/a/../b")]
    [InlineData("/a/%2e%2E/b")]
    [InlineData("/a/..;x/b")]
    [InlineData("/a/..%3b/b")]
    [InlineData("/a%2f..%2fb")]
    [InlineData("/a\\..\\b")]
    [InlineData("/a%5c..")]
    [InlineData("/.")]
    [InlineData("/a%00")]
    [InlineData("/a\u0007")]
    [InlineData("http://host/")]
    [InlineData("*")]
    public void A_pass_through_target_with_dots_controls_or_a_host_is_refused(string raw)
        => Assert.False(RequestTarget.TryCheckPassThrough(raw, out _, out _));

    [Theory]
    [InlineData("/\u00e9AAAA")]
    [InlineData("/a?b=\u00e9")]
    [InlineData("/\u00c3\u00a9")]
    [InlineData("/\u20ac")]
    [InlineData("/\ud83d\ude00")]
    [InlineData("/a b")]
    [InlineData("/a\u007f")]
    [InlineData("/a\u0080")]
    [InlineData("/a?\u00ff")]
    public void A_pass_through_target_with_anything_but_visible_ASCII_is_refused(string raw)
    {
        Assert.False(RequestTarget.TryCheckPassThrough(raw, out _, out var error));
        Assert.Equal("the target holds a character other than visible ASCII", error);
    }

    [Fact]
    public void Of_all_characters_a_pass_through_target_takes_visible_ASCII_alone()
    {
        var taken = Enumerable.Range(0, 0x10000).Where(c => RequestTarget.TryCheckPassThrough($"/a{(char)c}", out _, out _));
        Assert.Equal(Enumerable.Range('!', '~' - '!' + 1), taken);
    }

    [Fact]
    public void A_query_is_read_as_a_form_is()
    {
        Assert.True(RequestTarget.TryParse("/a?x=1&y&=z&&a+b=c%20d+e&x=2&%C3%A9=%3d", out var target, out _, out _));
        Assert.Equal(["x", "y", "", "a b", "x", "é"], target.QueryNames);
        Assert.Equal(["1", "", "z", "c d e", "2", "="], target.Query.Select(pair => pair.Value));
    }

    [Fact]
    public void A_plain_target_costs_one_object_and_no_second_string()
    {
        const string Raw = "/v2/droplets/123";
        RequestTarget.TryParse(Raw, out var target, out _, out _);
        Assert.Same(Raw, target!.Path);
        Assert.Same(Raw, target.Forwarded);
        var before = GC.GetAllocatedBytesForCurrentThread();
        RequestTarget.TryParse(Raw, out _, out _, out _);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 80);
    }
}
