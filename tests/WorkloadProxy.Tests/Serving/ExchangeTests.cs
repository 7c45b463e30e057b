using System.Buffers.Text;
using System.IdentityModel.Tokens.Jwt;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.IdentityModel.Tokens;
using Sandbox;
using WorkloadProxy.Cli;
using WorkloadProxy.Configuration;
using WorkloadProxy.Control;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Tests.Serving;

/// <summary>The token and discovery endpoints, through the socket.</summary>
public sealed class ExchangeTests(ExchangeTests.Servers servers) : IClassFixture<ExchangeTests.Servers>
{
    /// <summary>For the tables, whose rows don't disturb each other.</summary>
    public sealed class Servers : IAsyncLifetime
    {
        internal TestProxy Chain { get; private set; } = null!;
        internal TestProxy Tutorial { get; private set; } = null!;

        public async ValueTask InitializeAsync() =>
            (Chain, Tutorial) = (await TestProxy.StartAsync(ExchangeTests.Chain()), await TestProxy.StartAsync(Examples.Tutorial));

        public async ValueTask DisposeAsync()
        {
            await Chain.DisposeAsync();
            await Tutorial.DisposeAsync();
        }
    }

    /// <summary>The job may ask for any role of its context; what a token of that context may do is reading, and asking again.</summary>
    private static IReadOnlyDictionary<string, string> Chain(string more = "") => new Dictionary<string, string>
    {
        ["gha-roles/job.hcl"] = $$"""
            role "job" {
              iss      = "ISSUER"
              aud      = "api://DigitalOcean?actx={actx}"
              sub      = "repo:org/repo:ref:refs/heads/main"
              policies = ["exchange"]
              {{more}}
            }
            role "scoped" {
              aud      = "api://DigitalOcean?actx={actx}"
              sub      = "actx:{actx}:role:*"
              policies = ["exchange", "read"]
            }
            """,
        ["policies/exchange.hcl"] = """
            path "/v1/oidc/issue" {
              capabilities       = ["create"]
              allowed_parameters = {
                "aud"         = "api://DigitalOcean?actx=*"
                "sub"         = "actx:{actx}:role:*"
                "ttl"         = optional(any())
                "team"        = optional(any())
                "droplet_id"  = optional(any())
                "ACTX_source" = optional(any())
              }
            }
            """,
        ["policies/read.hcl"] = "path \"/v2/*\" {\n  capabilities = [\"read\"]\n}\n",
    };

    private static readonly string subject = $"actx:{TestProxy.Team}:role:r";

    [Fact]
    public async Task The_exchange_takes_JSON_under_a_forms_content_type_and_answers_as_documented()
    {
        await using var proxy = await TestProxy.StartAsync(Chain());
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();

        var answer = await proxy.SendAsync(HttpMethod.Post, "/v1/oidc/issue", proxy.IdentityToken(),
            new StringContent($$"""{"aud":"{{TestProxy.DigitalOcean}}","sub":"{{subject}}","ttl":300,"team":{"name":"a"} }""", Encoding.UTF8,
                "application/x-www-form-urlencoded"));

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal("no-store", answer.Headers["Cache-Control"]);
        Assert.Equal("application/json", answer.Headers["Content-Type"]);
        Assert.Equal(["token", "token_type", "expires_in", "expires_at"], answer.Json.EnumerateObject().Select(member => member.Name));
        Assert.Equal(("Bearer", 300), (answer.Json.GetProperty("token_type").GetString(), answer.Json.GetProperty("expires_in").GetInt32()));
        var token = answer.Json.GetProperty("token").GetString()!;
        var claims = ClaimsOf(token);
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(claims.GetProperty("exp").GetInt64()).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'"),
            answer.Json.GetProperty("expires_at").GetString());
        Assert.Equal(proxy.Options.PublicUrl, claims.GetProperty("iss").GetString());
        Assert.Equal(TestProxy.DigitalOcean.ToString(), claims.GetProperty("aud").GetString());
        Assert.Equal(subject, claims.GetProperty("sub").GetString());
        Assert.InRange(claims.GetProperty("iat").GetInt64(), now, now + 60);
        Assert.Equal(claims.GetProperty("iat").GetInt64() + 300, claims.GetProperty("exp").GetInt64());
        Assert.Equal(claims.GetProperty("iat").GetInt64() - 5, claims.GetProperty("nbf").GetInt64());
        Assert.Equal(proxy.Sandbox.Issuer.Issuer, claims.GetProperty("act").GetProperty("iss").GetString());
        Assert.Equal("repo:org/repo:ref:refs/heads/main", claims.GetProperty("act").GetProperty("sub").GetString());
        Assert.Equal(TestProxy.DigitalOcean.ToString(), claims.GetProperty("actx_source").GetString());
        Assert.Equal("a", claims.GetProperty("team").GetProperty("name").GetString());
        Assert.Equal("JWT", HeaderOf(token).GetProperty("typ").GetString());

        var line = await proxy.AuditOfAsync(answer);
        Assert.Equal("allow", line.GetProperty("decision").GetString());
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Encoding.ASCII.GetBytes(token))),
            line.GetProperty("token_sha256").GetString());
        Assert.Equal(["job"], line.GetProperty("roles").EnumerateArray().Select(role => role.GetString()!));
    }

    [Fact]
    public async Task Another_implementation_verifies_a_scoped_token_by_what_the_proxy_publishes()
    {
        var proxy = servers.Chain;
        var answer = await proxy.SendAsync(HttpMethod.Post, "/v1/oidc/issue", proxy.IdentityToken(),
            new StringContent($$"""{"aud":"{{TestProxy.DigitalOcean}}","sub":"{{subject}}"}"""));
        var token = answer.Json.GetProperty("token").GetString()!;
        var published = (await proxy.SendAsync(HttpMethod.Get, "/.well-known/jwks", null)).Json.GetRawText();
        var handler = new JwtSecurityTokenHandler { MapInboundClaims = false };
        var expected = new TokenValidationParameters
        {
            ValidIssuer = proxy.Options.PublicUrl,
            ValidAudience = TestProxy.DigitalOcean.ToString(),
            ValidAlgorithms = [SecurityAlgorithms.RsaSha256, SecurityAlgorithms.EcdsaSha256],
            IssuerSigningKeys = new JsonWebKeySet(published).GetSigningKeys(),
        };

        Assert.Equal(subject, handler.ValidateToken(token, expected, out _).FindFirst("sub")!.Value);
        var altered = token.Split('.');
        altered[1] = Base64UrlEncoder.Encode(Base64UrlEncoder.Decode(altered[1]).Replace(":role:r", ":role:admin", StringComparison.Ordinal));
        Assert.Throws<SecurityTokenInvalidSignatureException>(() => handler.ValidateToken(string.Join('.', altered), expected, out _));
    }

    [Theory]
    [InlineData("""{"aud":"AUD","sub":"SUB"}""", 200)]
    [InlineData("""{"aud":"AUD","sub":"SUB","ttl":1}""", 200)]
    [InlineData("""{"aud":"AUD","sub":"SUB","ttl":900}""", 200)]
    [InlineData("""{"aud":"AUD","sub":"SUB","ttl":3e2}""", 200)]
    [InlineData("""{"aud":"AUD","sub":"SUB","ttl":901}""", 400)]
    [InlineData("""{"aud":"AUD","sub":"SUB","ttl":0}""", 400)]
    [InlineData("""{"aud":"AUD","sub":"SUB","ttl":-1}""", 400)]
    [InlineData("""{"aud":"AUD","sub":"SUB","ttl":1.5}""", 400)]
    [InlineData("""{"aud":"AUD","sub":"SUB","ttl":"300"}""", 400)]
    [InlineData("""{"aud":"AUD","sub":"SUB","ttl":null}""", 400)]
    [InlineData("""{"aud":"AUD","sub":"SUB","ttl":99999999999999999999}""", 400)]
    [InlineData("""{"aud":"AUD","sub":"SUB","aud":"AUD"}""", 400)]
    [InlineData("""{"aud":"AUD","sub":"SUB"}{}""", 400)]
    [InlineData("""{"aud":"AUD","sub":"SUB","droplet_id":7}""", 400)]
    [InlineData("""{"aud":"AUD","sub":"SUB","ACTX_source":"x"}""", 400)]
    [InlineData("""{"aud":"AUD","sub":"SUB","repository":"org/repo"}""", 403)]
    [InlineData("""{"aud":"AUD"}""", 403)]
    [InlineData("""{"sub":"SUB"}""", 403)]
    [InlineData("""{"aud":["AUD"],"sub":"SUB"}""", 403)]
    [InlineData("""{"aud":"AUD","sub":"actx:other:role:r"}""", 403)]
    [InlineData("""{"aud":"api://DigitalOcean?actx=unknown","sub":"SUB"}""", 403)]
    [InlineData("""{"aud":"api://Nowhere?actx=unknown","sub":"SUB"}""", 403)]
    [InlineData("[]", 400)]
    [InlineData("null", 400)]
    [InlineData("aud=AUD&sub=SUB", 400)]
    [InlineData("", 403)]
    public async Task What_an_exchange_asks_for_is_checked(string body, int status)
    {
        var proxy = servers.Chain;
        var filled = body.Replace("AUD", TestProxy.DigitalOcean.ToString(), StringComparison.Ordinal).Replace("SUB", subject, StringComparison.Ordinal);

        var answer = await proxy.PostJsonAsync("/v1/oidc/issue", proxy.IdentityToken(), filled);

        Assert.True(status == (int)answer.Status, $"{(int)answer.Status}: {answer.Body}");
        Assert.Equal(status == 200, answer.Json.TryGetProperty("token", out _));
        if (status == 200 && !body.Contains("ttl", StringComparison.Ordinal)) Assert.Equal(900, answer.Json.GetProperty("expires_in").GetInt32());
    }

    [Fact]
    public async Task A_chain_of_exchanges_is_4_deep_and_names_each_actor()
    {
        await using var proxy = await TestProxy.StartAsync(Chain());
        var token = proxy.IdentityToken();
        for (var i = 1; i <= 4; i++) token = await ExchangeAsync(proxy, token, $"r{i}");

        var act = ClaimsOf(token).GetProperty("act");
        var actors = new List<string>();
        for (JsonElement? next = act; next is { } actor; next = actor.TryGetProperty("act", out var inner) ? inner : null)
            actors.Add(actor.GetProperty("sub").GetString()!);
        Assert.Equal([$"actx:{TestProxy.Team}:role:r3", $"actx:{TestProxy.Team}:role:r2", $"actx:{TestProxy.Team}:role:r1",
            "repo:org/repo:ref:refs/heads/main"], actors);
        Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync("/v2/echo/a", token)).Status);

        var fifth = await AskAsync(proxy, token, "r5");
        Assert.Equal(HttpStatusCode.Forbidden, fifth.Status);
        Assert.Contains("4 times already", fifth.Json.GetProperty("message").GetString());
    }

    [Fact]
    public async Task A_chain_ends_an_hour_after_its_first_token_was_issued_or_with_that_token_if_it_lives_longer()
    {
        await using var proxy = await TestProxy.StartAsync(Chain());
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();

        var young = await AskAsync(proxy, proxy.IdentityToken(Examples.Job.With("iat", now - 3500).With("exp", now + 35)), "r");
        Assert.InRange(young.Json.GetProperty("expires_in").GetInt32(), 40, 100);
        var again = await AskAsync(proxy, young.Json.GetProperty("token").GetString()!, "r");
        Assert.InRange(again.Json.GetProperty("expires_in").GetInt32(), 40, 100);

        var old = await AskAsync(proxy, proxy.IdentityToken(Examples.Job.With("iat", now - 7200).With("exp", now + 100)), "r");
        Assert.InRange(old.Json.GetProperty("expires_in").GetInt32(), 40, 100);
        again = await AskAsync(proxy, old.Json.GetProperty("token").GetString()!, "r");
        Assert.InRange(again.Json.GetProperty("expires_in").GetInt32(), 40, 100);
    }

    [Fact]
    public async Task A_roles_max_ttl_caps_what_is_minted_through_it()
    {
        await using var proxy = await TestProxy.StartAsync(Chain("max_ttl = 120"));

        Assert.Equal(120, (await AskAsync(proxy, proxy.IdentityToken(), "r")).Json.GetProperty("expires_in").GetInt32());
    }

    [Fact]
    public async Task A_forged_act_of_a_foreign_token_is_not_passed_on()
    {
        await using var proxy = await TestProxy.StartAsync(Chain());
        var forged = Examples.Job.With("act", new JsonObject { ["sub"] = "root", ["act"] = new JsonObject() }).With("actx_chain", 4102444800)
            .With("actx_ancestors", new JsonArray("x"));

        var claims = ClaimsOf(await ExchangeAsync(proxy, proxy.IdentityToken(forged), "r"));

        Assert.False(claims.GetProperty("act").TryGetProperty("act", out _));
        Assert.InRange(claims.GetProperty("actx_chain").GetInt64(), 0, TimeProvider.System.GetUtcNow().ToUnixTimeSeconds());
        Assert.StartsWith("sha256:", Assert.Single(claims.GetProperty("actx_ancestors").EnumerateArray()).GetString());
    }

    [Fact]
    public async Task A_token_crosses_to_another_context_only_under_its_own_ones_name()
    {
        var files = new Dictionary<string, string>(Examples.Tutorial)
        {
            ["gha-roles/agent.hcl"] = """
                role "agent" {
                  iss      = "ISSUER"
                  aud      = "api://DigitalOcean?actx={actx}"
                  sub      = "repo:org/repo:ref:refs/heads/agent"
                  policies = ["ex-atproto"]
                }
                """,
        };
        await using var proxy = await TestProxy.StartAsync(files, (options, sandbox) => WithAtProto(options, sandbox));
        var agent = proxy.IdentityToken(new JsonObject { ["sub"] = "repo:org/repo:ref:refs/heads/agent" });

        var answer = await proxy.PostJsonAsync("/v1/oidc/issue", agent,
            $$"""{"aud":"{{TestProxy.AtProto}}","sub":"actx:{{TestProxy.Team}}:role:atproto-write","ttl":300}""");
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
        var token = answer.Json.GetProperty("token").GetString()!;
        var record = """{"repo":"did:plc:a","collection":"app.bsky.feed.post","record":{"$type":"app.bsky.feed.post","text":"Hello World"}}""";
        var posted = await proxy.PostJsonAsync("/xrpc/com.atproto.repo.createRecord", token, record);

        Assert.True(posted.Status == HttpStatusCode.OK, posted.Body);
        Assert.Equal($"Bearer {proxy.Sandbox.Options.AtProtoToken}", Assert.Single(proxy.Sandbox.Requests.All).Header("Authorization"));
        Assert.Equal(TestProxy.AtProto.ToString(), (await proxy.AuditOfAsync(posted)).GetProperty("context").GetString());
        // in the team's own context it is nothing
        Assert.Equal(HttpStatusCode.Forbidden, (await proxy.GetAsync("/v2/databases?tag_name=my-tag", token)).Status);
        // and it may not be exchanged back under the team's name
        var back = await proxy.PostJsonAsync("/v1/oidc/issue", token,
            $$"""{"aud":"{{TestProxy.DigitalOcean}}","sub":"actx:{{TestProxy.Team}}:role:database-and-spaces-keys-access","ttl":300}""");
        Assert.Equal(HttpStatusCode.Forbidden, back.Status);
    }

    private static ProxyOptions WithAtProto(ProxyOptions options, SandboxServer sandbox)
    {
        var secret = Path.Combine(Path.GetDirectoryName(options.Audit.File)!, "atproto-token");
        File.WriteAllText(secret, sandbox.Options.AtProtoToken);
        return options with
        {
            Upstreams = new Dictionary<string, UpstreamOptions>(options.Upstreams)
                { ["ATProto"] = new() { Name = "ATProto", Kind = UpstreamKind.Http, Address = sandbox.Address } },
            Policies = [.. options.Policies, new PolicySourceOptions(TestProxy.AtProto, Directory: options.Policies[0].Directory)],
            Credentials = [.. options.Credentials, new CredentialOptions { Context = TestProxy.AtProto, Kind = CredentialKind.Bearer, File = secret }],
        };
    }

    [Fact]
    public async Task The_same_exchange_speaks_RFC_8693()
    {
        await using var proxy = await TestProxy.StartAsync(Examples.Tutorial);

        // the rule's one `ttl` stands for an absent one
        var answer = await TokenAsync(proxy, [.. Form(proxy), new("scope", "role:database-and-spaces-keys-access")]);

        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
        Assert.Equal("no-store", answer.Headers["Cache-Control"]);
        Assert.Equal(["access_token", "issued_token_type", "token_type", "expires_in", "scope"], answer.Json.EnumerateObject().Select(member => member.Name));
        Assert.Equal("urn:ietf:params:oauth:token-type:jwt", answer.Json.GetProperty("issued_token_type").GetString());
        Assert.Equal(300, answer.Json.GetProperty("expires_in").GetInt32());
        Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync("/v2/databases?tag_name=my-tag", answer.Json.GetProperty("access_token").GetString())).Status);
        Assert.Equal("/v1/oidc/token", (await proxy.AuditOfAsync(answer)).GetProperty("path").GetString());
    }

    [Theory]
    [InlineData("grant_type", "client_credentials", 400, "unsupported_grant_type")]
    [InlineData("grant_type", null, 400, "invalid_request")]
    [InlineData("subject_token", null, 400, "invalid_request")]
    [InlineData("subject_token", "a.b.c", 400, "invalid_request")]
    [InlineData("subject_token", "dop_v1_sandbox_user", 400, "invalid_request")]
    [InlineData("subject_token_type", "urn:ietf:params:oauth:token-type:saml2", 400, "invalid_request")]
    [InlineData("audience", null, 400, "invalid_request")]
    [InlineData("audience", "api://DigitalOcean?actx=unknown", 403, "invalid_target")]
    [InlineData("scope", null, 400, "invalid_scope")]
    [InlineData("scope", "role:a role:b", 400, "invalid_scope")]
    [InlineData("scope", "role:other", 403, "access_denied")]
    [InlineData("ttl", "301", 403, "access_denied")]
    [InlineData("ttl", "0", 403, "access_denied")]
    [InlineData("ttl", "-1", 400, "invalid_request")]
    [InlineData("actor_token", "a.b.c", 400, "invalid_request")]
    public async Task An_error_of_the_token_endpoint_is_OAuths(string name, string? value, int status, string error)
    {
        var proxy = servers.Tutorial;
        var form = new Dictionary<string, string>(Form(proxy)) { ["scope"] = "role:database-and-spaces-keys-access" };
        if (value is null) form.Remove(name);
        else form[name] = value;

        var answer = await TokenAsync(proxy, form);

        Assert.True((status, error) == ((int)answer.Status, answer.Json.GetProperty("error").GetString()), $"{(int)answer.Status}: {answer.Body}");
        Assert.NotEmpty(answer.Json.GetProperty("error_description").GetString()!);
        Assert.DoesNotContain("\\u00", answer.Body);
        Assert.Equal("no-store", answer.Headers["Cache-Control"]);
        Assert.Equal("deny", (await proxy.AuditOfAsync(answer)).GetProperty("decision").GetString());
    }

    [Theory]
    [InlineData("/v1/oidc/token")]
    [InlineData("/v1/oidc/revoke")]
    public async Task A_form_over_its_limit_is_413_in_OAuths_words_before_anyone_is_authenticated(string target)
    {
        var answer = await servers.Tutorial.SendAsync(HttpMethod.Post, target, null, new ByteArrayContent(new byte[65 * 1024]));

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.Status);
        Assert.Equal("invalid_request", answer.Json.GetProperty("error").GetString());
    }

    [Theory]
    [InlineData("GET", "/v1/oidc/token", "POST")]
    [InlineData("GET", "/v1/oidc/revoke", "POST")]
    [InlineData("POST", "/.well-known/jwks", "GET, HEAD")]
    [InlineData("DELETE", "/health", "GET, HEAD")]
    [InlineData("POST", "/", "GET, HEAD")]
    public async Task An_endpoint_says_which_methods_it_takes(string method, string target, string allow)
    {
        var answer = await servers.Tutorial.SendAsync(new HttpMethod(method), target, null);

        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.Status);
        Assert.Equal("method_not_allowed", answer.ErrorId);
        Assert.Equal(allow, answer.Headers["Allow"]);
    }

    [Theory]
    [InlineData("/V1/OIDC/Issue")]
    [InlineData("/v1/oidc/issue/")]
    [InlineData("/v1/oidc/Token")]
    [InlineData("/HEALTH/live")]
    [InlineData("/.well-known/JWKS")]
    public async Task No_other_spelling_reaches_an_endpoint(string target)
    {
        var answer = await servers.Tutorial.GetAsync(target, null);

        Assert.Equal(HttpStatusCode.Unauthorized, answer.Status);
    }

    [Fact]
    public async Task An_identity_token_that_mints_and_revokes_without_end_is_revoked_itself_after_100()
    {
        await using var proxy = await TestProxy.StartAsync(Chain());
        var (greedy, other) = (proxy.IdentityToken(), proxy.IdentityToken());
        var scoped = await proxy.ExchangeAsync(greedy, "a");
        for (var i = 0; i < RevocationLimit.MaxDescendants; i++)
            Assert.Equal(HttpStatusCode.OK, (await RevokeAsync(proxy, await proxy.ExchangeAsync(greedy, "b"))).Status);
        Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync("/v2/echo/a", scoped)).Status);

        Assert.Equal(HttpStatusCode.OK, (await RevokeAsync(proxy, await proxy.ExchangeAsync(greedy, "b"))).Status);

        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.GetAsync("/v2/echo/a", scoped)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.GetAsync("/v2/echo/a", greedy)).Status);
        Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync("/v2/echo/a", await proxy.ExchangeAsync(other, "a"))).Status);
    }

    [Fact]
    public async Task A_revoked_token_and_all_that_it_was_exchanged_for_stop_at_once_and_for_good()
    {
        await using var proxy = await TestProxy.StartAsync(Chain());
        var identity = proxy.IdentityToken();
        var parent = await ExchangeAsync(proxy, identity, "parent");
        var child = await ExchangeAsync(proxy, parent, "child");
        var sibling = await ExchangeAsync(proxy, identity, "sibling");
        foreach (var token in new[] { parent, child, sibling }) Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync("/v2/echo/a", token)).Status);

        var revoked = await RevokeAsync(proxy, parent);

        Assert.Equal(HttpStatusCode.OK, revoked.Status);
        var line = await proxy.AuditOfAsync(revoked);
        Assert.Equal((ClaimsOf(parent).GetProperty("jti").GetString(), "revoked"),
            (line.GetProperty("jti").GetString(), line.GetProperty("reason").GetString()));
        await StatesAsync();
        await proxy.StopServerAsync();
        await proxy.StartServerAsync();
        await StatesAsync();
        // the whole tree falls with its root
        Assert.Equal(HttpStatusCode.OK, (await RevokeAsync(proxy, identity)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.GetAsync("/v2/echo/a", sibling)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await AskAsync(proxy, identity, "again")).Status);

        async Task StatesAsync()
        {
            foreach (var token in new[] { parent, child })
            {
                var answer = await proxy.GetAsync("/v2/echo/a", token);
                Assert.Equal((HttpStatusCode.Unauthorized, "the token has been revoked"), (answer.Status, answer.Json.GetProperty("message").GetString()));
            }
            Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync("/v2/echo/a", sibling)).Status);
        }
    }

    [Fact]
    public async Task A_revocation_that_can_not_be_stored_is_503_and_not_in_force()
    {
        await using var proxy = await TestProxy.StartAsync(Chain());
        var token = await ExchangeAsync(proxy, proxy.IdentityToken(), "r");
        using var store = SqliteDatabase.Existing(DataDirectory.StoreFileOf(proxy.Options.DataDirectory));
        await ExecuteAsync(store, "ALTER TABLE revocations RENAME TO elsewhere");

        var failed = await RevokeAsync(proxy, token);

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "store_unavailable"), (failed.Status, failed.ErrorId));
        Assert.True(failed.Headers.ContainsKey("Retry-After"));
        Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync("/v2/echo/a", token)).Status);
        await ExecuteAsync(store, "ALTER TABLE elsewhere RENAME TO revocations");
        Assert.Equal(HttpStatusCode.OK, (await RevokeAsync(proxy, token)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.GetAsync("/v2/echo/a", token)).Status);
    }

    private static Task ExecuteAsync(Database store, string sql) => store.RunAsync(async connection =>
    {
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return await command.ExecuteNonQueryAsync();
    }, CancellationToken.None);

    [Theory]
    [InlineData("a.b.c")]
    [InlineData("dop_v1_sandbox_user")]
    [InlineData("x")]
    public async Task Revoking_what_is_no_token_of_ours_is_200_too(string token)
    {
        var answer = await RevokeAsync(servers.Tutorial, token);

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal("", answer.Body);
    }

    [Fact]
    public async Task Discovery_and_keys_are_an_ordinary_issuers()
    {
        var proxy = servers.Tutorial;
        var configuration = await proxy.GetAsync("/.well-known/openid-configuration", null);
        var jwks = await proxy.GetAsync("/.well-known/jwks", null);

        var url = proxy.Options.PublicUrl;
        Assert.Equal((url, $"{url}/.well-known/jwks", $"{url}/v1/oidc/token"), (Text("issuer"), Text("jwks_uri"), Text("token_endpoint")));
        Assert.Equal(["id_token"], List("response_types_supported"));
        Assert.Equal(["public"], List("subject_types_supported"));
        Assert.Equal(["ES256"], List("id_token_signing_alg_values_supported"));
        Assert.Equal([], ((string[])["sub", "run"]).Except(List("claims_supported")));
        Assert.Contains("openid", List("scopes_supported"));
        foreach (var document in new[] { configuration, jwks })
        {
            Assert.Matches("^public, max-age=[1-9][0-9]*$", document.Headers["Cache-Control"]);
            Assert.Equal("application/json", document.Headers["Content-Type"]);
        }
        Assert.Equal(jwks.Body, (await proxy.GetAsync("/.well-known/jwks.json", null)).Body);
        var head = await proxy.SendAsync(HttpMethod.Head, "/.well-known/jwks", null);
        Assert.Equal((HttpStatusCode.OK, "", jwks.Headers["Content-Length"]), (head.Status, head.Body, head.Headers["Content-Length"]));
        var key = Assert.Single(jwks.Json.GetProperty("keys").EnumerateArray());
        Assert.Equal(["kty", "use", "alg", "kid", "crv", "x", "y"], key.EnumerateObject().Select(member => member.Name));

        string? Text(string name) => configuration.Json.GetProperty(name).GetString();
        string[] List(string name) => [.. configuration.Json.GetProperty(name).EnumerateArray().Select(element => element.GetString()!)];
    }

    [Fact]
    public async Task A_rotation_publishes_the_next_key_while_the_present_one_signs_on()
    {
        await using var proxy = await TestProxy.StartAsync(Chain());
        var before = await ExchangeAsync(proxy, proxy.IdentityToken(), "r");

        var reply = await ControlClient.SendAsync(proxy.Options.DataDirectory, "keys.rotate", null, TimeSpan.FromSeconds(10), CancellationToken.None);

        Assert.Null(reply!.Error);
        var published = (await proxy.GetAsync("/.well-known/jwks", null)).Json.GetProperty("keys").EnumerateArray()
            .Select(key => key.GetProperty("kid").GetString()).ToList();
        Assert.Equal(2, published.Count);
        Assert.Contains(reply.Result.GetProperty("key").GetProperty("kid").GetString(), published);
        var after = await ExchangeAsync(proxy, proxy.IdentityToken(), "r");
        Assert.Equal(HeaderOf(before).GetProperty("kid").GetString(), HeaderOf(after).GetProperty("kid").GetString());
        foreach (var token in new[] { before, after }) Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync("/v2/echo/a", token)).Status);
        await proxy.StopServerAsync();
        await proxy.StartServerAsync();
        Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync("/v2/echo/a", before)).Status);
    }

    private static KeyValuePair<string, string>[] Form(TestProxy proxy) =>
    [
        new("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"), new("subject_token", proxy.IdentityToken()),
        new("subject_token_type", "urn:ietf:params:oauth:token-type:id_token"), new("audience", TestProxy.DigitalOcean.ToString()),
    ];

    private static Task<Answer> TokenAsync(TestProxy proxy, IEnumerable<KeyValuePair<string, string>> form) =>
        proxy.SendAsync(HttpMethod.Post, "/v1/oidc/token", null, new FormUrlEncodedContent(form));

    private static Task<Answer> RevokeAsync(TestProxy proxy, string token) =>
        proxy.SendAsync(HttpMethod.Post, "/v1/oidc/revoke", null, new FormUrlEncodedContent([new("token", token)]));

    private static Task<Answer> AskAsync(TestProxy proxy, string token, string role) =>
        proxy.PostJsonAsync("/v1/oidc/issue", token, $$"""{"aud":"{{TestProxy.DigitalOcean}}","sub":"actx:{{TestProxy.Team}}:role:{{role}}"}""");

    private static async Task<string> ExchangeAsync(TestProxy proxy, string token, string role)
    {
        var answer = await AskAsync(proxy, token, role);
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
        return answer.Json.GetProperty("token").GetString()!;
    }

    private static JsonElement ClaimsOf(string token) => JsonDocument.Parse(Base64Url.DecodeFromChars(token.Split('.')[1])).RootElement;
    private static JsonElement HeaderOf(string token) => JsonDocument.Parse(Base64Url.DecodeFromChars(token.Split('.')[0])).RootElement;
}

internal static class Claim
{
    /// <summary>The same claims with one more.</summary>
    public static JsonObject With(this JsonObject claims, string name, JsonNode value)
    {
        claims[name] = value;
        return claims;
    }
}
