using System.Net;
using System.Net.NetworkInformation;
using System.Text.Json.Nodes;
using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.Tests.GitHosting;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Provisioning;

/// <summary>Two droplets with an sshd and a host key each, at addresses of their own.</summary>
public sealed class SeveralDropletsTests
{
    private const string OtherTeam = "0b5cad00-0000-4000-8000-000000000001", OtherAddress = "127.0.0.2";
    private static readonly AuthContext otherContext = new("DigitalOcean", OtherTeam);

    private static readonly Dictionary<string, string> policies = new(Examples.ForOneJob("""
        path "/v2/droplets" {
          capabilities = ["create"]
        }
        path "/v1/oidc/issue" {
          capabilities       = ["create"]
          allowed_parameters = { "aud" = "api://DigitalOcean?actx={actx}", "sub" = "actx:{actx}:role:vm", "ttl" = optional(range(1, 900)) }
        }
        """))
    {
        ["droplet-roles/vm.hcl"] = "role \"vm\" {\n  aud = \"api://DigitalOcean?actx={actx}\"\n  sub = \"actx:{actx}:role:vm\"\n  policies = [\"job\"]\n}\n",
    };

    [Fact]
    public async Task A_droplet_of_another_team_proves_nothing_with_a_teams_token_and_takes_nothing_from_it()
    {
        await using var test = await ProvisioningTest.StartAsync(policies: policies, configure: options => options with
        {
            Policies = [.. options.Policies, options.Policies[0] with { Context = otherContext }],
            Credentials = [.. options.Credentials, options.Credentials[0] with { Context = otherContext }],
        });
        await using var other = await LocalSshd.StartAsync(test.Files, at: test.Sshd.Port, name: "other", address: OtherAddress);
        var otherKey = Path.Combine(test.Files.Path, "other");
        var own = await CreateAsync(test, TestProxy.DigitalOcean);
        var others = await CreateAsync(test, otherContext);
        await MoveAsync(test, others.Id);

        foreach (var (token, key) in new[] { (own.Token, otherKey), (others.Token, test.HostKey) })
            Assert.Equal(HttpStatusCode.Unauthorized, (await test.ProveAsync(token, await test.SignAsync(token, key))).Status);
        // a good signature, over the other's token
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.ProveAsync(own.Token, await test.SignAsync(others.Token))).Status);

        foreach (var (droplet, key, team) in new[] { (own, test.HostKey, TestProxy.Team), (others, otherKey, OtherTeam) })
        {
            var answer = await test.ProveAsync(droplet.Token, await test.SignAsync(droplet.Token, key));
            Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
            var claims = ProvisioningTest.Claims(answer.Json.GetProperty("token").GetString()!);
            Assert.Equal((droplet.Id, $"api://DigitalOcean?actx={team}", $"actx:{team}:role:vm"),
                (claims.GetProperty("droplet_id").GetString()!, claims.GetProperty("aud").GetString()!, claims.GetProperty("sub").GetString()!));
        }
    }

    [Fact]
    public async Task Of_droplets_that_were_created_together_each_proves_to_be_itself_and_no_other()
    {
        await using var test = await ProvisioningTest.StartAsync();
        await using var other = await LocalSshd.StartAsync(test.Files, at: test.Sshd.Port, name: "other", address: OtherAddress);
        var body = ProvisioningTest.Body();
        body.Remove("name");
        body["names"] = new JsonArray("a", "b");
        var created = (await test.CreateAsync(body)).Json.GetProperty("droplets");
        var (first, second) = (created[0].GetProperty("id").GetRawText(), created[1].GetProperty("id").GetRawText());
        await MoveAsync(test, second);
        var token = ProvisioningTest.TokenIn(test.LastUserData());

        foreach (var (id, key) in new[] { (second, Path.Combine(test.Files.Path, "other")), (first, test.HostKey) })
        {
            var signature = await test.SignAsync(token, key);
            var answer = await test.ProveAsync(token, signature);
            Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
            Assert.Equal(id, ProvisioningTest.Claims(answer.Json.GetProperty("token").GetString()!).GetProperty("droplet_id").GetString());
            // not for the droplet that is left, either
            Assert.Equal(HttpStatusCode.Unauthorized, (await test.ProveAsync(token, signature)).Status);
        }
    }

    [Fact]
    public async Task A_droplet_that_has_an_IPv6_address_alone_is_asked_there()
    {
        await using var test = await ProvisioningTest.StartAsync();
        var addresses = NetworkInterface.GetAllNetworkInterfaces().SelectMany(each => each.GetIPProperties().UnicastAddresses);
        if (!addresses.Any(each => each.Address.Equals(IPAddress.IPv6Loopback)))
            Assert.Skip("this machine has no IPv6");
        await using var other = await LocalSshd.StartAsync(test.Files, at: test.Sshd.Port, name: "other", address: "::1");
        var (id, userData) = await test.CreateAsync();
        await MoveAsync(test, id, "v6", "::1");
        var token = ProvisioningTest.TokenIn(userData);

        Assert.Equal(HttpStatusCode.Unauthorized, (await test.ProveAsync(token, await test.SignAsync(token))).Status);
        Assert.Equal(HttpStatusCode.OK, (await test.ProveAsync(token, await test.SignAsync(token, Path.Combine(test.Files.Path, "other")))).Status);
    }

    private static async Task<(string Id, string Token)> CreateAsync(ProvisioningTest test, AuthContext context)
    {
        var answer = await test.CreateAsync(ProvisioningTest.Body(null, "oidc-sub:role:vm"), test.Proxy.Sandbox.Issuer.Token(context.ToString(), Examples.Job));
        Assert.True(answer.Status == HttpStatusCode.Accepted, answer.Body);
        return (answer.Json.GetProperty("droplet").GetProperty("id").GetRawText(), ProvisioningTest.TokenIn(test.LastUserData()));
    }

    /// <summary>The droplet has this address from now on, and no other.</summary>
    private static Task MoveAsync(ProvisioningTest test, string id, string version = "v4", string address = OtherAddress) =>
        test.ChangeAsync(id, new JsonObject
        {
            ["networks"] = new JsonObject { [version] = new JsonArray(new JsonObject { ["ip_address"] = address, ["type"] = "public" }) },
        });
}
