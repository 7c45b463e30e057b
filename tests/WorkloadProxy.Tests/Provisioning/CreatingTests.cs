using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Provisioning;

/// <summary>What becomes of <c>POST /v2/droplets</c>, with a user's token and with a scoped one.</summary>
public sealed class CreatingTests
{
    [Theory]
    [InlineData("""{ "name":"a",  "region":"sfo2","size":"s","image":"i", "tags": ["web"], "n": 1.0e2 }""")]
    [InlineData("""{"name":"a","region":"sfo2","size":"s","image":"i"}""")]
    [InlineData("""{"name":"a", not JSON""")]
    [InlineData("""{"name":"a","tags":[" oidc-sub:role:x","web oidc-sub:role:x","\uff4fidc-sub:role:x","oidc\u2010sub:role:x","o\u0131dc-sub:role:x"]}""")]
    [InlineData("""{"name":"a","Tags":["oidc-sub:role:x"],"user_data":"oidc-sub:role:x"}""")]
    public async Task A_request_without_the_tag_goes_on_byte_for_byte(string body)
    {
        await using var test = await ProvisioningTest.StartAsync();
        await test.Proxy.PostJsonAsync("/v2/droplets", test.Proxy.Sandbox.Options.UserToken, body);
        Assert.Equal(body, test.Proxy.Sandbox.Requests.All[^1].Body);
    }

    [Theory]
    [InlineData("oidc-sub:")]
    [InlineData("oidc-sub:role:")]
    [InlineData("oidc-sub:admin")]
    [InlineData("oidc-sub:actx:x:role:a")]
    [InlineData("oidc-sub:role:a:b")]
    [InlineData("OIDC-SUB:role:ex-database-and-spaces-keys-access")]
    [InlineData("oidc-sub:role:*")]
    [InlineData("oidc-sub:role:no-such-role")]
    [InlineData("oidc-sub:role:database-and-spaces-keys-access")]
    [InlineData("oidc-sub:role:ex-database-and-spaces-keys-access", "oidc-sub:role:ex-database-and-spaces-keys-access")]
    public async Task A_tag_that_is_malformed_ambiguous_or_names_no_role_for_machines_is_refused(params string[] tags)
    {
        await using var test = await ProvisioningTest.StartAsync();
        var answer = await test.CreateAsync(ProvisioningTest.Body(null, tags));
        Assert.Equal((HttpStatusCode.UnprocessableEntity, "unprocessable"), (answer.Status, answer.ErrorId));
        Assert.DoesNotContain(test.Proxy.Sandbox.Requests.All, request => request.Method == "POST");
    }

    [Fact]
    public async Task User_data_may_fill_all_that_the_cloud_takes_and_not_a_byte_more()
    {
        await using var test = await ProvisioningTest.StartAsync();
        var empty = Encoding.UTF8.GetByteCount((await test.CreateAsync("#!/bin/sh\n")).UserData);
        var most = "#!/bin/sh\n" + string.Concat(Enumerable.Repeat(new string('#', 99) + "\n", 700))[..(64 * 1024 - empty)];
        Assert.Equal(64 * 1024, Encoding.UTF8.GetByteCount((await test.CreateAsync(most)).UserData));
        var answer = await test.CreateAsync(ProvisioningTest.Body(most + "#"));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.Status);
        Assert.Contains("65537 bytes", answer.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_of_the_clouds_goes_back_as_it_is_and_its_token_serves_for_nothing()
    {
        await using var test = await ProvisioningTest.StartAsync();
        var body = ProvisioningTest.Body();
        body.Remove("region");
        var answer = await test.CreateAsync(body);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.Status);
        Assert.Contains("You must specify a region", answer.Body, StringComparison.Ordinal);
        var token = ProvisioningTest.TokenIn(test.LastUserData());
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.ProveAsync(token, await test.SignAsync(token))).Status);
    }

    [Fact]
    public async Task With_several_names_the_token_serves_once_for_each()
    {
        await using var test = await ProvisioningTest.StartAsync();
        var body = ProvisioningTest.Body();
        body.Remove("name");
        body["names"] = new JsonArray("a", "b");
        Assert.Equal(HttpStatusCode.Accepted, (await test.CreateAsync(body)).Status);
        var token = ProvisioningTest.TokenIn(test.LastUserData());
        var signature = await test.SignAsync(token);
        var ids = new HashSet<string>();
        for (var i = 0; i < 2; i++)
        {
            var answer = await test.ProveAsync(token, signature);
            Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
            ids.Add(ProvisioningTest.Claims(answer.Json.GetProperty("token").GetString()!).GetProperty("droplet_id").GetString()!);
        }
        Assert.Equal(2, ids.Count);
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.ProveAsync(token, signature)).Status);
    }

    [Theory]
    [InlineData("""path "/v1/oidc/issue" { capabilities = ["create"] allowed_parameters = { "aud" = "api://DigitalOcean?actx={actx}", "sub" = "actx:{actx}:role:vm", "ttl" = 300 } }""", 202)]
    [InlineData("""path "/v1/oidc/issue" { capabilities = ["create"] allowed_parameters = { "aud" = "api://DigitalOcean?actx={actx}", "sub" = "actx:{actx}:role:other", "ttl" = 300 } }""", 403)]
    [InlineData("", 403)]
    public async Task A_scoped_token_creates_a_machine_only_with_an_identity_that_it_may_issue(string issue, int status)
    {
        await using var test =
            await ProvisioningTest.StartAsync(policies: new Dictionary<string, string>(Examples.ForOneJob("path \"/v2/droplets\" {\n capabilities = "
                + "[\"create\"]\n}\n" + issue.Replace("] allowed", "]\n allowed", StringComparison.Ordinal)
                .Replace("{ capabilities", "{\n capabilities", StringComparison.Ordinal).Replace("} }", "}\n}", StringComparison.Ordinal)))
        {
            ["droplet-roles/vm.hcl"] = """
                role "vm" {
                  aud      = "api://DigitalOcean?actx={actx}"
                  sub      = "actx:{actx}:role:vm"
                  policies = ["job"]
                }
                """,
        });
        var answer = await test.CreateAsync(ProvisioningTest.Body(null, "oidc-sub:role:vm"), test.Proxy.IdentityToken());
        Assert.True((int)answer.Status == status, answer.Body);
        if (status != 202) return;
        var token = ProvisioningTest.TokenIn(test.LastUserData());
        Assert.Equal(HttpStatusCode.OK, (await test.ProveAsync(token, await test.SignAsync(token))).Status);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await test.CreateAsync(ProvisioningTest.Body(null, "oidc-sub:role:job"))).Status);
    }

    [Fact]
    public async Task The_rules_see_the_callers_body_and_the_cloud_gets_it_with_the_script()
    {
        await using var test = await ProvisioningTest.StartAsync(policies: new Dictionary<string, string>(Examples.ForOneJob("""
            path "/v2/droplets" {
              capabilities       = ["create"]
              allowed_parameters = { "*" = [], "size" = "s-1vcpu-1gb", "tags" = ["oidc-sub:role:vm"], "user_data" = "#!/bin/sh\necho mine\n" }
            }
            path "/v1/oidc/issue" {
              capabilities       = ["create"]
              allowed_parameters = { "aud" = "api://DigitalOcean?actx={actx}", "sub" = "actx:{actx}:role:vm", "ttl" = optional(range(1, 900)) }
            }
            """))
        {
            ["droplet-roles/vm.hcl"] =
                "role \"vm\" {\n  aud = \"api://DigitalOcean?actx={actx}\"\n  sub = \"actx:{actx}:role:vm\"\n  policies = [\"job\"]\n}\n",
        });
        Assert.Equal(HttpStatusCode.Forbidden,
            (await test.CreateAsync(ProvisioningTest.Body("#!/bin/sh\necho other\n", "oidc-sub:role:vm"), test.Proxy.IdentityToken())).Status);
        var answer = await test.CreateAsync(ProvisioningTest.Body("#!/bin/sh\necho mine\n", "oidc-sub:role:vm"), test.Proxy.IdentityToken());
        Assert.True(answer.Status == HttpStatusCode.Accepted, answer.Body);
        Assert.Contains("echo mine", test.LastUserData(), StringComparison.Ordinal);
        var token = ProvisioningTest.TokenIn(test.LastUserData());
        Assert.Equal(HttpStatusCode.OK, (await test.ProveAsync(token, await test.SignAsync(token))).Status);
    }

    [Theory]
    [InlineData("""{"name":"a","region":"sfo2","size":"s","image":"i","tags":["oidc-sub:role:x"],"tags":[]}""", 400)]
    [InlineData("""{"name":"a","tags":["oidc-sub:role:x"]""", 400)]
    [InlineData("""{"name":"a","tags":"oidc-sub:role:x"}""", 422)]
    [InlineData("""{"tags":["oidc-sub:role:ex-database-and-spaces-keys-access"],"user_data":5}""", 422)]
    [InlineData("""{"tags":["oidc-sub:role:ex-database-and-spaces-keys-access"],"user_data":"\ud800"}""", 400)]
    [InlineData("""{"tags":["oidc-sub:role:ex-database-and-spaces-keys-access"],"user_data":"H4sIAAAAAAAAA8tIzcnJVyjPL8pJ4QIALTsIrwwAAAA="}""", 422)]
    [InlineData("""{"tags":["oidc-sub:role:ex-database-and-spaces-keys-access"],"user_data":"\u001f\ufffd\b"}""", 422)]
    [InlineData("""{"tags":["\u006fidc-sub:role:no-such-role"]}""", 422)]
    [InlineData("""{"tags":["oidc-sub:role:ex-database-and-spaces-keys-access"],"user_data":"a","user_data":"b"}""", 400)]
    [InlineData("""{"tags":["oidc-sub:role:ex-database-and-spaces-keys-access"],"user_data":"a","\u0075ser_data":"b"}""", 400)]
    [InlineData("""{"tags":["oidc-sub:role:ex-database-and-spaces-keys-access"]} {"user_data":"b"}""", 400)]
    [InlineData("""{"tags":["oidc-sub:role:ex-database-and-spaces-keys-access\u0000"]}""", 422)]
    [InlineData("""{"tags":["oidc-sub:role:ex-database-and-spaces-keys-access "]}""", 422)]
    [InlineData("""{"tags":["oidc-sub:role:ex-database\u2010and-spaces-keys-access"]}""", 422)]
    [InlineData("""{"tags":["oidc-sub:role:ex-database-and-spaces-keys-access,web"]}""", 422)]
    [InlineData("""{"tags":["oidc-sub:role:ex-database-and-spaces-keys-access","Oidc-Sub:role:other"]}""", 422)]
    [InlineData("""{"tags":[["oidc-sub:role:ex-database-and-spaces-keys-access"]]}""", 422)]
    [InlineData("""{"tags":{"0":"oidc-sub:role:ex-database-and-spaces-keys-access"}}""", 422)]
    [InlineData("name=a&tags[]=oidc-sub:role:ex-database-and-spaces-keys-access", 400)]
    public async Task A_body_that_asks_for_an_identity_and_can_be_misread_is_refused(string body, int status)
    {
        await using var test = await ProvisioningTest.StartAsync();
        var answer = await test.Proxy.PostJsonAsync("/v2/droplets", test.Proxy.Sandbox.Options.UserToken, body);
        Assert.True((int)answer.Status == status, $"{answer.Status} {answer.Body}");
        Assert.DoesNotContain(test.Proxy.Sandbox.Requests.All, request => request.Method == "POST");
    }

    [Fact]
    public async Task A_body_over_a_megabyte_is_refused_and_a_broken_text_without_the_tag_goes_on_as_it_came()
    {
        await using var test = await ProvisioningTest.StartAsync();
        var user = test.Proxy.Sandbox.Options.UserToken;
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge,
            (await test.Proxy.PostJsonAsync("/v2/droplets", user, $$"""{"name":"{{new string('a', 1024 * 1024)}}"}""")).Status);
        foreach (var body in new[] { """{"tags":["\ud800"],"\udc00":1}""", "[]", "", "name=a&tags[]=web" })
        {
            await test.Proxy.PostJsonAsync("/v2/droplets", user, body);
            Assert.Equal(body, test.Proxy.Sandbox.Requests.All[^1].Body);
        }
    }

    [Fact]
    public async Task A_token_of_no_account_and_an_encoded_body_are_refused()
    {
        await using var test = await ProvisioningTest.StartAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.CreateAsync(ProvisioningTest.Body(), "dop_v1_nobody")).Status);
        var encoded = await test.Proxy.SendAsync(HttpMethod.Post, "/v2/droplets", test.Proxy.Sandbox.Options.UserToken, new StringContent("{}"),
            request => request.Content!.Headers.ContentEncoding.Add("gzip"));
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, encoded.Status);
    }
}
