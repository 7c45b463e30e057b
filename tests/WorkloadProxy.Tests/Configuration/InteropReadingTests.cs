using System.Text;
using System.Text.Json;

namespace WorkloadProxy.Tests.Configuration;

/// <summary>Issuers, audiences, public paths and what else other programs need: read, and every mistake named.</summary>
public sealed class InteropReadingTests
{
    private const string Dex = "https://dex.example.com/dex";
    private const string Context = "\"Context\": \"api://DigitalOcean?actx=a\"";

    public static TheoryData<string, string> Cases => new()
    {
        { Issuer(""" "CaFile": "secret" """),
            "Issuers:0:CaFile: file `/here/secret` holds no certificate in PEM (`-----BEGIN CERTIFICATE-----`) (appsettings.json)" },
        { Issuer(""" "CaFile": "broken.pem" """), "Issuers:0:CaFile: file `/here/broken.pem` holds a certificate that can't be read (appsettings.json)" },
        { Issuer(""" "CaFile": "gone.pem" """), "Issuers:0:CaFile: file `/here/gone.pem` does not exist (appsettings.json)" },
        { Issuer(""" "TokenFile": "hunter2" """), "Issuers:0:TokenFile: file does not exist (appsettings.json)" },
        { Issuer(""" "JwksFile": "secret", "TokenFile": "secret" """),
            "Issuers:0:TokenFile: is given beside `JwksFile`, with which nothing is fetched (appsettings.json)" },
        { Issuer(""" "SpiffeTrustDomain": "spiffe://example.org" """),
            "Issuers:0:SpiffeTrustDomain: `spiffe://example.org` is not a trust domain, expected a name in lower case, without `spiffe://` (appsettings.json)" },
        { Issuer(""" "ClientGroups": true, "GroupsClaim": "sub" """),
            "Issuers:0:GroupsClaim: `sub` has a meaning of its own and holds no groups (appsettings.json)" },
        { Issuer(""" "AudienceIsClient": "yes" """), "Issuers:0:AudienceIsClient: `yes` is neither `true` nor `false` (appsettings.json)" },
        { Audience("""{ "Audience": "*", CONTEXT }"""), "Audiences:0:Issuer: is missing: `\"Audience\": \"*\"` accepts the tokens of one issuer only" },
        { Audience("""{ "Audience": "a", "Issuer": "dex", CONTEXT }"""),
            "Audiences:0:Issuer: `dex` is not an address, expected `https://host` (appsettings.json)" },
        { Audience("""{ "Audience": "a", "Issuer": "https://proxy.example.com", CONTEXT }"""),
            "Audiences:0:Issuer: is `PublicUrl`: this proxy's own tokens name their context (appsettings.json)" },
        { Audience("""{ "Audience": "a", "Claims": {}, CONTEXT }"""), "Audiences:0:Claims: names no claim (appsettings.json)" },
        { Audience("""{ "Audience": "a", "Claims": "sub", CONTEXT }"""),
            "Audiences:0:Claims: is not a JSON object without duplicate names (appsettings.json)" },
        { Audience("""{ "Audience": "a", "Claims": { "sub": "a", "sub": "b" }, CONTEXT }"""),
            "Audiences:0:Claims: is not a JSON object without duplicate names (appsettings.json)" },
        { Audience("""{ "Audience": "a", CONTEXT }, { "Audience": "a", CONTEXT }"""),
            "Audiences:1:Audience: `a` is mapped at `Audiences:0` already (appsettings.json)" },
        { Public(""" "Document": {} """), "Public:0:Path: is missing" },
        { Public(""" "Path": "/a/b" """), "Public:0: has no answer, expected `Document`, `File` or `Upstream`" },
        { Public(""" "Path": "/a/b", "Document": {}, "File": "document.json" """), "Public:0: has `Document` and `File`, expected one of them" },
        { Public(""" "Path": "/.well-known/*", "Document": {} """),
            "Public:0:Path: `/.well-known/*` is too wide, expected at least two whole segments before the first wildcard (appsettings.json)" },
        { Public(""" "Path": "/v1/oidc/issue", "Document": {} """), "Public:0:Path: `/v1/oidc/issue` belongs to the proxy itself (appsettings.json)" },
        { Public(""" "Path": "/a/b", "Document": [] """), "Public:0:Document: must be one value, but is a list (appsettings.json)" },
        { Public(""" "Path": "/a/b", "File": "secret" """), "Public:0:File: file `/here/secret` is not JSON, or nested too deeply (appsettings.json)" },
        { Public(""" "Path": "/a/b", "Upstream": "OpenDepot" """),
            "Public:0:Upstream: unknown upstream `OpenDepot`, configured: `DigitalOcean` (appsettings.json)" },
        { Public(""" "Path": "/a/b/*", "Document": {} }, { "Path": "/a/b/c", "Document": {} """),
            "Public:1:Path: `/a/b/c` overlaps with `/a/b/*`: it must be clear which of them answers (appsettings.json)" },
        { Public(""" "Path": "/a/b", "Document": { "login.v1": { "authz": "/dex/auth", "token": "https://dex.example.com/token" } } """),
            "Public:0:Document: has a `login.v1` whose `authz` is not an absolute http or https address (appsettings.json)" },
        { Public(""" "Path": "/a/b", "Document": { "login.v1": { "authz": "https://dex.example.com/auth", "token": "ftp://dex.example.com/token" } } """),
            "Public:0:Document: has a `login.v1` whose `token` is not an absolute http or https address (appsettings.json)" },
        { Public(""" "Path": "/a/b", "Document": { "login.v1": { "authz": "https://dex.example.com/auth" } } """),
            "Public:0:Document: has a `login.v1` without `token`, expected an absolute http or https address (appsettings.json)" },
        { Public(""" "Path": "/a/b", "File": "login.json" """),
            "Public:0:File: file `/here/login.json` has a `login.v1` whose `authz` is not an absolute http or https address (appsettings.json)" },
        { Upstream(""" "HostHeader": "private" """), "Upstreams:Registry:HostHeader: unknown host `private`, expected `public` (appsettings.json)" },
        { Upstream(""" "CaFile": "secret" """),
            "Upstreams:Registry:CaFile: file `/here/secret` holds no certificate in PEM (`-----BEGIN CERTIFICATE-----`) (appsettings.json)" },
        { Upstream(""" "PassThroughIssuers": ["https://kubernetes.default.svc"] """), "Upstreams:Registry:PassThroughIssuers: needs `PassThrough: true`" },
        { Upstream(""" "PassThrough": true, "PassThroughIssuers": ["kubernetes"] """),
            "Upstreams:Registry:PassThroughIssuers:0: `kubernetes` is not an address, expected `https://host` (appsettings.json)" },
        { Upstream(""" "PassThrough": true, "PassThroughIssuers": ["https://proxy.example.com"] """),
            "Upstreams:Registry:PassThroughIssuers:0: is `PublicUrl`: this proxy's own tokens never pass through (appsettings.json)" },
        { Upstream($$""" "PassThrough": true, "PassThroughIssuers": ["{{Dex}}"] } }, "Issuers": [{ "Issuer": "{{Dex}}" }], "Git": { "Timeout": "00:01:00" """,
            end: false), $"Upstreams:Registry:PassThroughIssuers:0: `{Dex}` is listed in `Issuers`, whose tokens are verified here (appsettings.json)" },
        { """ "Tokens": { "ExternalAudiences": ["api://Depot?actx=a"] } """,
            "Tokens:ExternalAudiences:0: `api://Depot?actx=a` is a context of a proxy, expected another service's audience (appsettings.json)" },
        { """ "Tokens": { "ExternalAudiences": ["sts.*"] } """,
            "Tokens:ExternalAudiences:0: `sts.*` holds `*`, expected one audience, exactly (appsettings.json)" },
        { """ "Tokens": { "ExternalAudiences": ["https://proxy.example.com"] } """,
            "Tokens:ExternalAudiences:0: belongs to the proxy itself (appsettings.json)" },
        { Audience("""{ "Audience": "a", CONTEXT }""") + """, "Tokens": { "ExternalAudiences": ["a"] } """,
            "Tokens:ExternalAudiences:0: `a` stands for a context in `Audiences`, and can't be another service's as well (appsettings.json)" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_mistake_is_named(string members, string expected)
    {
        var loaded = Configure.Load($$"""{ "PublicUrl": "https://proxy.example.com", {{members}} }""", prepare: directory =>
        {
            directory.Write("broken.pem", "-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n");
            directory.Write("document.json", "{}");
            directory.Write("login.json", """{ "login.v1": { "authz": "dex", "token": "https://dex.example.com/token" } }""");
        });
        Assert.Equal(expected, Configure.MistakesWithoutPlaces(loaded).Split('\n')[0]);
    }

    [Fact]
    public void A_document_keeps_its_types_and_names_with_colons()
    {
        var options = Configure.Options($$"""
            { "PublicUrl": "https://proxy.example.com/base",
              "Upstreams": { "DigitalOcean": { "Kind": "digitalocean" }, "Registry": { "Kind": "http", "Address": "https://a.example", "HostHeader": "public" } },
              "Policies": [{ {{Context}}, "Directory": "rbac" }],
              "Audiences": [{ "Audience": "a", "Claims": { "https://pulumi.com/org": "acme", "n": 7, /* a comment */ "b": true, }, {{Context}} }, { "Audience": "a", "Issuer": "{{Dex}}", {{Context}} }],
              "Public": [{ "Path": "/.well-known/terraform.json", "Document": { "modules.v1": "/m/", /* and here */ "ports": [10000, 10010], "a:b": { "c": true, }, } }] }
            """);
        Assert.Equal("""{"modules.v1":"/m/","ports":[10000,10010],"a:b":{"c":true}}""", Encoding.UTF8.GetString(options.Public[0].Document!));
        Assert.True(options.Audiences[0].Claims!.Hold(JsonElement.Parse("""{"https://pulumi.com/org":"acme","n":7,"b":true}""")));
        Assert.False(options.Audiences[0].Claims!.Hold(JsonElement.Parse("""{"https://pulumi.com/org":"acme","n":"7","b":true}""")));
        Assert.Equal("proxy.example.com", options.Upstreams["Registry"].PublicHost!.Authority);
    }

    [Fact]
    public void Any_audience_and_a_groups_claim_without_effect_are_warned_about()
    {
        var loaded = Configure.Load($$"""
            { "PublicUrl": "https://proxy.example.com", "Policies": [{ {{Context}}, "Directory": "rbac" }], "Issuers": [{ "Issuer": "{{Dex}}", "GroupsClaim": "roles" }],
              "Audiences": [{ "Audience": "*", "Issuer": "{{Dex}}", {{Context}} }] }
            """);
        Assert.Empty(loaded.Mistakes);
        Assert.Equal(["Issuers:0:GroupsClaim", "Audiences:0:Audience"], loaded.Warnings.Select(warning => warning.Key).Where(key => key != "Urls"));
        Assert.Equal([Dex], loaded.Options!.Compiling(loaded.Options.Policies[0].Context).AnyAudienceIssuers);
    }

    private static string Issuer(string members) => $$""" "Issuers": [{ "Issuer": "{{Dex}}", {{members}} }] """;

    private static string Audience(string entries) =>
        $$""" "Policies": [{ {{Context}}, "Directory": "rbac" }], "Audiences": [{{entries.Replace("CONTEXT", Context, StringComparison.Ordinal)}}] """;

    private static string Public(string members) => $$""" "Public": [{ {{members}} }] """;

    private static string Upstream(string members, bool end = true) =>
        $$""" "Upstreams": { "Registry": { "Kind": "http", "Address": "https://a.example", {{members}} {{(end ? "} }" : "}")}} """;
}
