using System.Net;
using System.Text.Json;
using Sandbox.AtProto;
using WorkloadProxy.Configuration;
using WorkloadProxy.Tests.GitHosting;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.SignIn.AtProto;

/// <summary>Accounts sign in, against authorization servers that are as strict as real ones.</summary>
public sealed class SignInTests
{
    [Fact]
    public async Task The_clients_document_says_all_that_a_server_asks_for()
    {
        await using var test = await AccountTest.StartAsync();

        var answer = await test.Proxy.GetAsync(AccountTest.Document, null);

        Assert.Equal((HttpStatusCode.OK, "application/json"), (answer.Status, answer.Headers["Content-Type"]));
        Assert.Contains("max-age=300", answer.Headers["Cache-Control"]);
        var json = answer.Json;
        Assert.Equal(
            ("https://proxy.lab.internal/oauth-client-metadata.json", "https://proxy.lab.internal", "web", "atproto repo:* blob:*/*", "private_key_jwt",
                "ES256"),
            (Text("client_id"), Text("client_uri"), Text("application_type"), Text("scope"), Text("token_endpoint_auth_method"),
                Text("token_endpoint_auth_signing_alg")));
        Assert.Equal("""["authorization_code", "refresh_token"]""", json.GetProperty("grant_types").GetRawText().Replace("\n", "").Replace("    ", "")
            .Replace("  ]", "]").Replace(",\"", ", \""));
        Assert.Equal("https://proxy.lab.internal/auth/atproto/v1/callback", Assert.Single(json.GetProperty("redirect_uris").EnumerateArray()).GetString());
        Assert.Equal("code", Assert.Single(json.GetProperty("response_types").EnumerateArray()).GetString());
        Assert.True(json.GetProperty("dpop_bound_access_tokens").GetBoolean());
        var key = Assert.Single(json.GetProperty("jwks").GetProperty("keys").EnumerateArray());
        Assert.Equal(("EC", "P-256", "ES256", "sig"),
            (key.GetProperty("kty").GetString(), key.GetProperty("crv").GetString(), key.GetProperty("alg").GetString(), key.GetProperty("use").GetString()));
        Assert.False(key.TryGetProperty("d", out _));
        Assert.DoesNotContain(key.GetProperty("kid").GetString()!, (await test.Proxy.GetAsync("/.well-known/jwks", null)).Body);

        string? Text(string name) => json.GetProperty(name).GetString();
    }

    [Fact]
    public async Task An_account_signs_in_by_its_DID()
    {
        await using var test = await AccountTest.StartAsync();

        var (_, page) = await test.SignInAsync(test.Alice);

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Contains("Your account is connected.", page.Body);
        Assert.Contains(test.Alice.Did, page.Body);
        Assert.Contains(test.Server.Url, page.Body);
        Assert.Equal(test.Alice, Assert.Single(test.Server.OAuth.Sessions).Account);
        Assert.Equal("ok", (await test.HealthAsync()).Status);
    }

    [Theory]
    [InlineData("bob.test")]
    [InlineData("@Bob.TEST")]
    public async Task An_account_signs_in_by_its_handle(string handle)
    {
        await using var test = await AccountTest.StartAsync();

        var (_, page) = await test.SignInAsync(test.Bob, login: $"{AccountTest.Login}?handle={handle}");

        Assert.Contains(test.Bob.Did, page.Body);
        Assert.Contains("bob.test", page.Body);
        Assert.Single(test.Network.Servers[1].OAuth.Sessions);
    }

    [Fact]
    public async Task A_did_web_of_this_machine_signs_in_where_its_origin_is_listed_and_nowhere_else()
    {
        await using var test = await AccountTest.StartAsync(web: true);
        await using var elsewhere = await AccountTest.StartAsync(options => options with { Servers = [.. options.Servers.Skip(1)] }, network: test.Network);
        var webby = test.Network.Accounts[^1];

        Assert.Contains("Your account is connected.", (await test.SignInAsync(webby)).Page.Body);
        var before = test.Network.DirectoryRequests.All.Count;
        var refused = await elsewhere.Visit().GetAsync($"{AccountTest.Login}?did={Uri.EscapeDataString(webby.Did)}");

        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.Status);
        Assert.Equal(before, test.Network.DirectoryRequests.All.Count);
    }

    [Fact]
    public async Task On_loopback_the_development_client_needs_no_document()
    {
        await using var test = await AccountTest.StartAsync(development: true);
        var visitor = test.Visit();

        Assert.Equal(HttpStatusCode.NotFound, (await visitor.GetAsync(AccountTest.Document)).Status);
        var (_, page) = await test.SignInAsync(test.Alice);

        Assert.Contains("Your account is connected.", page.Body);
        var session = Assert.Single(test.Server.OAuth.Sessions);
        Assert.StartsWith("http://localhost?redirect_uri=http%3A%2F%2F127.0.0.1%3A", session.ClientId);
    }

    [Fact]
    public async Task Under_another_name_a_login_goes_first_to_the_address_that_it_ends_at()
    {
        await using var test = await AccountTest.StartAsync(development: true);

        var answer = await test.Visit().GetAsync($"http://localhost:{test.Proxy.Address.Port}{AccountTest.Login}?did={test.Alice.Did}");

        Assert.Equal((HttpStatusCode.SeeOther, $"http://127.0.0.1:{test.Proxy.Address.Port}{AccountTest.Login}?did={test.Alice.Did}"),
            (answer.Status, answer.Location));
        Assert.Empty(answer.Cookies);
    }

    [Fact]
    public async Task Another_account_of_the_same_server_that_signs_in_instead_is_revoked_and_nothing_is_stored()
    {
        await using var test = await AccountTest.StartAsync();

        var (_, page) = await test.SignInAsync(test.Alice, asAnother: test.Carol);

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Contains("another account signed in", page.Body);
        Assert.Empty(test.Server.OAuth.Sessions);
        Assert.Equal(("ok", null), await test.HealthAsync());
    }

    [Fact]
    public async Task A_refused_consent_is_a_page_and_an_older_session_stays()
    {
        await using var test = await AccountTest.StartAsync();
        await test.SignInAsync(test.Alice);

        var (_, page) = await test.SignInAsync(test.Alice, consent: "no");

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Contains("Access was not granted; nothing has changed.", page.Body);
        Assert.Single(test.Server.OAuth.Sessions);
    }

    [Fact]
    public async Task Signing_in_again_revokes_the_old_session_afterwards()
    {
        await using var test = await AccountTest.StartAsync();
        await test.SignInAsync(test.Alice);
        var first = Assert.Single(test.Server.OAuth.Sessions);

        var (_, page) = await test.SignInAsync(test.Alice);

        Assert.Contains("connected with a new credential", page.Body);
        Assert.NotSame(first, Assert.Single(test.Server.OAuth.Sessions));
    }

    [Fact]
    public async Task Scopes_that_the_server_left_out_are_named_on_the_page_and_in_readiness()
    {
        await using var test = await AccountTest.StartAsync();
        test.Server.OAuth.Scopes = ["atproto", "repo:*"];

        var (_, page) = await test.SignInAsync(test.Alice);

        Assert.Contains("<dt>Not granted</dt><dd>blob:*/*</dd>", page.Body);
        Assert.Equal(("degraded", $"api://ATProto?actx={test.Alice.Did}: the authorization server left out `blob:*/*`"), await test.HealthAsync());
    }

    [Fact]
    public async Task A_session_with_other_scopes_is_not_replaced()
    {
        await using var test = await AccountTest.StartAsync();
        await test.SignInAsync(test.Alice);
        var first = Assert.Single(test.Server.OAuth.Sessions);
        test.Server.OAuth.Scopes = ["atproto", "repo:*"];

        var (_, page) = await test.SignInAsync(test.Alice);

        Assert.Contains("has other scopes than your account&#x27;s credential", page.Body);
        Assert.Same(first, Assert.Single(test.Server.OAuth.Sessions));
    }

    [Fact]
    public async Task A_session_without_the_scope_atproto_is_revoked()
    {
        await using var test = await AccountTest.StartAsync();
        test.Server.OAuth.Scopes = ["repo:*"];

        var (_, page) = await test.SignInAsync(test.Alice);

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Empty(test.Server.OAuth.Sessions);
    }

    [Fact]
    public async Task An_entry_of_another_kind_stands_and_signing_in_says_so_and_stores_nothing()
    {
        var network = await AtProtoNetwork.StartAsync();
        await using var test = await AccountTest.StartAsync(network: network, configure: options => options with
        {
            Credentials = [new CredentialOptions
                { Context = new("ATProto", network.Accounts[0].Did), Kind = CredentialKind.Bearer, EnvironmentVariable = "PATH" }],
        });

        var (_, page) = await test.SignInAsync(test.Alice);

        Assert.Contains("The operator has configured your account&#x27;s credential", page.Body);
        Assert.Empty(test.Server.OAuth.Sessions);
    }

    [Fact]
    public async Task An_account_that_is_not_listed_is_refused_before_anything_of_its_is_fetched()
    {
        await using var test = await AccountTest.StartAsync(options => options with { OAuth = options.OAuth! with { Accounts = [TestProxy.Did] } }, web: true);
        var webby = test.Network.Accounts[^1];

        var answer = await test.Visit().GetAsync($"{AccountTest.Login}?did={Uri.EscapeDataString(webby.Did)}");

        Assert.Equal(HttpStatusCode.Forbidden, answer.Status);
        Assert.Contains($"\"Accounts\": [\"{webby.Did}\"]", answer.Body);
        Assert.Empty(test.Network.DirectoryRequests.All);
    }

    [Fact]
    public async Task Disconnecting_revokes_the_session_and_deletes_it_even_if_the_server_is_down()
    {
        await using var test = await AccountTest.StartAsync();
        var (visitor, page) = await test.SignInAsync(test.Alice);

        Assert.Equal(HttpStatusCode.Forbidden, (await visitor.SubmitAsync(AccountTest.Disconnect, page, "https://evil.example")).Status);
        Assert.Single(test.Server.OAuth.Sessions);
        var gone = await visitor.SubmitAsync(AccountTest.Disconnect, page);
        Assert.Equal(HttpStatusCode.SeeOther, gone.Status);
        Assert.Contains("Your account is disconnected.", (await visitor.GetAsync(gone.Location!)).Body);
        Assert.Empty(test.Server.OAuth.Sessions);

        (visitor, page) = await test.SignInAsync(test.Bob);
        await test.Network.Servers[1].StopAsync();
        await visitor.SubmitAsync(AccountTest.Disconnect, page);
        Assert.Contains("could not be revoked", (await visitor.GetAsync("/")).Body);
    }

    [Fact]
    public async Task A_token_for_git_is_good_for_the_accounts_own_repository_alone_and_until_the_account_disconnects()
    {
        await using var test = await AccountTest.StartAsync();
        var (visitor, page) = await test.SignInAsync(test.Alice);
        await test.SignInAsync(test.Bob);

        var shown = await visitor.SubmitAsync(AccountTest.GitToken, page);
        Assert.Equal(HttpStatusCode.OK, shown.Status);
        var token = shown.Body.Split("<pre class=\"wrap\"><code>")[1].Split('<')[0];
        using var git = await GitClient.InitAsync();
        var own = await git.TryAsync("ls-remote", Repository(test.Alice));
        var others = await git.TryAsync("ls-remote", Repository(test.Bob));

        Assert.True(own.Succeeded, own.Errors);
        Assert.False(others.Succeeded);
        Assert.Equal(HttpStatusCode.Forbidden, (await test.Visit().PostAsync(AccountTest.GitToken, new() { ["csrf"] = "x" }, AccountTest.Public)).Status);

        Assert.Equal(HttpStatusCode.SeeOther, (await visitor.SubmitAsync(AccountTest.Disconnect, page)).Status);
        Assert.False((await git.TryAsync("ls-remote", Repository(test.Alice))).Succeeded);

        string Repository(AtProtoAccount account) => new UriBuilder($"{test.Proxy.Address}_rbac/ATProto/{account.Did}")
            { UserName = "token", Password = token }.Uri.ToString();
    }
}
