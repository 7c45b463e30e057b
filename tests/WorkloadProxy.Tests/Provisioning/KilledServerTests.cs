using System.Net;
using Microsoft.Data.Sqlite;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Provisioning;

/// <summary><c>kill -9</c> around the moment in which a proof or a refresh is stored.</summary>
public sealed class KilledServerTests
{
    [Fact]
    public async Task A_proof_that_a_kill_interrupts_is_either_unspent_or_has_served_for_good()
    {
        await using var test = await ProvisioningTest.StartAsync();
        await test.Proxy.StopServerAsync();
        var (configuration, address) = ServedProcess.Configure(test.Proxy);
        using var calls = new ServedProvisioning(test, address);
        string early, late, earlySignature, lateSignature;
        await using (var process = ServedProvisioning.Start(test, configuration))
        {
            await process.ReadyAsync(address);
            (early, late) = (await calls.CreateAsync(), await calls.CreateAsync());
            (earlySignature, lateSignature) = (await test.SignAsync(early), await test.SignAsync(late));
            var proof = calls.ProveAsync(late, lateSignature);
            await UntilAsync(test, "SELECT count(*) FROM provisioned_droplets WHERE proved_at IS NOT NULL");
            var interrupted = await calls.ProveHeldAsync(early, earlySignature, "3164444", () => process.KillAsync());
            await Task.WhenAll(ServedProvisioning.IgnoreAsync(proof), ServedProvisioning.IgnoreAsync(interrupted));
        }
        await using var again = ServedProvisioning.Start(test, configuration);
        await again.ReadyAsync(address);
        Assert.Equal(HttpStatusCode.Unauthorized, (await calls.ProveAsync(late, lateSignature)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await calls.ProveAsync(early, earlySignature)).StatusCode);
    }

    [Fact]
    public async Task A_refresh_whose_answer_a_kill_swallows_is_answered_by_the_server_after_it()
    {
        await using var test = await ProvisioningTest.StartAsync();
        await test.Proxy.StopServerAsync();
        var (configuration, address) = ServedProcess.Configure(test.Proxy);
        using var calls = new ServedProvisioning(test, address);
        string refresh;
        await using (var process = ServedProvisioning.Start(test, configuration))
        {
            await process.ReadyAsync(address);
            var token = await calls.CreateAsync();
            using var proved = await calls.ProveAsync(token, await test.SignAsync(token));
            refresh = await ServedProvisioning.TextAsync(proved, "refresh_token");
            var lost = calls.RefreshAsync(refresh);
            await UntilAsync(test, "SELECT count(*) FROM refresh_tokens WHERE spent_at IS NOT NULL");
            await process.KillAsync();
            await ServedProvisioning.IgnoreAsync(lost);
        }
        await using var again = ServedProvisioning.Start(test, configuration);
        await again.ReadyAsync(address);
        using var answer = await calls.RefreshAsync(refresh);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var next = await ServedProvisioning.TextAsync(answer, "refresh_token");
        using var after = await calls.RefreshAsync(next);
        Assert.Equal(HttpStatusCode.OK, after.StatusCode);
    }

    private static async Task UntilAsync(ProvisioningTest test, string count)
    {
        await using var connection =
            new SqliteConnection($"Data Source={Path.Combine(test.Proxy.Options.DataDirectory, "store.db")};Mode=ReadOnly;Pooling=False");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = count;
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (command.ExecuteScalar() is not > 0L) await poll.WaitForNextTickAsync(patience.Token);
    }
}
