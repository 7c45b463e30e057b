using System.Text;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Tests;

/// <summary>
/// The policy set that a section of a page shows: its <c>hcl</c> blocks, each with its file's path. What an example leaves out is there: a policy
/// <c>deploy</c>, or a role <c>demo</c> that has all policies.
/// </summary>
internal static class Example
{
    public const string DefaultSubject = "actx:f81d4fae:role:demo";

    public static IReadOnlyList<PolicyFile> Files(Section section)
    {
        var files = section.Of("hcl").Select(fence => Some.File(fence.Argument, fence.Text)).ToList();
        Assert.All(files, file => Assert.True(file.Path.EndsWith(".hcl", StringComparison.Ordinal),
            $"`{section.Page}`: a block of `{section.Title}` names no file"));
        if (!files.Exists(file => file.Path.StartsWith("policies/", StringComparison.Ordinal)))
            files.Add(Some.File("policies/deploy.hcl", "path \"/v2/databases\" {\n  capabilities = [\"read\"]\n}\n"));
        if (!files.Exists(file => file.Path.Split('/')[0].EndsWith("roles", StringComparison.Ordinal)))
        {
            var policies = files.Where(file => file.Path.StartsWith("policies/", StringComparison.Ordinal))
                .Select(file => $"\"{Path.GetFileNameWithoutExtension(file.Path)}\"").Distinct();
            files.Add(Some.File("roles/demo.hcl", $$"""
                role "demo" {
                  aud      = "api://DigitalOcean?actx={actx}"
                  sub      = "actx:{actx}:role:demo"
                  policies = [{{string.Join(", ", policies)}}]
                }
                """));
        }
        return files;
    }

    /// <summary>Every diagnostic as a person sees it.</summary>
    public static string Render(CompileResult result, IReadOnlyList<PolicyFile> files)
    {
        var texts = result.Diagnostics.Select(diagnostic => DiagnosticText.Render(diagnostic,
            (files.FirstOrDefault(file => file.Path == diagnostic.Range.File)?.Content ?? default).Span));
        return string.Concat(texts).TrimEnd('\n');
    }

    public static PolicySet Set(Section section)
    {
        var files = Files(section);
        var result = PolicyCompiler.Compile(files, Some.Options);
        Assert.True(result.Set is not null, $"`{section.Title}` does not compile:\n{Render(result, files)}");
        return result.Set;
    }

    /// <summary>A token of this proxy and this context, with the members that the page gives it.</summary>
    public static Claims Token(string json)
    {
        var claims = (System.Text.Json.Nodes.JsonObject)System.Text.Json.Nodes.JsonNode.Parse(json.Length == 0 ? "{}" : json)!;
        claims.TryAdd("iss", "https://proxy.example.com");
        claims.TryAdd("aud", "api://DigitalOcean?actx=f81d4fae");
        claims.TryAdd("sub", DefaultSubject);
        if (claims["iss"]!.ToString() == "https://proxy.example.com") claims.TryAdd("actx_source", "api://DigitalOcean?actx=f81d4fae");
        return Claims.Parse(Encoding.UTF8.GetBytes(claims.ToJsonString()));
    }
}
