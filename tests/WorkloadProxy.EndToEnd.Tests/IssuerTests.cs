using System.Text.Json.Nodes;

namespace WorkloadProxy.EndToEnd.Tests;

/// <summary>The proxy as an ordinary OIDC issuer and token service, for clients that know nothing about it.</summary>
public sealed class IssuerTests(Deployment deployment, NodeModules node) : IClassFixture<NodeModules>
{
    [Fact]
    public async Task Openid_client_discovers_it_and_exchanges_a_token_and_jose_verifies_that()
    {
        node.Needed();

        var ran = await node.Run("issuer.mjs", new Dictionary<string, string>
        {
            ["ISSUER"] = deployment.Url,
            ["SUBJECT_TOKEN"] = await deployment.IdentityToken(),
            ["AUDIENCE"] = Deployment.DigitalOcean,
            ["SCOPE"] = "role:database-and-spaces-keys-access",
        });

        var result = JsonNode.Parse(ran.Succeeded().Output)!;
        Assert.Equal(deployment.Url, result["payload"]!["iss"]!.ToString());
        Assert.Equal($"actx:{Deployment.Team}:role:database-and-spaces-keys-access", result["payload"]!["sub"]!.ToString());
        Assert.Equal("https://token.actions.githubusercontent.com", result["payload"]!["act"]!["iss"]!.ToString());
        Assert.Equal("repo:org/repo:ref:refs/heads/main", result["payload"]!["act"]!["sub"]!.ToString());
        Assert.Equal(300, result["exchanged"]!["expires_in"]!.GetValue<int>());
    }
}
