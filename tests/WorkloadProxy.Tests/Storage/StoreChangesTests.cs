using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using WorkloadProxy.Hcl;
using WorkloadProxy.Storage;
using WorkloadProxy.Tests.Authentication;

namespace WorkloadProxy.Tests.Storage;

[Collection(PostgresTests.Name)]
public sealed class StoreChangesTests(PostgresServer server)
{
    [Fact]
    public async Task What_is_notified_in_a_transaction_arrives_at_all_replicas_once_it_has_committed()
    {
        using var test = await PostgresTest.CreateAsync(server);
        using var a = await test.Replica().OpenAsync();
        using var b = await test.Replica().OpenAsync();
        await using Hearing own = new(a, "thing"), others = new(b, "thing"), nobody = new(b, "another");
        foreach (var hearing in (Hearing[])[own, others, nobody]) Assert.Null(await hearing.NextAsync());

        await Assert.ThrowsAsync<InvalidOperationException>(() => a.Database.WriteAsync(async (connection, transaction) =>
        {
            await a.Database.NotifyAsync(connection, transaction, "thing", "never");
            throw new InvalidOperationException();
        }, TestStore.Cancel));
        await Notify(a, "thing", "it's one");
        foreach (var hearing in (Hearing[])[own, others]) Assert.Equal("it's one", await hearing.NextAsync());
        // too long for a notice
        await Notify(a, "thing", new string('x', 9000));
        foreach (var hearing in (Hearing[])[own, others]) Assert.Null(await hearing.NextAsync());
        await Notify(a, "another", "end");
        Assert.Equal("end", await nobody.NextAsync());
    }

    [Fact]
    public async Task After_a_lost_connection_all_is_read_again()
    {
        using var test = await PostgresTest.CreateAsync(server);
        using var store = await test.Replica().OpenAsync();
        await using Hearing hearing = new(store, "thing");
        Assert.Null(await hearing.NextAsync());
        await server.ExecuteAsync(test.Database,
            "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE application_name = 'workload-proxy'");
        Assert.Null(await hearing.NextAsync());
        await Notify(store, "thing", "after");
        Assert.Equal("after", await hearing.NextAsync());
        Assert.True(hearing.Changes.IsListening);
    }

    [Fact]
    public async Task A_call_that_fails_is_made_again_for_all_of_the_topic()
    {
        using var test = await PostgresTest.CreateAsync(server);
        using var store = await test.Replica().OpenAsync();
        await using Hearing hearing = new(store, "thing", failing: "bad");
        Assert.Null(await hearing.NextAsync());
        await Notify(store, "thing", "bad");
        Assert.Equal("bad", await hearing.NextAsync());
        Assert.Null(await hearing.NextAsync());
    }

    [Fact]
    public async Task A_change_is_settled_when_every_replica_has_taken_it_in()
    {
        using var test = await PostgresTest.CreateAsync(server);
        using var a = await test.Replica().OpenAsync();
        using var b = await test.Replica().OpenAsync();
        var gate = new TaskCompletionSource();
        // the clock stands still: nobody loses patience
        var time = new ManualTime();
        await using Hearing own = new(a, "thing", time: time), others = new(b, "thing", until: gate.Task, time: time);
        await own.Changes.Listening;
        Assert.False(others.Changes.Listening.IsCompleted);
        Assert.False(others.Changes.IsListening);
        gate.SetResult();
        await others.Changes.Listening;
        for (var i = 0; i < 20; i++)
        {
            await Notify(a, "thing", $"{i}");
            await own.Changes.SettleAsync("thing", TestStore.Cancel);
            Assert.Equal($"{i}", others.Last);
        }
    }

    [Fact]
    public async Task A_replica_that_does_not_answer_is_not_waited_for_for_ever()
    {
        using var test = await PostgresTest.CreateAsync(server);
        using var a = await test.Replica().OpenAsync();
        await using Hearing own = new(a, "thing");
        await own.Changes.Listening;
        // it listens, as far as the server knows, and says nothing
        await a.Database.RunAsync(async connection =>
        {
            await using var command = connection.CreateCommand();
            command.CommandText = "SELECT pg_advisory_lock_shared(1464816203, 1)";
            await command.ExecuteNonQueryAsync();
            await own.Changes.SettleAsync(TestStore.Cancel).WaitAsync(TimeSpan.FromSeconds(30), TestStore.Cancel);
            return true;
        }, TestStore.Cancel);
    }

    [Fact]
    public async Task A_store_in_a_file_has_nothing_to_listen_to()
    {
        using var test = new TestStore();
        using var store = await test.OpenAsync();
        var changes = new StoreChanges(store.Database, TimeProvider.System, NullLogger<StoreChanges>.Instance);
        changes.Subscribe("thing", (_, _) => throw new InvalidOperationException());
        await changes.RunAsync(TestStore.Cancel);
        await changes.Listening;
        await Notify(store, "thing", "one");
        Assert.True(changes.IsListening);
    }

    private static Task Notify(Store store, string topic, string subject) =>
        store.Database.WriteAsync((connection, transaction) => store.Database.NotifyAsync(connection, transaction, topic, subject), TestStore.Cancel);

    private sealed class Hearing : IAsyncDisposable
    {
        private readonly Channel<string?> heard = Channel.CreateUnbounded<string?>();
        private readonly CancellationTokenSource stop = new();
        private readonly Task running;

        public Hearing(Store store, string topic, string? failing = null, Task? until = null, TimeProvider? time = null)
        {
            Changes = new StoreChanges(store.Database, time ?? TimeProvider.System, NullLogger<StoreChanges>.Instance);
            Changes.Subscribe(topic, async (subject, _) =>
            {
                if (until is not null) await until;
                Last = subject;
                heard.Writer.TryWrite(subject);
                if (subject is not null && subject == failing) throw new InvalidOperationException("as asked");
            });
            running = Changes.RunAsync(stop.Token);
        }

        public StoreChanges Changes { get; }
        public string? Last { get; private set; }

        public async Task<string?> NextAsync()
        {
            var next = heard.Reader.ReadAsync(TestStore.Cancel).AsTask();
            var ended = await Task.WhenAny(next, running).WaitAsync(TimeSpan.FromSeconds(30), TestStore.Cancel);
            await ended;
            return await next;
        }

        public async ValueTask DisposeAsync()
        {
            await stop.CancelAsync();
            await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            stop.Dispose();
        }
    }
}
