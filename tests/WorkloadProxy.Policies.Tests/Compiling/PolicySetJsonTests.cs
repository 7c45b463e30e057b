using System.Text.Json;
using System.Text.Json.Nodes;

namespace WorkloadProxy.Policies.Tests.Compiling;

public class PolicySetJsonTests
{
    [Fact]
    public void A_set_as_JSON_has_its_version_its_roles_as_written_and_its_policies()
    {
        var set = Compile.Set(
            ("roles/r.hcl", """
                role "r" {
                  description = "CI"
                  iss         = "https://id.example.com"
                  aud         = "api://DigitalOcean?actx={actx}"
                  sub         = ["a*", "b"]
                  claims      = { "kubernetes.io" = { namespace = "prod", level = 9007199254740993 } }
                  policies    = ["p"]
                  expires     = "2027-01-01T00:00:00Z"
                  max_ttl     = 60
                  when        = now.hour < 18
                }
                """),
            ("policies/p.hcl", "path \"/v2/account\" {\n  capabilities = [\"read\"]\n}\n"));
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream)) PolicySetJson.Write(writer, set);
        var json = JsonNode.Parse(stream.ToArray())!;
        Assert.Equal(2, (int)json["version"]!);
        Assert.Equal($"api://DigitalOcean?actx={Compile.Team}", (string?)json["context"]);
        Assert.Equal(set.ContentHash, (string?)json["content_hash"]);
        var expected = JsonNode.Parse("""
            [{"name":"r","file":"roles/r.hcl","line":1,"description":"CI","enabled":true,"expires":"2027-01-01T00:00:00+00:00","max_ttl":60,"when":"now.hour < 18","iss":["https://id.example.com"],
              "claims":{"aud":"api://DigitalOcean?actx={actx}","sub":["a*","b"],"kubernetes.io":{"level":9007199254740993,"namespace":"prod"}},"policies":["p"]}]
            """);
        Assert.True(JsonNode.DeepEquals(expected, json["roles"]), json["roles"]!.ToJsonString());
        var policy = Assert.Single(json["policies"]!.AsArray())!;
        Assert.Equal("p", (string?)policy["name"]);
        Assert.Equal("policies/p.hcl", (string?)policy["file"]);
        Assert.Equal("/v2/account", (string?)policy["rules"]![0]!["path"]);
        Assert.Equal(["read"], policy["rules"]![0]!["capabilities"]!.AsArray().Select(node => (string?)node));
    }
}
