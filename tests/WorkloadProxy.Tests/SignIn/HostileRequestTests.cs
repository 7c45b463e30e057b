using System.Net;
using Microsoft.AspNetCore.WebUtilities;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.SignIn;

/// <summary>What another site, or somebody with a link of their own, can try.</summary>
public sealed class HostileRequestTests
{
    [Theory]
    [InlineData("?redirect_uri=https://evil.example/&next=https://evil.example&return_to=//evil.example")]
    [InlineData("?client_id=evil&scope=admin&state=chosen&code_challenge=chosen")]
    public async Task Nothing_of_a_login_link_decides_where_it_leads(string query)
    {
        await using var test = await SignInTest.StartAsync();

        var login = await test.Visit().GetAsync(SignInTest.Login + query);

        Assert.DoesNotContain("evil", login.Location);
        Assert.DoesNotContain("chosen", login.Location);
        Assert.Equal($"{test.Proxy.Options.PublicUrl}{SignInTest.Callback}", QueryHelpers.ParseQuery(new Uri(login.Location!).Query)["redirect_uri"]);
    }

    [Fact]
    public async Task Nothing_of_a_callback_decides_where_it_leads()
    {
        await using var test = await SignInTest.StartAsync();
        var visitor = test.Visit();
        var back = await visitor.ConsentAsync();

        var answer = await visitor.SendAsync(HttpMethod.Get, back + "&next=https://evil.example&redirect_uri=//evil.example", null, request =>
        {
            request.Headers.Host = "evil.example";
            request.Headers.Add("X-Forwarded-Host", "evil.example");
            request.Headers.Referrer = new Uri("https://evil.example/");
        });

        Assert.Equal((HttpStatusCode.SeeOther, $"{test.Proxy.Options.PublicUrl}/"), (answer.Status, answer.Location));
    }

    [Fact]
    public async Task A_link_with_the_attackers_code_signs_nobody_in_and_does_not_disturb_a_sign_in_under_way()
    {
        await using var test = await SignInTest.StartAsync();
        var attackers = await test.Visit().ConsentAsync();
        var victim = test.Visit();
        var own = await victim.ConsentAsync();
        var ownState = QueryHelpers.ParseQuery(new Uri(own).Query)["state"].ToString();
        var attackersCode = QueryHelpers.ParseQuery(new Uri(attackers).Query)["code"].ToString();

        Assert.Equal(HttpStatusCode.BadRequest, (await victim.GetAsync(attackers)).Status);
        Assert.Equal(HttpStatusCode.SeeOther, (await victim.GetAsync(own)).Status);

        // even with the victim's state, which nobody else knows: the code belongs to another verifier
        var other = test.Visit();
        await other.ConsentAsync();
        var mixed = $"{SignInTest.Callback}?state={ownState}&code={attackersCode}";
        Assert.Equal(HttpStatusCode.BadRequest, (await victim.GetAsync(mixed)).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await other.GetAsync(mixed)).Status);
    }

    [Fact]
    public async Task A_code_that_was_given_for_another_verifier_is_refused_at_the_token_endpoint()
    {
        await using var test = await SignInTest.StartAsync();
        var stolen = QueryHelpers.ParseQuery(new Uri(await test.Visit().ConsentAsync()).Query)["code"].ToString();
        var thief = test.Visit();
        var state = QueryHelpers.ParseQuery(new Uri(await thief.ConsentAsync()).Query)["state"].ToString();

        var answer = await thief.GetAsync($"{SignInTest.Callback}?state={state}&code={stolen}");

        Assert.Equal(HttpStatusCode.BadGateway, answer.Status);
        Assert.Equal(0, test.OAuth.LiveTokens);
    }

    [Fact]
    public async Task A_redirect_address_other_than_the_registered_one_is_refused_by_the_cloud()
    {
        await using var test = await SignInTest.StartAsync();
        test.OAuth.RedirectUri = test.Proxy.Options.PublicUrl + SignInTest.Callback;
        Assert.Contains(">connected<", (await test.SignInAsync()).Page.Body);
        test.OAuth.RedirectUri = "https://another.example" + SignInTest.Callback;
        var visitor = test.Visit();
        var login = await visitor.GetAsync(SignInTest.Login);

        Assert.Equal(HttpStatusCode.BadRequest, (await visitor.GetAsync(login.Location!)).Status);
    }

    [Theory]
    [InlineData("/auth/digitalocean/v1/callback/")]
    [InlineData("/Auth/DigitalOcean/v1/Callback")]
    [InlineData("/auth/digitalocean/v2/callback")]
    [InlineData("/auth/github/v1/login")]
    public async Task Another_spelling_of_the_paths_is_no_endpoint(string path)
    {
        await using var test = await SignInTest.StartAsync();

        Assert.Equal(HttpStatusCode.Unauthorized, (await test.Visit().GetAsync(path + "?state=a&code=b")).Status);
    }

    [Theory]
    [InlineData("https://evil.example", null)]
    [InlineData("null", null)]
    [InlineData(null, "cross-site")]
    [InlineData(null, "same-site")]
    [InlineData(null, "none")]
    [InlineData(null, null)]
    public async Task A_form_of_another_site_neither_disconnects_nor_signs_out(string? origin, string? site)
    {
        await using var test = await SignInTest.StartAsync();
        var (visitor, page) = await test.SignInAsync();

        foreach (var path in new[] { SignInTest.Disconnect, "/auth/sign-out" })
        {
            // even with the value that only the page knows
            var answer = await visitor.SendAsync(HttpMethod.Post, path, new FormUrlEncodedContent([new("csrf", Visitor.WordOf(page))]), request =>
            {
                if (origin is not null) request.Headers.Add("Origin", origin);
                if (site is not null) request.Headers.Add("Sec-Fetch-Site", site);
            });
            Assert.Equal(HttpStatusCode.Forbidden, answer.Status);
        }

        Assert.Equal(1, test.OAuth.LiveTokens);
        Assert.Contains(">connected<", (await visitor.GetAsync("/")).Body);
    }

    [Fact]
    public async Task Ten_failed_exchanges_from_an_address_are_enough_for_a_minute()
    {
        await using var test = await SignInTest.StartAsync();

        // all at once: what is counted only after the answer does not stop a burst
        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => TryAsync()));

        Assert.Equal(10, answers.Count(answer => answer.Status == HttpStatusCode.BadGateway));
        var late = answers.Where(answer => answer.Status != HttpStatusCode.BadGateway).ToList();
        Assert.All(late, answer => Assert.Equal(HttpStatusCode.TooManyRequests, answer.Status));
        Assert.All(late, answer => Assert.NotNull(answer.Response.Headers.RetryAfter));
        Assert.Equal(10, test.Proxy.Sandbox.Requests.All.Count(request => request.Target == "/v1/oauth/token"));

        async Task<Visit> TryAsync()
        {
            var visitor = test.Visit();
            var state = QueryHelpers.ParseQuery(new Uri((await visitor.GetAsync(SignInTest.Login)).Location!).Query)["state"].ToString();
            return await visitor.GetAsync($"{SignInTest.Callback}?state={state}&code=guessed");
        }
    }

    [Fact]
    public async Task What_the_upstream_calls_the_person_is_text_on_the_page_and_not_markup()
    {
        await using var test = await SignInTest.StartAsync();
        test.OAuth.Account = test.OAuth.Account with { Email = "<script>alert(1)</script>\"'&\u202e@example.com" };

        var page = (await test.SignInAsync()).Page;

        Assert.DoesNotContain("<script", page.Body);
        Assert.Contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#x27;&amp;&#x202E;@example.com", page.Body);
    }

    [Theory]
    [InlineData("f81d4fae/../other")]
    [InlineData("a&actx=b")]
    [InlineData("*")]
    public async Task A_team_id_that_names_no_context_is_refused_and_the_grant_revoked(string team)
    {
        await using var test = await SignInTest.StartAsync(oauth => oauth with { Teams = ["*"] });
        test.OAuth.Account = test.OAuth.Account with { TeamUuid = team };

        var (visitor, page) = await test.SignInAsync();

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Empty(visitor.Cookies);
        Assert.Equal(0, test.OAuth.LiveTokens);
    }

    [Fact]
    public async Task A_page_may_load_nothing_run_nothing_and_be_framed_nowhere()
    {
        await using var test = await SignInTest.StartAsync();
        var (visitor, page) = await test.SignInAsync();

        foreach (var visit in new[] { page, await test.Visit().GetAsync("/"), await visitor.GetAsync(SignInTest.Callback) })
        {
            var policy = visit.Response.Headers.GetValues("Content-Security-Policy").Single();
            Assert.StartsWith("default-src 'none'; style-src 'sha256-", policy);
            Assert.EndsWith("; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'", policy);
            Assert.Equal("nosniff", visit.Response.Headers.GetValues("X-Content-Type-Options").Single());
            Assert.Equal("no-store", visit.Response.Headers.CacheControl!.ToString());
        }
    }
}
