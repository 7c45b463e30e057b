namespace WorkloadProxy.Tests.RoleCredentials;

/// <summary>The system's clock, ahead of time: its timers run as they do, and what has an end ends when the test says so.</summary>
internal sealed class ShiftedTime : TimeProvider
{
    private long ahead;

    public void Shift(TimeSpan by) => Interlocked.Add(ref ahead, by.Ticks);

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + new TimeSpan(Interlocked.Read(ref ahead));
}
