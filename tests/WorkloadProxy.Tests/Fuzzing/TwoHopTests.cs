using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Fuzzing;

/// <summary>
/// Random requests through the real proxy to an upstream that records them: what arrives is what was decided, and never a byte of another caller's.
/// </summary>
public sealed class TwoHopTests(ITestOutputHelper output)
{
    private static readonly AuthContext other = new("DigitalOcean", "11111111-2222-3333-4444-555555555555");

    private const string Policy = """
        path "/v2/ok/*" {
          capabilities = ["create", "read", "update", "patch", "delete"]
        }
        path "/v2/ok/secret/*" {
          capabilities = ["deny"]
        }
        path "/v2/in/*" {
          capabilities       = ["create"]
          allowed_parameters = { "name" = "a", "*" = [] }
        }
        """;

    [Theory]
    [InlineData("1.1")]
    [InlineData("2")]
    public async Task What_arrives_is_what_was_decided_and_never_a_byte_of_another_callers(string version)
    {
        var settings = FuzzSettings.FromEnvironment();
        output.WriteLine($"WORKLOAD_PROXY_FUZZ_SEED={settings.Seed} WORKLOAD_PROXY_FUZZ_SECONDS={settings.Duration.TotalSeconds}");
        await using var upstream = new RecordingUpstream(http2: version == "2");
        await using var proxy = await StartAsync(upstream.Address, Version.Parse(version == "2" ? "2.0" : version));
        var inAnHour = Examples.Job;
        inAnHour["exp"] = TimeProvider.System.GetUtcNow().Add(settings.Duration).AddHours(1).ToUnixTimeSeconds();
        FuzzCaller[] callers =
        [
            new("first", proxy.IdentityToken((System.Text.Json.Nodes.JsonObject)inAnHour.DeepClone()), "the-secret-of-the-first"),
            new("second", proxy.Sandbox.Issuer.Token(other.ToString(), inAnHour), "the-secret-of-the-second"),
            new("users", null, null),
        ];
        var sent = new ConcurrentDictionary<string, MadeRequest>(StringComparer.Ordinal);
        var faults = new ConcurrentQueue<string>();

        await Task.WhenAll(Enumerable.Range(0, 6)
            .Select(worker => Task.Run(() => RunAsync(new Random(settings.Seed + worker), proxy, callers, settings.Duration, sent, faults))));

        var audit = await AuditAsync(proxy, upstream.Arrived);
        var judge = new Judge(sent, callers, audit);
        foreach (var request in upstream.Arrived)
        {
            foreach (var fault in judge.Faults(request)) faults.Enqueue($"{fault}\n{request.Bytes[..Math.Min(request.Bytes.Length, 2000)]}");
        }
        foreach (var begun in upstream.Begun.Where(begun => MadeRequest.MarkersIn(begun).Count(sent.ContainsKey) > 1))
            faults.Enqueue($"bytes of several requests, one broken off\n{begun}");
        foreach (var fault in upstream.Faults) faults.Enqueue(fault);
        var whole = upstream.Arrived.Count(request => sent.TryGetValue(request.All("X-Marker").FirstOrDefault() ?? "", out var made) && made.IsPlain);
        output.WriteLine($"{sent.Count} requests, {upstream.Arrived.Count} arrived, {whole} of them as they were meant, {faults.Count} faults");
        Assert.True(faults.IsEmpty,
            $"seed {settings.Seed}: {faults.Count} faults, of which the first "
                + $"are\n{string.Join("\n\n", faults.DistinctBy(fault => fault.Split('`', ':', '\n')[0]).Take(5))}");
        // a run in which nothing gets through proves nothing
        Assert.All(callers, caller => Assert.Contains(upstream.Arrived, request => request.All("Authorization")
            .Any(value => caller.Secret is { } secret
                ? value.EndsWith(secret, StringComparison.Ordinal) : value.StartsWith("Bearer u", StringComparison.Ordinal))));
        Assert.Contains(upstream.Arrived, request => request.Target.StartsWith("/v2/in/", StringComparison.Ordinal) && request.Body.Length > 0);
    }

    private static async Task RunAsync(
        Random random, TestProxy proxy, FuzzCaller[] callers, TimeSpan duration, ConcurrentDictionary<string, MadeRequest> sent, ConcurrentQueue<string> faults)
    {
        var maker = new RequestMaker(random);
        var (http1, http2) = (new Http1Caller(random, proxy.Addresses[0]), new Http2Caller(random, proxy.Addresses[1]));
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < duration;)
        {
            // callers of one connection may be several: a balancer's is
            var requests = Enumerable.Range(0, random.Next(1, 6)).Select(_ => maker.Make(callers[random.Next(callers.Length)])).ToList();
            foreach (var request in requests) sent[request.Marker] = request;
            if (random.Next(2) == 0)
            {
                var received = MadeRequest.MarkersIn(await http1.SendAsync(requests));
                if (received.Any(marker => sent.ContainsKey(marker) && requests.TrueForAll(request => request.Marker != marker)))
                    faults.Enqueue("an answer of another connection's request");
                continue;
            }
            var bodies = await http2.SendAsync(requests);
            for (var i = 0; i < requests.Count; i++)
            {
                if (MadeRequest.MarkersIn(bodies[i]).Any(marker => sent.ContainsKey(marker) && marker != requests[i].Marker))
                    faults.Enqueue($"an answer of another request: {bodies[i]}");
            }
        }
    }

    /// <summary>The audit's lines by request, once there is one for everything that arrived.</summary>
    private static async Task<ILookup<string, JsonElement>> AuditAsync(TestProxy proxy, IReadOnlyCollection<ArrivedRequest> arrived)
    {
        var ids = arrived.Select(request => request.Single("X-Request-Id")).ToHashSet();
        for (var count = ids.Count; ; count++)
        {
            var lines = (await proxy.AuditAsync(count)).Where(line => line.TryGetProperty("request_id", out _))
                .ToLookup(line => line.GetProperty("request_id").GetString()!);
            if (ids.All(id => id is null || lines.Contains(id))) return lines;
            count = Math.Max(count, lines.Sum(group => group.Count()));
        }
    }

    private static Task<TestProxy> StartAsync(Uri upstream, Version version) => TestProxy.StartAsync(Examples.ForOneJob(Policy), (options, sandbox) =>
    {
        var folder = Path.GetDirectoryName(options.Audit.File)!;
        foreach (var name in (string[])["first", "second"]) File.WriteAllText(Path.Combine(folder, name), $"the-secret-of-the-{name}");
        return options with
        {
            Upstreams = options.Upstreams.ToDictionary(entry => entry.Key, entry => entry.Value with { Address = upstream, HttpVersion = version }),
            Policies = [.. options.Policies, options.Policies[0] with { Context = other }],
            Credentials = [options.Credentials[0] with { File = Path.Combine(folder, "first") },
                options.Credentials[0] with { Context = other, File = Path.Combine(folder, "second") }],
            Framework = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["Logging:LogLevel:Default"] = "Error",
                ["Kestrel:Endpoints:a:Url"] = "http://127.0.0.1:0",
                ["Kestrel:Endpoints:b:Url"] = "http://127.0.0.1:0",
                ["Kestrel:Endpoints:b:Protocols"] = "Http2",
            }).Build(),
        };
    });
}
