using System.Net;
using WorkloadProxy.Authentication;
using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Tests.Configuration;

public sealed class LayeringTests
{
    private const string Minimal = """{ "PublicUrl": "https://proxy.example.com" }""";

    [Fact]
    public void Arguments_beat_the_environment_which_beats_the_file()
    {
        const string Json = """{ "PublicUrl": "https://file.example", "Tokens": { "Algorithm": "RS256", "MaxChain": "02:00:00" } }""";
        var options = Configure.Options(Json, ["--PublicUrl", "https://argument.example"],
            new() { ["PublicUrl"] = "https://environment.example", ["Tokens__Algorithm"] = "ES256" });
        Assert.Equal("https://argument.example", options.PublicUrl);
        Assert.Equal("ES256", options.Tokens.Algorithm);
        Assert.Equal(TimeSpan.FromHours(2), options.Tokens.MaxChain);
    }

    [Theory]
    [InlineData(null, null, "http://127.0.0.1:1")]
    [InlineData("9", null, "http://0.0.0.0:9")]
    [InlineData("9", "http://127.0.0.1:3", "http://127.0.0.1:3")]
    public void Port_beats_the_files_urls_and_the_argument_beats_port(string? port, string? argument, string expected)
    {
        var options = Configure.Options("""{ "PublicUrl": "https://a.example", "Urls": "http://127.0.0.1:1" }""", argument is null ? [] : ["--urls", argument],
            port is null ? [] : new() { ["PORT"] = port });
        Assert.Equal([expected], options.Urls);
    }

    [Fact]
    public void The_older_names_work()
    {
        var options = Configure.Options(null, [], new()
        {
            ["THIS_ENDPOINT"] = "https://proxy.example.com/",
            ["UPSTREAM_API_URL"] = "http://127.0.0.1:9000",
            ["DIGITALOCEAN_OAUTH_CLIENT_ID"] = "client",
            ["DIGITALOCEAN_OAUTH_CLIENT_SECRET"] = "hunter2",
            ["PORT"] = "8081",
        });
        Assert.Equal("https://proxy.example.com", options.PublicUrl);
        Assert.Equal(["http://0.0.0.0:8081"], options.Urls);
        var upstream = Assert.Single(options.Upstreams.Values);
        Assert.Equal(("DigitalOcean", UpstreamKind.DigitalOcean, true, new Uri("http://127.0.0.1:9000")),
            (upstream.Name, upstream.Kind, upstream.PassThrough, upstream.Address));
        Assert.Equal("client", upstream.OAuth!.ClientId);
        Assert.Equal("DIGITALOCEAN_OAUTH_CLIENT_SECRET", upstream.OAuth.ClientSecretEnvironmentVariable);
    }

    [Fact]
    public void The_newer_name_beats_the_older()
    {
        var options = Configure.Options(null, [], new() { ["THIS_ENDPOINT"] = "https://old.example", ["PublicUrl"] = "https://new.example" });
        Assert.Equal("https://new.example", options.PublicUrl);
    }

    [Fact]
    public void The_older_database_name_is_the_connection_string() =>
        Assert.Equal("db", Configure.Options(Minimal, [], new() { ["DATABASE_URI"] = "postgres://u:hunter2@db/x?sslmode=require", ["MasterKeyFile"] = "key" })
            .Postgres!.Server);

    [Fact]
    public void A_config_file_replaces_appsettings_and_paths_are_relative_to_its_folder()
    {
        var loaded = Configure.Load("""{ "Nonsense": 1 }""", ["--config", "etc/proxy.json"], null, directory =>
            directory.Write("etc/proxy.json", """{ "PublicUrl": "https://proxy.example.com", "DataDirectory": "../data" }"""));
        Assert.Empty(loaded.Mistakes);
        Assert.Equal("data", Path.GetFileName(loaded.Options!.DataDirectory));
        Assert.DoesNotContain("/etc", loaded.Options.DataDirectory);
    }

    [Fact]
    public void The_environments_file_lies_over_appsettings_and_its_lists_replace()
    {
        const string Json = """{ "PublicUrl": "https://a.example", "TrustedProxies": ["10.0.0.0/8", "192.168.0.0/16"], "Tokens": { "Algorithm": "ES256" }, "Audit": { "File": "audit.jsonl" } }""";
        var loaded = Configure.Load(Json, [], new() { ["ASPNETCORE_ENVIRONMENT"] = "Staging" }, directory =>
            directory.Write("appsettings.Staging.json", """{ "TrustedProxies": ["172.16.0.0/12"], "Tokens": { "MaxLifetime": "00:05:00" }, "Audit": null }"""));
        Assert.Empty(loaded.Mistakes);
        Assert.Equal([IPNetwork.Parse("172.16.0.0/12")], loaded.Options!.TrustedProxies);
        Assert.Equal(("ES256", TimeSpan.FromMinutes(5)), (loaded.Options.Tokens.Algorithm, loaded.Options.Tokens.MaxLifetime));
        Assert.Null(loaded.Options.Audit.File);
    }

    [Fact]
    public void Development_tells_the_public_url_from_where_it_listens()
    {
        var options = Configure.Options(null, ["--urls", "http://0.0.0.0:5555", "--environment", "Development"]);
        Assert.Equal("http://localhost:5555", options.PublicUrl);
        Assert.True(options.Development);
    }

    [Fact]
    public void Frameworks_sections_are_passed_on_whole()
    {
        var options = Configure.Options("""{ "PublicUrl": "https://a.example", "Logging": { "LogLevel": { "Yarp": "debug", "A": "2" }, "Console": { "FormatterName": "x" } }, "AllowedHosts": "*" }""",
            ["--Kestrel:Limits:MaxConcurrentConnections=5"],
            new() { ["Logging__LogLevel__Default"] = "Warning", ["ASPNETCORE_Kestrel__Certificates__Default__Subject"] = "a.test" });
        Assert.Equal("debug", options.Framework["Logging:LogLevel:Yarp"]);
        Assert.Equal("Warning", options.Framework["Logging:LogLevel:Default"]);
        Assert.Equal("*", options.Framework["AllowedHosts"]);
        Assert.Equal("5", options.Framework["Kestrel:Limits:MaxConcurrentConnections"]);
        Assert.Equal("a.test", options.Framework["Kestrel:Certificates:Default:Subject"]);
        Assert.Null(options.Framework["PublicUrl"]);
    }

    [Fact]
    public void The_environment_of_others_is_not_looked_at() =>
        Configure.Options(Minimal, [], new() { ["SOME__THING"] = "x", ["PATH"] = "/bin", ["DOTNET_gcServer"] = "1", ["Polices__0__Context"] = "x" });

    [Fact]
    public void Comments_trailing_commas_and_a_byte_order_mark_are_fine()
    {
        var options = Configure.Options("\uFEFF// a comment\n{ /* and */ \"PublicUrl\": \"https://a.example\", }");
        Assert.Equal("https://a.example", options.PublicUrl);
    }

    [Fact]
    public void A_full_configuration_is_read()
    {
        var options = Configure.Options(
            """
            {
              "PublicUrl": "https://proxy.example.com",
              "Upstreams": {
                "DigitalOcean": { "Kind": "digitalocean", "PassThrough": true },
                "Depot": { "Kind": "http", "Address": "http://depot.svc.cluster.local:8080/", "ActivityTimeout": null, "Version": 2, "EncodedSlash": true, "DropHeaders": ["X-Debug"] },
                "ATProto": { "Kind": "atproto", "Address": null }
              },
              "Issuers": [{ "Issuer": "https://dex.example.com/dex", "MetadataAddress": "http://dex.dex.svc:5556/dex/.well-known/openid-configuration", "Algorithms": ["RS256"] }],
              "Audiences": [{ "Audience": "https://depot.dev", "Context": "api://Depot?actx=acme" }],
              "Policies": [
                { "Context": "api://DigitalOcean?actx=f81d4fae", "Directory": "." },
                { "Context": "api://Depot?actx=acme", "Directory": "rbac" },
                { "Context": "api://ATProto?actx=did:plc:abc", "Directory": "rbac" }
              ],
              "Credentials": [
                { "Context": "api://DigitalOcean?actx=f81d4fae", "Kind": "Bearer", "File": "secret" },
                { "Context": "api://Depot?actx=acme", "Kind": "Header", "Name": "X-Api-Key", "Format": "key={secret}", "File": "secret" }
              ],
              "Tokens": { "Algorithm": "ES256", "MaxLifetime": "00:10:00", "KeyRotation": "7.00:00:00" },
              "TrustedProxies": ["10.0.0.0/8", "fd00::/8"],
              "Audit": { "File": "audit.jsonl", "Required": false }
            }
            """);
        var depot = options.Upstreams["Depot"];
        Assert.Equal((UpstreamKind.Http, null, HttpVersion.Version20, true), (depot.Kind, depot.ActivityTimeout, depot.HttpVersion, depot.EncodedSlash));
        Assert.Equal(["X-Debug"], depot.DropHeaders);
        Assert.Equal(new Uri("https://api.digitalocean.com"), options.Upstreams["DigitalOcean"].Address);
        Assert.Equal(TimeSpan.FromSeconds(100), options.Upstreams["DigitalOcean"].ActivityTimeout);
        Assert.Null(options.Upstreams["ATProto"].Address);
        Assert.Equal(["RS256"], Assert.Single(options.Issuers).Algorithms);
        Assert.Equal(new AuthContext("Depot", "acme"), Assert.Single(options.Audiences).Context);
        Assert.Equal(["f81d4fae", "acme", "did:plc:abc"], options.Policies.Select(policy => policy.Context.Id));
        Assert.Equal(("X-Api-Key", "key={secret}"), (options.Credentials[1].Name, options.Credentials[1].Format));
        Assert.Equal((TimeSpan.FromMinutes(10), TimeSpan.FromDays(7)), (options.Tokens.MaxLifetime, options.Tokens.KeyRotation));
        Assert.Equal(2, options.TrustedProxies.Count);
        Assert.False(options.Audit.Required);
        Assert.True(Path.IsPathFullyQualified(options.Audit.File!));
    }

    [Fact]
    public void Git_sources_are_read()
    {
        var options = Configure.Options(
            """
            {
              "PublicUrl": "https://proxy.example.com",
              "Policies": [
                { "Context": "api://DigitalOcean?actx=a", "Hosted": { "ObjectFormat": "sha256" } },
                { "Context": "api://DigitalOcean?actx=b", "Hosted": {} },
                { "Context": "api://DigitalOcean?actx=c", "Git": { "Url": "https://ghe.example.com/acme/rbac.git", "Status": { "ApiAddress": "https://ghe.example.com/api/v3", "AppId": 123456, "PrivateKeyFile": "secret", "InstallationId": 7 } } },
                { "Context": "api://DigitalOcean?actx=d", "Git": { "Url": "https://github.com/acme/rbac.git", "Status": { "AppId": "Iv23liAbCdEfGhIjKlMn", "PrivateKeyFile": "secret" } } },
                { "Context": "api://DigitalOcean?actx=e", "Git": { "Url": "https://github.com/acme/rbac.git", "Status": { "TokenFile": "secret" } } }
              ],
              "Git": { "MaxRepositorySize": 5000000, "MaxRefs": 10 }
            }
            """);
        Assert.Equal(["sha256", "sha1"], options.Policies.Take(2).Select(policy => policy.Hosted!.ObjectFormat));
        var statuses = options.Policies.Skip(2).Select(policy => policy.Git!.Status!).ToList();
        Assert.Equal([("123456", 7L), ("Iv23liAbCdEfGhIjKlMn", null), null],
            statuses.Select(status => status.App is { } app ? (app.Id, app.InstallationId) : ((string, long?)?)null));
        Assert.Equal(new Uri("https://ghe.example.com/api/v3"), statuses[0].ApiAddress);
        Assert.Equal([null, null, "secret"], statuses.Select(status => Path.GetFileName(status.TokenFile)));
        Assert.Equal((5_000_000, 10), (options.Git.MaxRepositorySize, options.Git.MaxRefs));
    }

    [Theory]
    [InlineData("""{ "PublicUrl": "http://proxy.example.com", "Urls": "http://127.0.0.1:1" }""",
        "PublicUrl: `http://proxy.example.com` is plain http off loopback: most services accept tokens of https issuers only (appsettings.json:1:3)")]
    [InlineData("""{ "PublicUrl": "https://proxy.example.com", "Urls": "http://*:1" }""",
        "Urls: `http://*:1` is plain http off loopback: tokens can be read on the way. Set `Kestrel:Endpoints` for TLS, or `TrustedProxies` behind a balancer "
            + "(appsettings.json:1:45)")]
    [InlineData("""{ "PublicUrl": "https://p.example", "Urls": "http://[::1]:1", "Policies": [{ "Context": "api://DigitalOcean?actx=a", "Directory": "rbac" }], "Credentials": [{ "Context": "api://DigitalOcean?actx=a", "Kind": "Bearer", "EnvironmentVariable": "GONE" }] }""",
        "Credentials:0:EnvironmentVariable: environment variable `GONE` is not set (appsettings.json:1:218)")]
    public void What_is_probably_not_meant_is_a_warning(string json, string expected)
    {
        var loaded = Configure.Load(json);
        Assert.Empty(loaded.Mistakes);
        Assert.Equal(expected, Assert.Single(loaded.Warnings).ToString());
    }
}
