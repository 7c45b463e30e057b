namespace WorkloadProxy.Tests.Authentication;

/// <summary>A clock that stands still until a test moves it, with the timers that hang on it.</summary>
internal sealed class ManualTime(DateTimeOffset start) : TimeProvider
{
    private readonly Lock gate = new();
    private readonly List<ManualTimer> timers = [];
    private DateTimeOffset now = start;

    public ManualTime() : this(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero))
    {
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow()
    {
        lock (gate) return now;
    }

    public override long GetTimestamp() => GetUtcNow().UtcTicks;

    public void Advance(TimeSpan by)
    {
        DateTimeOffset until;
        lock (gate) until = now + by;
        while (true)
        {
            ManualTimer? due;
            lock (gate)
            {
                due = timers.Where(timer => timer.Due <= until).MinBy(timer => timer.Due);
                now = due is null || due.Due > until ? until : due.Due > now ? due.Due!.Value : now;
                if (due is null) return;
                due.Due = null;
            }

            due.Ring();
        }
    }

    /// <summary>Moves on in steps until <paramref name="task"/> ends, letting what waits outside the clock (sockets, threads) catch up at each.</summary>
    public async Task<T> AdvanceUntilAsync<T>(Task<T> task, TimeSpan step, TimeSpan atMost)
    {
        var end = GetUtcNow() + atMost;
        while (await Task.WhenAny(task, Task.Delay(20)) != task && GetUtcNow() < end) Advance(step);
        return await task.WaitAsync(TimeSpan.FromSeconds(20));
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Assert.Equal(Timeout.InfiniteTimeSpan, period);
        var timer = new ManualTimer(this, () => callback(state));
        lock (gate) timers.Add(timer);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class ManualTimer(ManualTime clock, Action ring) : ITimer
    {
        public DateTimeOffset? Due;

        public void Ring() => ring();

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            bool ringNow;
            lock (clock.gate)
            {
                ringNow = dueTime == TimeSpan.Zero;
                Due = ringNow || dueTime == Timeout.InfiniteTimeSpan ? null : clock.now + dueTime;
            }

            if (ringNow) ThreadPool.QueueUserWorkItem(_ => ring());
            return true;
        }

        public void Dispose()
        {
            lock (clock.gate) clock.timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
