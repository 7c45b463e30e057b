using System.Text;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using Microsoft.AspNetCore.Http;
using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Configuration;
using WorkloadProxy.Mcp;
using WorkloadProxy.Mcp.Protocol;
using WorkloadProxy.Policies;
using WorkloadProxy.Stages;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Benchmarks;

/// <summary>What a <c>tools/call</c> of 1 KB costs beside being forwarded: its message is read and judged, and so is the answer.</summary>
[MemoryDiagnoser]
public class McpBenchmarks
{
    private readonly byte[] message = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object>
    {
        ["jsonrpc"] = "2.0",
        ["id"] = 7,
        ["method"] = "tools/call",
        ["params"] = new Dictionary<string, object>
        {
            ["_meta"] = new Dictionary<string, object>
            {
                ["io.modelcontextprotocol/protocolVersion"] = McpRevision.Modern,
                ["io.modelcontextprotocol/clientCapabilities"] = new { },
                ["io.modelcontextprotocol/clientInfo"] = new { name = "bench", version = "1" },
            },
            ["name"] = "droplet-create",
            ["arguments"] = new { Name = "agent-1", Size = "s-1vcpu-1gb", Note = new string('x', 650) },
        },
    });
    private readonly byte[] answer = JsonSerializer.SerializeToUtf8Bytes(
        new { jsonrpc = "2.0", id = 7, result = new { content = new[] { new { type = "text", text = new string('x', 800) } }, isError = false } });
    private readonly HeaderDictionary headers = new()
    {
        [McpHeaders.Version] = McpRevision.Modern, [McpHeaders.Method] = "tools/call", [McpHeaders.Name] = "droplet-create",
    };
    private McpServer server = null!;
    private Caller caller = null!;
    private McpCall call = null!;

    [GlobalSetup]
    public void Setup()
    {
        var set = PolicyText.Compiled(
        [
            new("roles/agent.hcl", Encoding.UTF8.GetBytes($$"""
                role "agent" {
                  iss      = "https://token.actions.githubusercontent.com"
                  aud      = "{{PolicyText.Context}}"
                  sub      = "repo:org/repo-1:ref:refs/heads/main"
                  policies = ["agent"]
                }
                """)),
            new("policies/agent.hcl", """
                mcp "bench" {
                  tool "droplet-create" {
                    allowed_parameters = { "Name" = "agent-*", "Size" = optional("s-*"), "Note" = any() }
                  }
                }
                """u8.ToArray()),
        ]);
        var claims = PolicyText.ClaimsOf(1);
        caller = new Caller(TokenBenchmarks.Verified(claims), set.MatchRoles(claims), "1");
        var options = new McpServerOptions { Name = "bench", Address = new Uri("http://127.0.0.1:1/mcp") };
        server = new McpServer(new UpstreamOptions { Name = PolicyText.Context.Upstream, Kind = UpstreamKind.Mcp, Mcp = [options] }, options);
        call = Call();
        Read_message();
        if (Decide().Outcome != DecisionOutcome.Allow || !Judge_answer())
            throw new InvalidOperationException("the call measured is not permitted");
    }

    [GlobalCleanup]
    public void Cleanup() => server.Forwarding.Dispose();

    [Benchmark]
    public object Read_message()
    {
        call.Message = McpMessage.Read(message, out _, out _)!;
        return McpHeaders.Check(headers, call.Revision, call.Message) is { } error ? throw new InvalidOperationException(error.Message) : call.Message;
    }

    [Benchmark]
    public object Prepare_to_send() => McpOutgoing.Prepare(call, message, headers).Value!;

    [Benchmark]
    public Decision Decide() => call.Decide(caller);

    [Benchmark]
    public bool Judge_answer() => McpServerMessage.Judge(answer, call).Verdict == McpVerdict.Pass;

    // no id is sealed here
    private McpCall Call()
    {
        var call = new McpCall(server, null!, new RequestRecord { Time = default, Started = 0 }, TimeProvider.System)
            { Revision = new McpRevision(McpRevision.Modern, IsModern: true) };
        call.Admit(caller);
        return call;
    }
}
