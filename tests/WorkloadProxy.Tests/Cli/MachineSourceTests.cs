using System.CommandLine;
using System.Text.Json;
using WorkloadProxy.Cli.Agents;
using WorkloadProxy.Tests.Mcp;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Cli;

/// <summary>The sources that a machine offers by files of its own.</summary>
public sealed class MachineSourceTests : IAsyncLifetime
{
    private const string Policy = """
        path "/v1/oidc/issue" {
          capabilities       = ["create"]
          allowed_parameters = { "aud" = "api://DigitalOcean?actx={actx}", "sub" = "actx:{actx}:role:*", "ttl" = optional(any()) }
        }
        """;

    private readonly TemporaryDirectory root = new();
    private TestProxy proxy = null!;

    public async ValueTask InitializeAsync() => proxy = await McpProxy.StartAsync(Policy);

    public async ValueTask DisposeAsync()
    {
        await proxy.DisposeAsync();
        root.Dispose();
    }

    [Fact]
    public async Task A_virtual_machine_s_files_say_who_it_is_and_where_the_proxy_and_its_team_are()
    {
        const string Folder = IdentitySource.Machine;
        root.Write($"{Folder}/token", proxy.IdentityToken() + "\n");
        root.Write($"{Folder}/base_url", $"{proxy.Address}\n");
        root.Write($"{Folder}/team_uuid", $"{TestProxy.Team}\n");

        var request = Read("--source", "vm", "--role", "agent", "--ttl", "60");
        Assert.Equal((proxy.Address, TestProxy.DigitalOcean.ToString(), TestProxy.DigitalOcean.ToString()), (request.Proxy, request.Context, request.Audience));
        Assert.Equal($"actx:{TestProxy.Team}:role:agent", await SubjectAsync(request));
        // what is given wins
        Assert.Equal("api://DigitalOcean?actx=other", Read("--source", "vm", "--context", "api://DigitalOcean?actx=other").Context);
        if (Environment.GetEnvironmentVariable("ACTIONS_ID_TOKEN_REQUEST_URL") is null && Environment.GetEnvironmentVariable("CURSOR_AGENT_SOCKET") is null)
            Assert.Equal("vm", Read().Source);
    }

    [Fact]
    public async Task A_pod_s_projected_token_is_read_again_each_time_it_is_asked_for()
    {
        const string File = "var/run/secrets/workload-proxy/token";
        var request = Read("--source", "kubernetes", "--proxy", proxy.Address.ToString(), "--context", TestProxy.DigitalOcean.ToString());
        Assert.Equal($"the file `{Path.Combine(root.Path, File)}` can't be read", (await Assert.ThrowsAsync<TokenException>(() => SubjectAsync(request)))
            .Message);
        root.Write(File, "\n");
        Assert.EndsWith("is empty", (await Assert.ThrowsAsync<TokenException>(() => SubjectAsync(request))).Message);
        root.Write(File, proxy.IdentityToken());
        Assert.Equal("repo:org/repo:ref:refs/heads/main", await SubjectAsync(request));
        // the kubelet has put the next one there
        root.Write(File, proxy.IdentityToken(new() { ["sub"] = "system:serviceaccount:ci:next" }));
        Assert.Equal("system:serviceaccount:ci:next", await SubjectAsync(request));
        Assert.Equal($"actx:{TestProxy.Team}:role:agent",
            Read("--source", "kubernetes", "--context", TestProxy.DigitalOcean.ToString(), "--proxy", proxy.Address.ToString(), "--role", "agent").Subject);
        if (Environment.GetEnvironmentVariable("ACTIONS_ID_TOKEN_REQUEST_URL") is null && Environment.GetEnvironmentVariable("CURSOR_AGENT_SOCKET") is null)
            Assert.Equal("kubernetes", Read().Source);
    }

    private TokenRequest Read(params string[] arguments)
    {
        var input = new TokenInput(root.Path);
        var command = new Command("get");
        input.AddTo(command);
        Assert.True(input.TryRead(command.Parse(arguments), null, out var request, out var error), error);
        return request;
    }

    private static async Task<string?> SubjectAsync(TokenRequest request)
    {
        using var fetcher = new TokenFetcher(request, TimeProvider.System);
        var token = (await fetcher.GetAsync(fresh: true, TestContext.Current.CancellationToken)).Token;
        return JsonElement.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(token.Split('.')[1])).GetProperty("sub").GetString();
    }
}
