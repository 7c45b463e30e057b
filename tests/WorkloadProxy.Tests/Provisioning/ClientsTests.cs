using System.Net;
using System.Text;
using System.Text.Json;

namespace WorkloadProxy.Tests.Provisioning;

/// <summary>The bodies that other people's programs send when they create a droplet.</summary>
public sealed class ClientsTests
{
    private const string Tag = "oidc-sub:role:ex-database-and-spaces-keys-access";

    public static TheoryData<string, string, string> Bodies => new()
    {
        {
            "doctl/1.150.0 (linux amd64) godo/1.165.0", "application/json",
            """{"name":"test-droplet-0001","region":"sfo2","size":"s-1vcpu-1gb","image":"ubuntu-24-04-x64","ssh_keys":[],"backups":false,"ipv6":false,"private_networking":false,"monitoring":false,"tags":["TAG"]}"""
        },
        {
            "Terraform/1.13.3 terraform-provider-digitalocean/2.68.0 godo/1.165.0", "application/json",
            """{"name":"web-1","region":"nyc3","size":"s-2vcpu-4gb","image":63663980,"ssh_keys":[289794,"3b:16:e4:bf:8b:00:8b:b8:59:8c:a9:d3:f0:19:fa:45"],"backups":true,"ipv6":true,"private_networking":false,"monitoring":true,"user_data":"#cloud-config\nruncmd: [\"echo \u003ca\u003e \u0026 b\"]\n","volumes":[{"id":"506f78a4-e098-11e5-ad9f-000f53306ae1"}],"tags":["web","TAG"],"vpc_uuid":"760e09ef-dc84-11e8-981e-3cfdfeaae000","with_droplet_agent":true,"backup_policy":{"plan":"weekly","weekday":"TUE","hour":8}}"""
        },
        {
            "curl/8.5.0", "application/x-www-form-urlencoded",
            """
            {
              "tags": [ "TAG" ], "user_data": null,
              "name": "grüße\/\u00e9", "region": "sfo2", "size": "s", "image": 12345678901234567890, "n": [1.0e2, -0.0]
            }
            """
        },
        {
            "azsdk-python-pydo/0.15.0", "application/json; charset=utf-8",
            """{"names": ["sub-01.example.com"], "region": "nyc3", "size": "s-1vcpu-1gb", "image": "ubuntu-20-04-x64", "user_data": "#!/bin/bash\necho hello", "tags": ["env:prod", "TAG"]}"""
        },
    };

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task All_but_the_user_data_goes_on_as_it_was_written_and_the_answer_is_the_clouds(string agent, string type, string body)
    {
        await using var test = await ProvisioningTest.StartAsync();
        body = body.Replace("TAG", Tag, StringComparison.Ordinal);
        var content = new StringContent(body, Encoding.UTF8);
        content.Headers.Remove("Content-Type");
        content.Headers.TryAddWithoutValidation("Content-Type", type);

        var answer = await test.Proxy.SendAsync(HttpMethod.Post, "/v2/droplets", test.Proxy.Sandbox.Options.UserToken, content, request =>
        {
            request.Headers.TryAddWithoutValidation("User-Agent", agent);
            request.Headers.AcceptEncoding.ParseAdd("gzip");
            // of those that write as they go, one does not say how long it will be
            request.Headers.TransferEncodingChunked = agent.Contains("pydo", StringComparison.Ordinal);
        });

        Assert.True(answer.Status == HttpStatusCode.Accepted, answer.Body);
        var sent = test.Proxy.Sandbox.Requests.All.Last(request => request.Method == "POST");
        Assert.Equal(
            (agent, type, $"Bearer {test.Proxy.Sandbox.Options.UserToken}"),
            (sent.Header("User-Agent"), sent.Header("Content-Type"), sent.Header("Authorization")));
        Assert.Equal(Others(body), Others(sent.Body));
        var created = answer.Json.TryGetProperty("droplets", out var several) ? several[0] : answer.Json.GetProperty("droplet");
        Assert.Equal(3164444, created.GetProperty("id").GetInt32());
        Assert.Equal(JsonDocument.Parse(body).RootElement.GetProperty("tags").GetArrayLength(), created.GetProperty("tags").GetArrayLength());
        var token = ProvisioningTest.TokenIn(test.LastUserData());
        Assert.Equal(HttpStatusCode.OK, (await test.ProveAsync(token, await test.SignAsync(token))).Status);
    }

    /// <summary>Names and values in their order, as their text stands there.</summary>
    private static List<string> Others(string body) =>
        [.. JsonDocument.Parse(body).RootElement.EnumerateObject().Where(member => member.Name != "user_data")
            .Select(member => $"{member.Name} {member.Value.GetRawText()}")];
}
