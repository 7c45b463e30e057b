using Dapper;
using Microsoft.Extensions.Logging;
using WorkloadProxy.Configuration;
using WorkloadProxy.Hcl;
using WorkloadProxy.Issuing;
using WorkloadProxy.Storage;
using WorkloadProxy.Tests.Storage;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Tests.Issuing;

public sealed class IssuingMaintenanceTests : IDisposable
{
    private readonly TestStore test = new();

    public void Dispose() => test.Dispose();

    [Fact]
    public async Task A_running_server_rotates_and_sweeps_and_a_store_that_fails_for_a_while_does_not_end_that()
    {
        // a rotation this short lets the rounds follow each other at once; the clock itself stands
        test.Options = test.Options with { Tokens = new TokenOptions { Algorithm = "ES256", KeyRotation = TimeSpan.FromMilliseconds(80) } };
        using var store = await test.OpenAsync();
        var keys = await test.OpenKeysAsync(store);
        var revocations = await RevocationSet.OpenAsync(store.Database, test.Options.Tokens, test.Time, TestStore.Cancel);
        await revocations.RevokeAsync(test.GitHub().Token, TestStore.Cancel);
        await store.Database.RunAsync(connection => connection.ExecuteAsync("ALTER TABLE signing_keys RENAME TO hidden"), TestStore.Cancel);

        var log = new CountingLog();
        using var maintenance = new IssuingMaintenance(keys, revocations, test.Time, log);
        await maintenance.StartAsync(TestStore.Cancel);
        test.Time.Now += TimeSpan.FromHours(2);
        await log.FirstError.WaitAsync(TestStore.Cancel);
        Assert.Single(keys.Keys);

        await store.Database.RunAsync(connection => connection.ExecuteAsync("ALTER TABLE hidden RENAME TO signing_keys"), TestStore.Cancel);
        while (keys.Keys.Count == 1 || revocations.ContainsAny(test.GitHub().Token.RevocationIds)) await Task.Delay(1, TestStore.Cancel);
        await maintenance.StopAsync(TestStore.Cancel);
        Assert.Equal(2, keys.Keys.Count);
    }

    private sealed class CountingLog : ILogger<IssuingMaintenance>
    {
        private readonly TaskCompletionSource first = new(TaskCreationOptions.RunContinuationsAsynchronously);
        public Task FirstError => first.Task;
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
        public bool IsEnabled(LogLevel logLevel) => true;
        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            first.TrySetResult();
    }
}
