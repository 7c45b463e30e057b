using System.Net;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Time.Testing;
using Sandbox.OAuth;
using WorkloadProxy.Configuration;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.SignIn;

public sealed class FlowTests
{
    [Fact]
    public async Task Login_leads_to_the_authorization_server_with_PKCE_and_the_exact_way_back()
    {
        await using var test = await SignInTest.StartAsync();

        var login = await test.Visit().GetAsync(SignInTest.Login);

        Assert.Equal(HttpStatusCode.SeeOther, login.Status);
        Assert.StartsWith($"{new Uri(test.Proxy.Sandbox.Address, "/v1/oauth")}/authorize?", login.Location);
        var query = QueryHelpers.ParseQuery(new Uri(login.Location!).Query);
        Assert.Equal(("code", "sandbox_application", "read write", "S256"),
            (query["response_type"].ToString(), query["client_id"].ToString(), query["scope"].ToString(), query["code_challenge_method"].ToString()));
        Assert.Equal($"{test.Proxy.Options.PublicUrl}{SignInTest.Callback}", query["redirect_uri"]);
        Assert.Equal(43, query["code_challenge"].ToString().Length);
        Assert.Equal(43, query["state"].ToString().Length);
        var cookie = Assert.Single(login.Cookies);
        Assert.StartsWith("__Host-", cookie);
        Assert.EndsWith("; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax", cookie);
        Assert.DoesNotContain(query["state"].ToString(), cookie);
    }

    [Fact]
    public async Task A_team_without_an_entry_in_the_configuration_signs_in_and_sees_its_page()
    {
        await using var test = await SignInTest.StartAsync();

        var (visitor, page) = await test.SignInAsync();

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Contains("sammy@example.com", page.Body);
        Assert.Contains($"{test.Proxy.Options.PublicUrl}/_rbac/DigitalOcean/{TestProxy.Team}", page.Body);
        Assert.Contains("Your team is connected.", page.Body);
        Assert.Contains(">connected<", page.Body);
        Assert.DoesNotContain("Your team is connected.", (await visitor.GetAsync("/")).Body);
        Assert.DoesNotContain("Sign in with", page.Body);
        var session = Assert.Single(visitor.Cookies).Value;
        Assert.DoesNotContain(session, page.Body);
        Assert.DoesNotContain("script", page.Body, StringComparison.OrdinalIgnoreCase);
        Assert.Equal("no-store", page.Response.Headers.CacheControl!.ToString());
    }

    [Fact]
    public async Task Parameters_travel_in_forms_and_no_secret_is_shown_logged_or_audited()
    {
        await using var test = await SignInTest.StartAsync();
        var (visitor, page) = await test.SignInAsync();

        Assert.DoesNotContain(test.Proxy.Sandbox.Requests.All, request => request.Target.StartsWith("/v1/oauth/token", StringComparison.Ordinal)
            && request.Target.Contains('?'));
        var audit = string.Join('\n', await test.Proxy.AuditAsync(3));
        foreach (var secret in test.Secrets().Concat(visitor.Cookies.Values))
        {
            Assert.DoesNotContain(secret, audit);
            Assert.DoesNotContain(secret, page.Body);
        }
        Assert.Contains("signed in as sammy@example.com: credential stored", audit);
        Assert.Contains("\"code\"", audit);
    }

    [Fact]
    public async Task The_store_holds_no_token_and_no_cookie_in_clear()
    {
        await using var test = await SignInTest.StartAsync();
        var (visitor, _) = await test.SignInAsync();
        await test.Proxy.StopServerAsync();

        var files = Directory.GetFiles(test.Proxy.Options.DataDirectory).Select(file => System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(file)));

        Assert.All(files, text => Assert.DoesNotContain("doo_v1_", text));
        Assert.All(files, text => Assert.DoesNotContain("dor_v1_", text));
        Assert.All(files, text => Assert.DoesNotContain(visitor.Cookies.Values.Single(), text));
    }

    [Fact]
    public async Task A_public_client_needs_no_secret()
    {
        await using var test = await SignInTest.StartAsync(oauth => oauth with { ClientSecretFile = null });
        test.OAuth.ClientSecret = null;

        Assert.Contains(">connected<", (await test.SignInAsync()).Page.Body);
    }

    [Fact]
    public async Task A_state_serves_once()
    {
        await using var test = await SignInTest.StartAsync();
        var visitor = test.Visit();
        var back = await visitor.ConsentAsync();
        var cookies = visitor.Cookies.ToDictionary();
        Assert.Equal(HttpStatusCode.SeeOther, (await visitor.GetAsync(back)).Status);

        foreach (var (name, value) in cookies) visitor.Cookies[name] = value;
        var again = await visitor.GetAsync(back);

        Assert.Equal(HttpStatusCode.BadRequest, again.Status);
        Assert.Contains("has already been completed", again.Body);
    }

    [Fact]
    public async Task Another_browser_can_not_complete_a_sign_in()
    {
        await using var test = await SignInTest.StartAsync();
        var back = await test.Visit().ConsentAsync();
        var other = test.Visit();

        Assert.Equal(HttpStatusCode.BadRequest, (await other.GetAsync(back)).Status);
        await other.ConsentAsync();
        var own = await other.GetAsync(back);

        Assert.Equal(HttpStatusCode.BadRequest, own.Status);
        Assert.Contains("not started in this browser", own.Body);
        Assert.Equal(0, test.OAuth.LiveTokens);
        Assert.DoesNotContain("__Host-workload-proxy-session", other.Cookies.Keys);
    }

    [Fact]
    public async Task Eleven_minutes_are_too_long()
    {
        var time = SignInTest.NewClock();
        await using var test = await SignInTest.StartAsync(time: time);
        var visitor = test.Visit();
        var back = await visitor.ConsentAsync();

        time.Advance(TimeSpan.FromMinutes(11));
        var late = await visitor.GetAsync(back);

        Assert.Equal(HttpStatusCode.BadRequest, late.Status);
        Assert.Contains("longer than ten minutes", late.Body);
    }

    [Theory]
    [InlineData("")]
    [InlineData("?")]
    [InlineData("?code=x")]
    [InlineData("?state=STATE")]
    [InlineData("?state=STATE&code=x&code=y")]
    [InlineData("?state=STATE&state=STATE&code=x")]
    [InlineData("?state=wrong&code=x")]
    public async Task A_way_back_that_is_not_ours_is_400(string query)
    {
        await using var test = await SignInTest.StartAsync();
        var visitor = test.Visit();
        var login = await visitor.GetAsync(SignInTest.Login);
        var state = QueryHelpers.ParseQuery(new Uri(login.Location!).Query)["state"].ToString();

        var answer = await visitor.GetAsync(SignInTest.Callback + query.Replace("STATE", state));

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Contains("Start again", answer.Body);
    }

    [Fact]
    public async Task What_is_no_browser_gets_the_error_as_JSON()
    {
        await using var test = await SignInTest.StartAsync();
        var visitor = test.Visit();
        visitor.Accept = "application/json";

        var answer = await visitor.GetAsync(SignInTest.Callback + "?state=x&code=y");

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Contains("\"id\":\"bad_request\"", answer.Body);
    }

    [Fact]
    public async Task Who_says_no_is_told_that_nothing_has_changed()
    {
        await using var test = await SignInTest.StartAsync();

        var (visitor, page) = await test.SignInAsync(consent: "no");

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Contains("Access was not granted; nothing has changed.", page.Body);
        Assert.Empty(visitor.Cookies);
    }

    [Theory]
    [InlineData(OAuthFault.ServerError, HttpStatusCode.BadGateway)]
    [InlineData(OAuthFault.NotJson, HttpStatusCode.BadGateway)]
    [InlineData(OAuthFault.LostAnswer, HttpStatusCode.BadGateway)]
    [InlineData(OAuthFault.OtherTokenType, HttpStatusCode.BadGateway)]
    public async Task A_token_endpoint_that_fails_is_said_on_a_page(OAuthFault fault, HttpStatusCode expected)
    {
        await using var test = await SignInTest.StartAsync();
        test.OAuth.Order(fault);

        var (visitor, page) = await test.SignInAsync();

        Assert.Equal(expected, page.Status);
        Assert.Contains("Signing in failed", page.Body);
        Assert.Empty(visitor.Cookies);
        Assert.Contains("Sign in with DigitalOcean", (await visitor.GetAsync("/")).Body);
    }

    [Fact]
    public async Task A_token_endpoint_that_is_slow_is_given_up()
    {
        var time = SignInTest.NewClock();
        await using var test = await SignInTest.StartAsync(time: time);
        test.OAuth.Order(OAuthFault.Slow);
        var visitor = test.Visit();
        var back = await visitor.ConsentAsync();
        var waiting = visitor.GetAsync(back);
        while (!test.Proxy.Sandbox.Requests.All.Any(request => request.Target == "/v1/oauth/token")) await Task.Yield();

        time.Advance(TimeSpan.FromSeconds(21));

        Assert.Equal(HttpStatusCode.GatewayTimeout, (await waiting).Status);
    }

    [Theory]
    [InlineData(OAuthFault.NoTokenType)]
    [InlineData(OAuthFault.NoInfo)]
    public async Task What_an_answer_may_leave_out_is_not_missed(OAuthFault fault)
    {
        await using var test = await SignInTest.StartAsync();
        test.OAuth.Order(fault);

        Assert.Contains(">connected<", (await test.SignInAsync()).Page.Body);
    }

    [Theory]
    [InlineData("")]
    [InlineData("another-team")]
    public async Task A_team_that_is_not_listed_is_told_its_id_and_the_setting_and_keeps_nothing_here(string listed)
    {
        await using var test = await SignInTest.StartAsync(oauth => oauth with { Teams = listed.Length == 0 ? [] : [listed] });

        var (visitor, page) = await test.SignInAsync();

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Contains(TestProxy.Team, page.Body);
        Assert.Contains("Upstreams:DigitalOcean:OAuth:Teams", page.Body);
        Assert.Empty(visitor.Cookies);
        Assert.Equal(0, test.OAuth.LiveTokens);
        var audited = await test.Proxy.AuditOfAsync(page.Response.Headers.GetValues("X-Request-Id").Single());
        Assert.Equal(("deny", 403), (audited.GetProperty("decision").GetString(), audited.GetProperty("status").GetInt32()));
        Assert.Equal($"team `{TestProxy.Team}` is not listed in `Upstreams:DigitalOcean:OAuth:Teams`", audited.GetProperty("reason").GetString());
    }

    [Fact]
    public async Task A_star_lets_every_team_in()
    {
        await using var test = await SignInTest.StartAsync(oauth => oauth with { Teams = ["*"] });
        test.OAuth.Account = new OAuthAccount("0b5cad00-0000-4000-8000-000000000001");

        Assert.Contains("0b5cad00-0000-4000-8000-000000000001", (await test.SignInAsync()).Page.Body);
    }

    [Fact]
    public async Task A_configured_credential_stays_and_what_was_given_is_revoked()
    {
        await using var test = await SignInTest.StartAsync(configure: options => options with
        {
            Policies = [new PolicySourceOptions(TestProxy.DigitalOcean, Hosted: new HostedGitOptions())],
            Credentials = [new CredentialOptions { Context = TestProxy.DigitalOcean, Kind = CredentialKind.Bearer, EnvironmentVariable = "PATH" }],
        });

        var (_, page) = await test.SignInAsync();

        Assert.Contains("The operator has configured your team&#x27;s credential", page.Body);
        Assert.Contains(">configured<", page.Body);
        Assert.Equal(0, test.OAuth.LiveTokens);
    }

    [Fact]
    public async Task A_stored_credential_is_replaced_by_one_of_equal_scopes_only()
    {
        await using var test = await SignInTest.StartAsync();
        await test.SignInAsync();
        Assert.Contains("connected with a new credential", (await test.SignInAsync()).Page.Body);
        Assert.Equal(1, test.OAuth.LiveTokens);

        test.OAuth.Scopes = ["read"];
        var (_, page) = await test.SignInAsync();

        Assert.Contains("To change the scopes, disconnect first.", page.Body);
        Assert.Contains("read write", page.Body);
        Assert.Equal(1, test.OAuth.LiveTokens);
    }

    [Fact]
    public async Task Disconnecting_revokes_and_deletes_and_needs_the_page_of_this_session()
    {
        await using var test = await SignInTest.StartAsync();
        var (visitor, page) = await test.SignInAsync();
        var (word, origin) = (Visitor.WordOf(page), test.Proxy.Options.PublicUrl);

        Assert.Equal(HttpStatusCode.Forbidden, (await visitor.PostAsync(SignInTest.Disconnect, new() { ["csrf"] = word }, "https://evil.example")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await visitor.PostAsync(SignInTest.Disconnect, new() { ["csrf"] = word })).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await visitor.PostAsync(SignInTest.Disconnect, new() { ["csrf"] = "x" }, origin)).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await visitor.PostAsync(SignInTest.Disconnect, new() { ["x"] = "y" }, origin)).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await test.Visit().PostAsync(SignInTest.Disconnect, new() { ["csrf"] = word }, origin)).Status);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await visitor.GetAsync(SignInTest.Disconnect)).Status);
        Assert.Equal(1, test.OAuth.LiveTokens);

        var done = await visitor.PostAsync(SignInTest.Disconnect, new() { ["csrf"] = word }, origin);

        Assert.Equal(HttpStatusCode.SeeOther, done.Status);
        var audited = await test.Proxy.AuditOfAsync(done.Response.Headers.GetValues("X-Request-Id").Single());
        Assert.Equal(("allow", "disconnected by sammy@example.com"), (audited.GetProperty("decision").GetString(), audited.GetProperty("reason").GetString()));
        Assert.Equal(TestProxy.DigitalOcean.ToString(), audited.GetProperty("context").GetString());

        Assert.Equal(0, test.OAuth.LiveTokens);
        var after = await visitor.GetAsync("/");
        Assert.Contains("not connected", after.Body);
        Assert.Contains("Connect with DigitalOcean", after.Body);
    }

    [Fact]
    public async Task Who_signs_out_is_unknown_from_then_on()
    {
        await using var test = await SignInTest.StartAsync();
        var (visitor, page) = await test.SignInAsync();
        var cookies = visitor.Cookies.ToDictionary();

        await visitor.PostAsync("/auth/sign-out", new() { ["csrf"] = Visitor.WordOf(page) }, test.Proxy.Options.PublicUrl);

        Assert.Empty(visitor.Cookies);
        foreach (var (name, value) in cookies) visitor.Cookies[name] = value;
        Assert.Contains("Sign in with DigitalOcean", (await visitor.GetAsync("/")).Body);
    }

    [Fact]
    public async Task Below_a_path_of_the_public_address_all_of_it_works()
    {
        await using var test = await SignInTest.StartAsync(configure: options => options with { PublicUrl = options.PublicUrl + "/proxy" });
        var (visitor, url) = (test.Visit(), test.Proxy.Options.PublicUrl);
        var login = (await visitor.GetAsync("/proxy" + SignInTest.Login)).Location!;
        var back = (await visitor.PostAsync(login, new() { ["consent"] = "yes" })).Location!;
        Assert.StartsWith(url + SignInTest.Callback, back);

        Assert.Equal($"{url}/", (await visitor.GetAsync(back)).Location);
        var page = await visitor.GetAsync("/proxy/");

        Assert.Contains("Your team is connected.", page.Body);
        Assert.Contains($"{url}/_rbac/DigitalOcean/{TestProxy.Team}", page.Body);
        Assert.Contains("action=\"/proxy/auth/sign-out\"", page.Body);
        var disconnected = await visitor.PostAsync("/proxy" + SignInTest.Disconnect, new() { ["csrf"] = Visitor.WordOf(page) },
            new Uri(url).GetLeftPart(UriPartial.Authority));
        Assert.Equal((HttpStatusCode.SeeOther, $"{url}/"), (disconnected.Status, disconnected.Location));
        Assert.Equal(0, test.OAuth.LiveTokens);
    }

    [Fact]
    public async Task Where_nobody_can_sign_in_the_paths_are_not_there()
    {
        await using var proxy = await TestProxy.StartAsync();

        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.GetAsync(SignInTest.Login, null)).Status);
    }
}
