using System.Text.Json.Nodes;
using Sandbox.Tokens;
using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Interop;

/// <summary>A registry and a cluster behind the proxy, as people, pipelines and service accounts reach them, with the sandbox as their issuer.</summary>
internal static class InteropProxy
{
    public static readonly AuthContext Registry = new("OpenDepot", "registry");

    public static Task<TestProxy> StartAsync(IReadOnlyDictionary<string, string> policies, Func<ProxyOptions, string, ProxyOptions>? configure = null,
        Func<UpstreamOptions, UpstreamOptions>? upstream = null) =>
        TestProxy.StartAsync(configure: (options, sandbox) =>
        {
            var directory = Path.Combine(Path.GetDirectoryName(options.DataDirectory)!, "registry");
            foreach (var (path, text) in policies)
            {
                var file = new FileInfo(Path.Combine(directory, path));
                file.Directory!.Create();
                File.WriteAllText(file.FullName, text.Replace("ISSUER", sandbox.Issuer.Issuer, StringComparison.Ordinal));
            }
            var registry = new UpstreamOptions { Name = "OpenDepot", Kind = UpstreamKind.Http, Address = sandbox.Address };
            options = options with
            {
                Upstreams = new Dictionary<string, UpstreamOptions> { ["OpenDepot"] = upstream?.Invoke(registry)
                    ?? registry, ["DigitalOcean"] = options.Upstreams["DigitalOcean"] with { PassThrough = false } },
                Policies = [.. options.Policies, new PolicySourceOptions(Registry, Directory: directory)],
                Credentials = [.. options.Credentials,
                    new CredentialOptions { Context = Registry, Kind = CredentialKind.Bearer, File = options.Credentials[0].File }],
            };
            return configure?.Invoke(options, sandbox.Issuer.Issuer) ?? options;
        });

    /// <summary>A token of the sandbox's issuer with these claims beside <c>iss</c>, <c>iat</c> and <c>exp</c>; a null takes one away.</summary>
    public static string Token(this TestProxy proxy, JsonObject claims, SigningKey? key = null)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        return TokenForge.Sign(key ?? proxy.Sandbox.Issuer.Keys[0],
            new JsonObject { ["iss"] = proxy.Sandbox.Issuer.Issuer, ["iat"] = now, ["exp"] = now + 300 }.With(claims));
    }
}
