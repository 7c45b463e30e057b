using System.Net;
using System.Text.Json.Nodes;
using WorkloadProxy.Tests.Serving;
using WorkloadProxy.Tests.Storage;

namespace WorkloadProxy.Tests.Provisioning;

/// <summary><c>kill -9</c> of one of two servers on one PostgreSQL database: VMs go on at the other.</summary>
[Collection(PostgresTests.Name)]
public sealed class KilledReplicaTests(PostgresServer server)
{
    [Fact]
    public async Task What_a_killed_replica_has_stored_counts_at_the_other_and_what_it_has_not_is_unspent()
    {
        using var postgres = await PostgresTest.CreateAsync(server);
        await using var test = await ProvisioningTest.StartAsync(configure: postgres.Configure);
        await test.Proxy.StopServerAsync();
        var (configuration, address) = ServedProcess.Configure(test.Proxy, postgres.Address);
        var (otherConfiguration, otherAddress) = Beside(test, configuration);
        using var first = new ServedProvisioning(test, address);
        using var second = new ServedProvisioning(test, otherAddress);
        string unspent, spent, unspentSignature, spentSignature, refresh;
        await using var other = ServedProvisioning.Start(test, otherConfiguration);
        await other.ReadyAsync(otherAddress);
        await using (var process = ServedProvisioning.Start(test, configuration))
        {
            await process.ReadyAsync(address);
            var machine = await first.CreateAsync();
            (unspent, spent) = (await first.CreateAsync(), await first.CreateAsync());
            (unspentSignature, spentSignature) = (await test.SignAsync(unspent), await test.SignAsync(spent));
            using var proved = await first.ProveAsync(machine, await test.SignAsync(machine));
            refresh = await ServedProvisioning.TextAsync(proved, "refresh_token");

            var (proof, lost) = (first.ProveAsync(spent, spentSignature), first.RefreshAsync(refresh));
            await UntilAsync(postgres, """
                SELECT (SELECT count(*) FROM provisioned_droplets WHERE proved_at IS NOT NULL) = 2 AND EXISTS (SELECT 1 FROM refresh_tokens WHERE spent_at IS NOT NULL)
                """);
            var interrupted = await first.ProveHeldAsync(unspent, unspentSignature, "3164445", () => process.KillAsync());
            foreach (var sent in new[] { proof, lost, interrupted }) await ServedProvisioning.IgnoreAsync(sent);
        }

        Assert.Equal(HttpStatusCode.Unauthorized, (await second.ProveAsync(spent, spentSignature)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await second.ProveAsync(unspent, unspentSignature)).StatusCode);
        using var again = await second.RefreshAsync(refresh);
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
        using var next = await second.RefreshAsync(await ServedProvisioning.TextAsync(again, "refresh_token"));
        Assert.Equal(HttpStatusCode.OK, next.StatusCode);
        // the identities of both are good where neither key was made
        foreach (var answer in new[] { again, next })
        {
            using var exchanged = await second.PostAsync("/v1/oidc/issue", await ServedProvisioning.TextAsync(answer, "token"), "{}");
            Assert.NotEqual(HttpStatusCode.Unauthorized, exchanged.StatusCode);
        }
    }

    /// <summary>A second server under the same public address, with a port and a data directory of its own.</summary>
    private static (string File, Uri Address) Beside(ProvisioningTest test, string configuration)
    {
        var address = new Uri($"http://127.0.0.1:{Ports.Free()}");
        var other = JsonNode.Parse(File.ReadAllText(configuration))!.AsObject();
        other["Urls"] = address.GetLeftPart(UriPartial.Authority);
        other["DataDirectory"] = Path.Combine(test.Proxy.Folder, "other");
        other["Audit"] = new JsonObject { ["File"] = Path.Combine(test.Proxy.Folder, "other.jsonl") };
        var file = Path.Combine(test.Proxy.Folder, "other.json");
        File.WriteAllText(file, other.ToJsonString());
        return (file, address);
    }

    private async Task UntilAsync(PostgresTest postgres, string condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (await server.ExecuteAsync(postgres.Database, condition) != "t") await poll.WaitForNextTickAsync(patience.Token);
    }
}
